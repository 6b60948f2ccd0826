"""The synthesis puts its resonances where it was told, and the players hold the sound."""

import base64
import io
import re
import wave

import pytest
import torch

from moe_tutorial.tasks.sound import BANDWIDTHS, RATE, Sounds, buzz, resonate, synthesise


@pytest.mark.parametrize(("frequency", "bandwidth"), [(300, 60), (1100, 90), (2900, 150), (5000, 200)])
def test_a_resonator_peaks_at_its_frequency_and_is_as_wide_as_its_bandwidth(frequency, bandwidth):
    click = torch.zeros(RATE, dtype=torch.float64)
    click[0] = 1
    level = torch.fft.rfft(resonate(click, frequency, bandwidth)).abs()
    peak = int(level.argmax())
    assert abs(peak - frequency) <= bandwidth / 10
    above = int((level > level.max() / 2**0.5).sum())  # the width at half power, in Hz
    assert above == pytest.approx(bandwidth, rel=0.1)
    assert level[0] == pytest.approx(1, abs=1e-6)  # a resonator leaves a constant alone


def test_a_vowel_repeats_with_its_pitch():
    samples = synthesise(100, (700, 1200, 2500))[RATE // 5:]
    period = RATE // 100
    torch.testing.assert_close(samples[period:], samples[:-period], atol=1e-3, rtol=0)
    assert samples.abs().max() <= 1


def test_the_buzz_has_its_length_and_range():
    samples = buzz(125, seconds=0.4)
    assert len(samples) == round(0.4 * RATE)
    assert samples.max() == 1 and -1 < samples.min() < -0.98


def test_a_player_carries_its_label_and_its_samples():
    samples = synthesise(120, (500, 1500, 2500), seconds=0.3)
    html = Sounds({'a "quoted" <label>': samples})._repr_html_()
    assert html.count("<audio controls") == 1
    assert 'aria-label="a &quot;quoted&quot; &lt;label&gt;"' in html
    with wave.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]))) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (RATE, 1, 2)
        played = torch.frombuffer(bytearray(wav.readframes(wav.getnframes())), dtype=torch.int16)
    middle = slice(RATE // 20, -RATE // 20)
    torch.testing.assert_close(played[middle].double() / 20_000, samples[middle], atol=1e-4, rtol=0)
    assert played[0] == played[-1] == 0  # faded, so that it does not click


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: buzz(0), "f0 and seconds must be above 0, got 0 and 0.6"),
        (lambda: buzz(100, seconds=-1), "got 100 and -1"),
        (lambda: resonate(buzz(100), 8000, 60), "wanted 0 < frequency < 8000 and bandwidth > 0, got 8000 and 60"),
        (lambda: resonate(buzz(100), 500, 0), "got 500 and 0"),
        (lambda: synthesise(100, (500, 1500)), f"wanted {len(BANDWIDTHS)} formants in Hz, got [500.0, 1500.0]"),
        (lambda: Sounds({"loud": torch.tensor([0.0, 2.0])}), "loud: samples must lie from -1 to 1, got 2"),
    ],
)
def test_bad_input_is_refused_in_words(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)
