"""Checks of what a caller gave, with errors that say what was given and what was wanted.

Most of them are called by `shapes.checked`, which reads a function's annotations.
"""

import math
from collections.abc import Iterable, Mapping
from numbers import Integral

import numpy
import torch

MOST = 10**9
"""No size and no number of epochs is larger. What is, is a slip, and would end in a message of torch's memory."""

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_KINDS = {"floating-point numbers": _FLOATS, "whole numbers": (torch.int64, torch.int32), "True and False": (torch.bool,)}


def said(value):
    """A value and its type as messages give them, on one line and not too long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = "something"
    return f"{text if len(text) <= 100 else text[:97] + '...'} ({type(value).__name__})"


def floats(name, value, *dims, runs="…", kind="floating-point numbers"):
    """Check that `value` is a finite floating-point tensor whose last dimensions fit `dims`.

    name: what the caller calls it.
    dims: one entry for each of the last dimensions, a size or a letter. A letter stands for any size from 1.
    runs: "…" where leading dimensions (runs) are free, "" where there are none because every run has the same.
    kind: what it holds where that is something else, a name from _KINDS.

    TypeError: no tensor, or not floating-point. ValueError: another shape, empty, NaN or infinite.
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if value.dtype not in _KINDS[kind]:
        raise TypeError(f"{name} must hold {kind}, got {value.dtype}")
    if value.layout != torch.strided or value.is_nested or value.is_meta:
        raise TypeError(f"{name} must be an ordinary tensor with its numbers, got one of {value.layout} on {value.device}")
    shape = tuple(value.shape)
    leading, last = shape[: max(0, len(shape) - len(dims))], shape[max(0, len(shape) - len(dims)):]
    fits = len(last) == len(dims) and not any(isinstance(d, int) and d != size for d, size in zip(dims, last))
    if not fits or leading and not runs:
        wanted = ", ".join(str(d) for d in (*filter(None, [runs]), *dims))
        same = f": every run has the same {name}" if fits else ""
        raise ValueError(f"{name} has shape {shape}, wanted ({wanted}{',' if len(dims) == 1 and not runs else ''}){same}")
    if 0 in shape:
        raise ValueError(f"{name} is empty: its shape is {shape}")
    finite = torch.isfinite(value)
    if not finite.all():
        where = tuple(int(i) for i in (~finite).nonzero()[0])
        raise ValueError(f"{name} must be finite, got {value[where].item()} at index {where}")


def same_dtype(**tensors):
    """Check that all tensors have one dtype; TypeError names each tensor with its own."""
    if len({t.dtype for t in tensors.values()}) > 1:
        given = ", ".join(f"{name} {t.dtype}" for name, t in tensors.items())
        raise TypeError(f"all must have the same dtype, got {given}")


def same_runs(**leading):
    """Check that the leading (runs) dimensions are the same; ValueError names each tensor with its own."""
    if len(set(leading.values())) > 1:
        given = ", ".join(f"{name} {tuple(dims)}" for name, dims in leading.items())
        raise ValueError(f"the leading (runs) dimensions must be the same, got {given}")


def shared_or_same_runs(name, leading, other_name, other_leading):
    """Check that `leading` is empty (one set of cases, shared by every run) or the same as `other_leading`."""
    if tuple(leading):
        same_runs(**{name: tuple(leading), other_name: tuple(other_leading)})


def sums_to_1(name, p):
    """Check that `p` holds proportions: none negative, the last dimension summing to 1."""
    if (p < 0).any():
        raise ValueError(f"{name} must not be negative, got {p.min().item():.3g}")
    off = (p.sum(-1) - 1).abs().max().item()
    if off > (1e-9 if p.dtype == torch.float64 else 1e-4):
        raise ValueError(f"{name} must sum to 1 over its last dimension, the experts; it is off by up to {off:.3g}")


