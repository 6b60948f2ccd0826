"""The synthesis puts its resonances where it was told, the spectrum shows what sounds, and the players hold the sound."""

import base64
import io
import math
import re
import wave

import pytest
import torch

from moe_tutorial.tasks.sound import BANDWIDTHS, RATE, Sounds, buzz, resonate, spectrum, synthesise


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


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_resonator_follows_its_equation_sample_for_sample(dtype):
    x, frequency, bandwidth = buzz(130).to(dtype), 500, 60
    c = -math.exp(-2 * math.pi * bandwidth / RATE)
    b = 2 * math.exp(-math.pi * bandwidth / RATE) * math.cos(2 * math.pi * frequency / RATE)
    y = [0.0, 0.0]
    for sample in x.tolist():
        y.append((1 - b - c) * sample + b * y[-1] + c * y[-2])
    torch.testing.assert_close(resonate(x, frequency, bandwidth), torch.tensor(y[2:], dtype=dtype), atol=1e-12, rtol=1e-6)


def test_several_sounds_go_through_a_resonator_and_a_spectrum_side_by_side():
    both = torch.stack([buzz(100), buzz(150)])
    torch.testing.assert_close(resonate(both, 500, 60)[1], resonate(both[1], 500, 60))
    torch.testing.assert_close(spectrum(both)[1][1], spectrum(both[1])[1])


def test_the_spectrum_has_each_tone_at_its_frequency_and_with_its_level():
    n = torch.arange(RATE, dtype=torch.float64)  # a second, so that a level stands for 1 Hz
    tones = sum(size * torch.sin(2 * torch.pi * hertz * n / RATE) for hertz, size in ((440, 1.0), (1000, 0.1), (6000, 0.01)))
    frequency, level = spectrum(tones)
    assert frequency[0] == 0 and frequency[-1] == RATE / 2 and len(frequency) == len(level)
    heard = level[[440, 1000, 6000]]
    torch.testing.assert_close(heard, torch.tensor([0.0, -20.0, -40.0], dtype=torch.float64), atol=1e-6, rtol=0)
    assert level.max() == 0 and (level > -60).sum() == 9  # each tone and, with this window, its two neighbours


def test_the_spectrum_is_that_of_the_fourier_transform():
    samples = synthesise(130, (300, 2200, 2900))
    bent = samples * torch.hann_window(len(samples), dtype=samples.dtype)
    level = 20 * torch.log10(torch.fft.rfft(bent).abs())[1:-1]  # at the ends half of it has no mirror image
    heard = level - level.max() > -120
    torch.testing.assert_close(spectrum(samples)[1][1:-1][heard], (level - level.max())[heard], atol=1e-6, rtol=0)


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
        (lambda: buzz(0), "f0 must be above 0 and finite, got 0"),
        (lambda: buzz(100, seconds=-1), "seconds must be above 0 and finite, got -1"),
        (lambda: resonate(buzz(100), 8000, 60), "wanted 0 < frequency < 8000 and bandwidth > 0, got 8000 and 60"),
        (lambda: resonate(buzz(100), 500, 0), "got 500 and 0"),
        (lambda: spectrum(torch.zeros(5)), "samples of 5 zeros have no spectrum"),
        (lambda: synthesise(100, (500, 1500)), f"wanted {len(BANDWIDTHS)} formants in Hz, got [500.0, 1500.0]"),
        (lambda: Sounds({"loud": torch.tensor([0.0, 2.0])}), "loud of sounds: samples must lie from -1 to 1, got 2"),
    ],
)
def test_bad_input_is_refused_in_words(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)
