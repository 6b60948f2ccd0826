"""Sending cases to the experts that they chose, and putting the answers back: the same y in five ways.

An expert here has one hidden layer of H units that are 0 where they would be negative, and no biases. Each way takes x
`(N, D)`, the experts that each case chose, `(N, k)`, the first choice first, and their shares.
"""

import math
from typing import Annotated

import torch
from torch import Tensor

from ..shapes import WHOLE, Count, Positive, Seed, checked
from . import ways

Cases = Annotated[Tensor, "N D"]
Chosen = Annotated[Tensor, "N k", WHOLE]
Shares = Annotated[Tensor, "N k"]
First = Annotated[Tensor, "K D H"]
Second = Annotated[Tensor, "K H M"]
Answers = Annotated[Tensor, "N M"]


@checked
def places(chosen: Chosen, experts: Count) -> Chosen:
    """The place of each choice in the queue of its expert, from 0.

    >>> places(torch.tensor([[0], [0], [1], [0], [1], [2]]), experts=3).T
    tensor([[0, 1, 0, 2, 1, 0]])

    The first choices of all cases come before all second choices; among themselves cases stand in their order. With room
    for C cases at each expert, those with `places(chosen, experts) < C` are kept and the others dropped.

    ValueError: an expert that is not there, or the same expert twice in a case.
    """
    _check(chosen, experts)
    return ways.places(chosen.long())


@checked
def capacity(cases: Count, experts: Count, k: Count = 1, factor: Positive = 1.0) -> int:
    """How many cases an expert has room for: factor · k · cases / experts, rounded up, and at most one for each case.

    >>> capacity(cases=1000, experts=8, k=2, factor=1.25)
    313

    factor: 1 is just enough for an even load, more is room for an uneven one.

    ValueError: k is larger than the number of experts.
    """
    if k > experts:
        raise ValueError(f"k is {k}, but there are only {experts} experts")
    if factor * k >= experts:  # as many places as cases
        return cases
    return max(1, math.ceil(round(factor * k * cases / experts, 9)))  # 1.1 * 100 / 10 is 11.000000000000002


@checked
def random_experts(experts: Count, inputs: Count, hidden: Count, outputs: Count, seed: Seed = 0) -> tuple[First, Second]:
    """The weights of experts with one hidden layer, random numbers: first `(K, D, H)` and second `(K, H, M)`.

    >>> [tuple(weight.shape) for weight in random_experts(4, inputs=2, hidden=8, outputs=3)]
    [(4, 2, 8), (4, 8, 3)]
    """
    generator = torch.Generator().manual_seed(int(seed))
    first, second = (torch.randn(experts, *shape, generator=generator, dtype=torch.float64) / shape[0]**0.5
                     for shape in ((inputs, hidden), (hidden, outputs)))
    return first, second


@checked
def compute_all(x: Cases, chosen: Chosen, share: Shares, first: First, second: Second) -> Answers:
    """Every expert is computed for every case, and most answers are multiplied by 0.

    >>> layer = random_experts(4, inputs=2, hidden=8, outputs=3)
    >>> compute_all(torch.ones(5, 2).double(), torch.ones(5, 1).long(), torch.ones(5, 1).double(), *layer).shape
    torch.Size([5, 3])

    ValueError: an expert that is not there, or the same expert twice in a case.
    """
    _check(chosen, len(first))
    return ways.everyone(x, chosen.long(), share, first, second)


@checked
def compute_by_masks(x: Cases, chosen: Chosen, share: Shares, first: First, second: Second) -> Answers:
    """Expert by expert: its cases are picked out, computed, and added to y in their places. Gives what `compute_all` gives.

    >>> layer = random_experts(4, inputs=2, hidden=8, outputs=3)
    >>> compute_by_masks(torch.ones(5, 2).double(), torch.ones(5, 1).long(), torch.ones(5, 1).double(), *layer).shape
    torch.Size([5, 3])

    ValueError: as for `compute_all`.
    """
    _check(chosen, len(first))
    return ways.by_masks(x, chosen.long(), share, first, second)


@checked
def compute_in_groups(x: Cases, chosen: Chosen, share: Shares, first: First, second: Second) -> Answers:
    """The choices are sorted by expert once, and each expert computes its piece. Nobody is dropped.

    >>> layer = random_experts(4, inputs=2, hidden=8, outputs=3)
    >>> compute_in_groups(torch.ones(5, 2).double(), torch.ones(5, 1).long(), torch.ones(5, 1).double(), *layer).shape
    torch.Size([5, 3])

    ValueError: as for `compute_all`.
    """
    _check(chosen, len(first))
    return ways.in_groups(x, chosen.long(), share, first, second)


@checked
def compute_in_buffers(x: Cases, chosen: Chosen, share: Shares, first: First, second: Second, room: Count) -> Answers:
    """Each expert has a buffer with room for so many cases, and computes it whole. Who finds it full is dropped and adds 0.

    >>> layer = random_experts(4, inputs=2, hidden=8, outputs=3)
    >>> compute_in_buffers(torch.ones(5, 2).double(), torch.ones(5, 1).long(), torch.ones(5, 1).double(), *layer, room=3)[3:]
    tensor([[0., 0., 0.],
            [0., 0., 0.]], dtype=torch.float64)

    room: C, as from `capacity`. Dropped are the choices with `places(chosen, experts) >= room`.

    ValueError: as for `compute_all`.
    """
    _check(chosen, len(first))
    return ways.in_buffers(x, chosen.long(), share, first, second, min(room, len(x)))


@checked
def compute_one_hot(x: Cases, chosen: Chosen, share: Shares, first: First, second: Second, room: Count) -> Answers:
    """As `compute_in_buffers`, but cases are moved into the buffers and back by products with tables of ones and zeros.

    >>> layer = random_experts(4, inputs=2, hidden=8, outputs=3)
    >>> compute_one_hot(torch.ones(5, 2).double(), torch.ones(5, 1).long(), torch.ones(5, 1).double(), *layer, room=3).shape
    torch.Size([5, 3])

    The tables are `(N, K · C)`, so that the cost grows with the square of the number of cases.

    ValueError: as for `compute_all`.
    """
    _check(chosen, len(first))
    return ways.one_hot(x, chosen.long(), share, first, second, min(room, len(x)))


def _check(chosen, experts):
    """Whether these experts are there, and no case has the same one twice."""
    low, high = int(chosen.min()), int(chosen.max())
    if low < 0 or high >= experts:
        raise ValueError(f"chosen must hold the numbers of experts, from 0 to {experts - 1}, got {low if low < 0 else high}")
    twice = (chosen.sort(dim=1).values.diff(dim=1) == 0).any(1)
    if twice.any():
        case = int(twice.nonzero()[0])
        raise ValueError(f"chosen must hold different experts in a case, got {chosen[case].tolist()} in case {case}")