def count(name, value):
    """Check that `value` is a whole number from 1 to MOST: TypeError for another type, ValueError outside."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {said(value)}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    if value > MOST:
        raise ValueError(f"{name} must be at most {MOST}, got {value:.3g}" if value < 1e300 else
                         f"{name} must be at most {MOST}, got a number of {value.bit_length()} bits")


def seed(name, value):
    """Check that `value` is a seed, a whole number from 0, of Python or numpy: TypeError, or ValueError outside 64 bits."""
    whole(name, value)
    if not 0 <= int(value) < 2**64:
        raise ValueError(f"{name} must be from 0 to 2**64 - 1, got {value}")


def seeds(name, value):
    """One seed as an int, or several as a tuple; what is neither is refused as by `seed`."""
    if isinstance(value, torch.Tensor | numpy.ndarray):
        value = value.to_dense().tolist() if isinstance(value, torch.Tensor) else value.tolist()
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        seed(name, value)
        return int(value)  # type: ignore[arg-type]
    found = tuple(value)
    if not found:
        raise ValueError(f"{name} holds no seeds: wanted a whole number or a sequence of at least one")
    for one in found:
        seed(f"each of {name}", one)
    return tuple(map(int, found))


def several_seeds(name, value):
    """Seeds as a tuple; one alone is refused."""
    found = seeds(name, value)
    if isinstance(found, int):
        raise TypeError(f"{name} must be a sequence of seeds, got {said(value)}")
    return found


def finite(name, value, given):
    """Check what a function computed from finite numbers, by name: OverflowError where they were too large for it."""
    if not torch.isfinite(value).all():
        numbers = {one: number.abs().max().item() if isinstance(number, torch.Tensor) else number
                   for one, number in given.items() if isinstance(number, torch.Tensor | float | int)}
        raise OverflowError(f"{name} cannot be computed in {value.dtype}: what was given leads to numbers beyond "
                            f"{torch.finfo(value.dtype).max:.1e}; the largest are "
                            + ", ".join(f"{one} {number:.3g}" for one, number in numbers.items()))


def choice(name, value, options):
    """Check that `value` is one of `options`; ValueError lists them."""
    if not any(isinstance(value, type(option)) and _equal(value, option) for option in options):
        raise ValueError(f"unknown {name} {short(value)}: choose one of {', '.join(map(repr, options))}")


def _equal(one, other):
    try:
        return bool(one == other)
    except Exception:  # an array says several things at once
        return False


def short(value):
    """A value as `said` gives it, without its type."""
    return said(value).rpartition(" (")[0]


def positive(name, value):
    """Check that a number is finite and above 0: TypeError for what is no number, ValueError says what it is."""
    number(name, value, "above 0 and finite")
    if value <= 0:
        raise ValueError(f"{name} must be above 0 and finite, got {value}")


def above_zero(name, value):
    """Check that a number, or every number of a tensor, is finite and above 0, as `positive` does."""
    positive(name, value.min().item() if isinstance(value, torch.Tensor) else value)


def number(name, value, wanted="finite"):
    """Check that `value` is a number of Python or numpy: TypeError for another type, ValueError for NaN or infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float | numpy.integer | numpy.floating):
        raise TypeError(f"{name} must be a number, got {said(value)}")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError(f"{name} must be below 2**63 where it is a whole number, got {said(value)}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be {wanted}, got {value}")


def from_zero(name, value):
    """Check that `value` is a number from 0."""
    number(name, value)
    if value < 0:
        raise ValueError(f"{name} must not be negative, got {value}")


def whole(name, value):
    """Check that `value` is a whole number, of Python or numpy."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {said(value)}")


def count_from_zero(name, value):
    """Check that `value` is a whole number from 0 to MOST."""
    if type(value) is not int or value:
        count(name, value)


def real(name, value):
    """Check that an array or a tensor has no complex numbers."""
    if (isinstance(value, torch.Tensor) and value.is_complex()
            or isinstance(value, numpy.ndarray) and value.dtype.kind == "c"):
        raise TypeError(f"{name} must hold real numbers, got {value.dtype}")


def truth(name, value):
    """Check that `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {said(value)}")


def text(name, value):
    """Check that `value` is a text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, got {said(value)}")


def texts(name, value):
    """Check that `value` is a sequence of texts, not a text alone."""
    sequence(name, value)
    for place, one in enumerate(value):
        text(f"{name}[{place}]", one)


def sequence(name, value):
    """Check that `value` is a tuple or a list."""
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be a tuple or a list, got {said(value)}")


def listed(name, value):
    """The entries of a tuple, a list, a range, or an array or tensor of one dimension."""
    if isinstance(value, torch.Tensor | numpy.ndarray) and value.ndim == 1:
        return value.tolist() if isinstance(value, numpy.ndarray) else value.to_dense().tolist()
    if not isinstance(value, range):
        sequence(name, value)
    return value


def numbers(name, value):
    """Check that `value` is a list of numbers, or an array or tensor of one dimension."""
    for place, one in enumerate(listed(name, value)):
        number(f"{name}[{place}]", one)


def mapping(name, value):
    """Check that `value` is a mapping, such as a dict."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, such as a dict, got {said(value)}")


def function(name, value):
    """Check that `value` can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {said(value)}")


def has(name, value, kind, *fields):
    """Check that `value` has what a `kind` has, for rooms that do not know that class."""
    if isinstance(value, type) or not all(hasattr(value, field) for field in fields):
        raise TypeError(f"{name} must be a {kind}, got {said(value)}")
