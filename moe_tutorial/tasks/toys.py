"""Synthetic tasks whose subtasks are known: to watch what a mixture makes of them."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ..shapes import WHOLE, Count, Desired, NotNegative, Seed, checked


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
        kind, x, d = type(self).__name__, tuple(self.x.shape), tuple(self.d.shape)
        return f"{kind}: {len(self)} cases of {subtasks} subtasks, x {x}, d {d}"


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


@checked
def zigzag(pieces: Count = 3, cases: Count = 300, noise: NotNegative = 0.05, seed: Seed = 0) -> Toy:
    """Pieces of the same width, each with a line of its own through its middle, with the slopes 6 and -6 by turns.

    >>> zigzag(pieces=3)
    Toy: 300 cases of 3 subtasks, x (300, 1), d (300, 1)

    x is evenly spaced from -1 to 1. noise: the standard deviation of the noise on d. Subtask 0 is the piece on the left.
    """
    x = torch.linspace(-1, 1, cases, dtype=torch.float64)
    subtask = ((x + 1) / 2 * pieces).long().clamp(max=pieces - 1)
    middle = (subtask + 0.5) / pieces * 2 - 1
    drawn = torch.randn(cases, generator=torch.Generator().manual_seed(int(seed)), dtype=torch.float64)
    d = torch.where(subtask % 2 == 0, 6.0, -6.0) * (x - middle) + noise * drawn
    return Toy(x[:, None], d[:, None], subtask)


@checked
def three_segments(cases: Count = 300, seed: Seed = 0) -> Toy:
    """Three lines side by side, each with a noise of its own: standard deviations 0.05, 0.15 and 0.4.

    >>> three_segments()
    Toy: 300 cases of 3 subtasks, x (300, 1), d (300, 1)

    x is evenly spaced from -1 to 1, and the lines have the slopes 3, -3 and 0. Subtask 0 is the one on the left.
    """
    x = torch.linspace(-1, 1, cases, dtype=torch.float64)
    subtask = (x > -1 / 3).long() + (x > 1 / 3).long()
    slope, bias, noise = (torch.tensor(values, dtype=torch.float64)[subtask]
                          for values in ((3.0, -3.0, 0.0), (2.0, 0.0, 1.5), (0.05, 0.15, 0.4)))
    drawn = torch.randn(cases, generator=torch.Generator().manual_seed(int(seed)), dtype=torch.float64)
    return Toy(x[:, None], (slope * x + bias + noise * drawn)[:, None], subtask)


@checked
def four_regions(shift: float = 0.0, cases: Count = 400, noise: NotNegative = 0.1, seed: Seed = 0) -> Toy:
    """Four regions of the plane with a line each: the left half is divided at `shift`, the right half at minus `shift`.

    >>> four_regions(shift=0.5)
    Toy: 400 cases of 4 subtasks, x (400, 2), d (400, 1)

    With 0 it is a grid of two by two. x is uniform from -1 to 1. noise: the standard deviation of the noise on d. Subtask 0
    is the region at the top left, 1 that below it, 2 that at the top right, 3 that below it.
    """
    generator = torch.Generator().manual_seed(int(seed))
    x = 2 * torch.rand(cases, 2, generator=generator, dtype=torch.float64) - 1
    right = x[:, 0] >= 0
    top = x[:, 1] > shift * (1 - 2 * right.double())
    subtask = 2 * right.long() + (~top).long()
    weight, bias = (torch.tensor(values, dtype=torch.float64)[subtask]
                    for values in (((2.0, 0.0), (-2.0, 0.0), (0.0, 2.0), (0.0, -2.0)), (2.0, -1.0, 1.0, -2.0)))
    drawn = torch.randn(cases, generator=generator, dtype=torch.float64)
    return Toy(x, ((weight * x).sum(-1) + bias + noise * drawn)[:, None], subtask)


@checked
@dataclass(frozen=True, repr=False)
class Ring(Toy):
    """Cases of the ring, and the truth about them.

    token: which of the points of its cloud a case is, counted through all clouds, int64 (N,). frequency: how often each
    subtask comes, (S,). middle: the middles of the clouds, (S, D). slope, level: what is wanted in each subtask,
    `d = slope · (x - middle) + level` and noise, (S, D) and (S,).
    """

    token: Annotated[Tensor, "N", WHOLE]
    frequency: Annotated[Tensor, "S"]
    middle: Annotated[Tensor, "S D"]
    slope: Annotated[Tensor, "S D"]
    level: Annotated[Tensor, "S"]


@checked
def ring(cases: Count = 2048, uneven: bool = False, seed: Seed = 0, draw: Seed = 0) -> Ring:
    """Eight subtasks, whose clouds of cases stand in a ring around 0, each with a linear function of its own.

    >>> ring(cases=100)
    Ring: 100 cases of 8 subtasks, x (100, 2), d (100, 1)

    Subtask c has its middle on the circle of radius 3, and 8 points around it, its tokens, with a standard deviation of 0.4;
    a case is a token, moved by 0.1. Slopes and levels have a standard deviation of 2. The noise on d has 0.1, so that no
    error can be below 0.01.

    uneven: the subtasks come as 1, 1/2, ..., 1/8, in a random order; if False, alike. seed: of the task, its clouds and
    functions. draw: of the cases, so that training and test cases of one task differ in it.
    """
    generator = torch.Generator().manual_seed(int(seed))

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    angle = torch.arange(8, dtype=torch.float64) * torch.pi / 4
    middle = 3 * torch.stack([angle.cos(), angle.sin()], dim=-1)
    slope, level, cloud = 2 * random(8, 2), 2 * random(8), 0.4 * random(8, 8, 2)
    often = 1 / torch.arange(1, 9, dtype=torch.float64) ** int(uneven)
    frequency = (often / often.sum())[torch.randperm(8, generator=generator)]

    generator = torch.Generator().manual_seed(int(draw))
    subtask = torch.multinomial(frequency, cases, replacement=True, generator=generator)
    point = torch.randint(8, (cases,), generator=generator)
    off = cloud[subtask, point] + 0.1 * random(cases, 2)
    d = (slope[subtask] * off).sum(-1) + level[subtask] + 0.1 * random(cases)
    return Ring(middle[subtask] + off, d[:, None], subtask, 8 * subtask + point, frequency, middle, slope, level)
