"""Synthetic tasks whose subtasks are known: to watch what a mixture makes of them."""

from dataclasses import dataclass

import torch

from . import _checks


@dataclass(frozen=True, repr=False)
class Toy:
    """A task made of subtasks.

    x: inputs, float64 (N, D). d: desired outputs, float64 (N, M). subtask: the number of each case's subtask, int64 (N,).
    """

    x: torch.Tensor
    d: torch.Tensor
    subtask: torch.Tensor

    def __len__(self):
        return len(self.x)

    def __repr__(self):
        subtasks = len(self.subtask.unique())
        return f"Toy: {len(self)} cases of {subtasks} subtasks, x {tuple(self.x.shape)}, d {tuple(self.d.shape)}"


def absolute_value(cases=100, slope=4.0):
    """`d = slope · |x|` at evenly spaced x from -1 to 1: two straight lines, and so two linear experts' worth of work.

    cases: an even number, so that no case is at 0. Subtask 0 is x < 0, subtask 1 is x > 0.

    TypeError, ValueError: `cases` is no whole even number from 2, or the slope is not above 0.
    """
    _checks.count("cases", cases)
    _checks.above_zero("slope", slope)
    if cases % 2:
        raise ValueError(f"cases must be even, got {cases}")
    x = torch.linspace(-1, 1, cases, dtype=torch.float64)[:, None]
    return Toy(x, slope * x.abs(), (x[:, 0] > 0).long())
