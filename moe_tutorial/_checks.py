"""Checks of what a caller gave, with errors that say what was given and what was wanted.

Most of them are called by `shapes.checked`, which reads a function's annotations.
"""

import math
from collections.abc import Iterable
from numbers import Integral, Real

import numpy
import torch


def floats(name, value, *dims, runs="…"):
    """Check that `value` is a finite floating-point tensor whose last dimensions fit `dims`.

    name: what the caller calls it.
    dims: one entry for each of the last dimensions, a size or a letter. A letter stands for any size from 1.
    runs: "…" where leading dimensions (runs) are free, "" where there are none because every run has the same.

    TypeError: no tensor, or not floating-point. ValueError: another shape, empty, NaN or infinite.
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must hold floating-point numbers, got {value.dtype}")
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
    """Check that `value` is a whole number from 1: TypeError for another type, ValueError below 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r} ({type(value).__name__})")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def seed(name, value):
    """Check that `value` is a seed, a whole number from 0, of Python or numpy: TypeError, or ValueError outside 64 bits."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r} ({type(value).__name__})")
    if not 0 <= int(value) < 2**64:
        raise ValueError(f"{name} must be from 0 to 2**64 - 1, got {value}")


def seeds(name, value):
    """One seed as an int, or several as a tuple; what is neither is refused as by `seed`."""
    if isinstance(value, torch.Tensor | numpy.ndarray):
        value = value.tolist()
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
        raise TypeError(f"{name} must be a sequence of seeds, got {value!r}")
    return found


def finite(name, value):
    """Check what a function computed from finite numbers: OverflowError where they were too large for it."""
    if not torch.isfinite(value).all():
        raise OverflowError(f"{name} cannot be computed in {value.dtype}: what was given leads to numbers beyond "
                            f"{torch.finfo(value.dtype).max:.1e}")


def choice(name, value, options):
    """Check that `value` is one of `options`; ValueError lists them."""
    if value not in options:
        raise ValueError(f"unknown {name} {value!r}: choose one of {', '.join(map(repr, options))}")


def zero_or_more(name, value):
    """Check that a number is finite and not below 0; ValueError says what it is."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    if not 0 <= float(value) < math.inf:
        raise ValueError(f"{name} must be 0 or more and finite, got {value}")


def above_zero(name, value):
    """Check that a number, or every number of a tensor, is finite and above 0; ValueError says what it is."""
    if isinstance(value, torch.Tensor):
        value = value.min().item()
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    if not 0 < float(value) < math.inf:
        raise ValueError(f"{name} must be above 0 and finite, got {value}")
