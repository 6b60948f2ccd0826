"""Synthetic tasks whose subtasks are known: to watch what a mixture makes of them."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ..shapes import WHOLE, Count, Desired, checked


@checked
@dataclass(frozen=True, repr=False)
class Toy:
    """A task made of subtasks.

    x: inputs, float64 (N, D). d: desired outputs, float64 (N, M). subtask: the number of each case's subtask, int64 (N,).
    """

    x: Annotated[Tensor, "N D"]
    d: Desired
    subtask: Annotated[Tensor, "N", WHOLE]

    def __len__(self):
        return len(self.x)

    def __repr__(self):
        subtasks = len(self.subtask.unique())
        return f"Toy: {len(self)} cases of {subtasks} subtasks, x {tuple(self.x.shape)}, d {tuple(self.d.shape)}"


@checked
def absolute_value(cases: Count = 100) -> Toy:
    """`d = 4 · |x|` at evenly spaced x from -1 to 1: two straight lines, and so two linear experts' worth of work.

    >>> absolute_value(100)
    Toy: 100 cases of 2 subtasks, x (100, 1), d (100, 1)

    cases: an even number, so that no case is at 0. Subtask 0 is x < 0, subtask 1 is x > 0.

    TypeError, ValueError: `cases` is no whole even number from 2.
    """
    if cases % 2:
        raise ValueError(f"cases must be even, got {cases}")
    x = torch.linspace(-1, 1, cases, dtype=torch.float64)[:, None]
    return Toy(x, 4 * x.abs(), (x[:, 0] > 0).long())
