"""What a vowel with given formants sounds like: a small source-filter synthesis.

The source is a buzz at F0, like that of the vocal folds. Each formant is a resonance of the mouth and throat, and one
digital resonator stands for it, in the form of Klatt (1980).
"""

import base64
import html
import io
import math
import wave
from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from torch import Tensor

from .. import _checks
from .._words import writable
from ..shapes import Positive, Samples, checked

RATE = 16_000
"""Samples a second."""

BANDWIDTHS = (60.0, 90.0, 150.0)
"""Widths in Hz of the first three resonances; our choice, the 1952 data have none."""


@checked
def buzz(f0: Positive, seconds: Positive = 0.6) -> Tensor:
    """The source, a falling saw-tooth wave of `f0` Hz, float64 `(T,)`, from -1 to 1.

    ValueError: `f0` or `seconds` not above 0.
    """
    if not 1 <= round(seconds * RATE) <= _checks.MOST:
        raise ValueError(f"seconds must give from 1 to {_checks.MOST} samples at {RATE} a second, got {seconds}")
    n = torch.arange(round(seconds * RATE), dtype=torch.float64)
    return 1 - 2 * (f0 * n / RATE).remainder(1)


@checked
def resonate(samples: Samples, frequency: float, bandwidth: float) -> Samples:
    """The samples after one resonator: `y_n = a x_n + b y_{n-1} + c y_{n-2}`.

    >>> resonate(torch.tensor([1.0, 0.0, 0.0, 0.0]), frequency=1000, bandwidth=60)
    tensor([0.1506, 0.2750, 0.3551, 0.3799])

    frequency, bandwidth: of the resonance, in Hz; the frequency below half of RATE.

    TypeError, ValueError: no floating-point tensor, NaN, a frequency or bandwidth outside its range.
    """
    if not 0 < frequency < RATE / 2 or not bandwidth > 0:
        raise ValueError(f"wanted 0 < frequency < {RATE // 2} and bandwidth > 0, got {frequency} and {bandwidth}")
    c = -math.exp(-2 * math.pi * bandwidth / RATE)
    b = 2 * math.exp(-math.pi * bandwidth / RATE) * math.cos(2 * math.pi * frequency / RATE)
    a = 1 - b - c
    from scipy.signal import lfilter  # takes half a second to import, and only sounds need it

    return torch.as_tensor(lfilter([a], [1, -b, -c], samples.detach().numpy()), dtype=samples.dtype)


@checked
def spectrum(samples: Samples) -> tuple[Tensor, Tensor]:
    """How strong each frequency is in a sound: frequencies in Hz, `(F,)`, and levels in dB, `(…, F)`, at most 0.

    >>> frequency, level = spectrum(buzz(200))
    >>> frequency[level.argmax()].item()
    200.0

    The levels are relative to the highest one, under a Hann window.

    TypeError, ValueError: no floating-point tensor, NaN, a sound of nothing but zeros, which has no highest level.
    """
    # Times a power of two, which changes no digit, so that no square is too large or too small.
    samples = torch.ldexp(samples.detach(), -torch.frexp(samples.detach().abs().amax(-1, keepdim=True)).exponent)
    from scipy.signal import periodogram

    frequency, power = periodogram(samples.numpy(), RATE, window="hann", detrend=False)
    power = torch.as_tensor(power)
    highest = power.amax(-1, keepdim=True)
    if (highest == 0).any():
        raise ValueError(f"samples of {samples.shape[-1]} zeros have no spectrum")
    return torch.as_tensor(frequency), 10 * torch.log10(power / highest)


@checked
def synthesise(f0: Positive, formants: Annotated[Sequence[float], _checks.numbers], seconds: Positive = 0.6) -> Tensor:
    """A vowel: the buzz through one resonator after another, float64 `(T,)`, scaled to a largest value of 1.

    >>> synthesise(130, formants=(300, 2300, 3000), seconds=0.1).shape
    torch.Size([1600])

    f0: of the source, in Hz. formants: F1, F2 and F3 in Hz.

    ValueError: another number of formants than BANDWIDTHS has, or a frequency outside its range.
    """
    formants = [float(f) for f in formants]
    if len(formants) != len(BANDWIDTHS):
        raise ValueError(f"wanted {len(BANDWIDTHS)} formants in Hz, got {_checks.said(formants)}")
    if not all(0 < formant < RATE / 2 for formant in formants):
        raise ValueError(f"wanted formants between 0 and {RATE // 2} Hz, got {formants}")
    samples = buzz(f0, seconds)
    for frequency, bandwidth in zip(formants, BANDWIDTHS):
        samples = resonate(samples, frequency, bandwidth)
    return samples / samples.abs().max()


class Sounds:
    """Labelled players, one for each sound; shown in a notebook and in the rendered page, with no kernel needed.

    >>> Sounds({"[i] as in heed": synthesise(130, formants=(300, 2300, 3000))})
    Sounds: [i] as in heed (0.6 s)

    sounds: a mapping from a label to samples `(T,)` from -1 to 1, at RATE.

    TypeError, ValueError: no floating-point tensors, NaN, samples beyond -1 to 1.
    """

    @checked
    def __init__(self, sounds: Mapping):
        for label, samples in sounds.items():
            _checks.text("each label of sounds", label)
            _checks.floats(f"{label} of sounds", samples, "T", runs="")
            if samples.abs().max() > 1:
                raise ValueError(f"{label} of sounds: samples must lie from -1 to 1, got {samples.abs().max().item():.3g}")
        self.sounds = {label: samples.detach() for label, samples in sounds.items()}

    def __repr__(self):
        return writable("Sounds: " + ", ".join(f"{label} ({len(s) / RATE:.1f} s)" for label, s in self.sounds.items()))

    def _repr_html_(self):
        return "\n".join(
            f'<figure class="sound"><figcaption>{html.escape(label)}</figcaption>'
            f'<audio controls preload="none" aria-label="{html.escape(label, quote=True)}" '
            f'src="data:audio/wav;base64,{base64.b64encode(_wav(samples)).decode()}"></audio></figure>'
            for label, samples in self.sounds.items()
        )


def _wav(samples):
    """The bytes of a mono 16-bit WAV file, faded in and out over 20 ms so that it does not click."""
    edge = torch.arange(len(samples), dtype=samples.dtype) / (0.02 * RATE)
    faded = samples * edge.clamp(max=1) * edge.flip(0).clamp(max=1)
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, RATE, len(samples), "NONE", "not compressed"))
        wav.writeframes((faded * 20_000).round().to(torch.int16).numpy().astype("<i2").tobytes())
    return file.getvalue()
