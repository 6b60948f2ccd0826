"""The numbers that experts and networks begin from."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .. import _checks
from ..shapes import Positive, checked

SPREAD = 0.5
"""Initial weights are uniform from minus this to this, if nothing else is said; our reading."""


@checked
def initial_weights(shape: tuple[int, ...], seed: int | Sequence[int] = 0, spread: Positive = SPREAD) -> Tensor:
    """Random numbers to begin from, uniform from `-spread` to `spread`, float64, `shape` or `(R, *shape)`.

    >>> initial_weights((2, 3), seed=[0, 1]).shape
    torch.Size([2, 2, 3])

    The paper gives no initial weights; this is our reading.

    seed: a whole number from 0, or a sequence of R of them, which gives a leading runs dimension. A run's numbers depend
        on its own seed alone, not on the runs beside it.

    TypeError: a seed that is no whole number. ValueError: no seeds, one below 0, or a spread that is not above 0.
    """
    seeds = _checks.seeds("seed", seed)
    if isinstance(seeds, tuple):
        return torch.stack([_drawn(shape, one, spread) for one in seeds])
    return _drawn(shape, seeds, spread)


def _drawn(shape, seed, spread):
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * spread
