"""A tree of gates: a mixture whose proportions are products of decisions, from the root down to an expert.

Jordan & Jacobs 1994 call it a hierarchical mixture of experts. Each gate is a node and says how far a case goes to its left;
each expert is a leaf. What is made of outputs and proportions, the losses, h, the blend, is that of a mixture.
"""

from collections.abc import Sequence
from typing import Annotated, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from .. import _checks
from ..shapes import WHOLE, Blend, Count, CountFrom0, Inputs, Outputs, Positive, Proportions, Responsibilities, checked
from .experts import Activation, Experts
from .gate import gate_scores, mixing_proportions
from .initial import SPREAD, initial_weights
from .mixture import blend


def _a_tree(name, paths):
    """Check that every leaf is reached by one way and that each gate has a left and a right."""
    if not ((paths >= -1) & (paths <= 1)).all():
        raise ValueError(f"{name} must hold 1, -1 and 0, got values from {paths.min()} to {paths.max()}")
    reached = 0.5 ** (paths != 0).sum(0).double()
    if reached.sum() != 1 or not ((paths > 0).any(1) & (paths < 0).any(1)).all():
        raise ValueError(f"{name} is not that of a binary tree: equal gates would reach its leaves with {reached.tolist()}")


Paths = Annotated[Tensor, "J K", WHOLE, _a_tree]
"""For each gate and each leaf 1 where the leaf lies to the gate's left, -1 to its right, 0 where it is not below it."""

NodeScores = Annotated[Tensor, "… N J"]
PerNode = Annotated[Tensor, "… N J"]


@checked
def tree_paths(depth: CountFrom0) -> Tensor:
    """The paths of a tree in which every leaf is `depth` gates below the root, int64 `(2^depth - 1, 2^depth)`.

    >>> tree_paths(2)
    tensor([[ 1,  1, -1, -1],
            [ 1, -1,  0,  0],
            [ 0,  0,  1, -1]])

    A row for each gate, the root first, level by level; a column for each leaf, from left to right. 1: the leaf lies to the
    gate's left, -1: to its right, 0: it is not below it.
    """
    paths = torch.zeros(0, 1, dtype=torch.int64)
    for _ in range(depth):
        paths = _split(paths, range(paths.shape[1]))
    return paths


def _split(paths, leaves):
    """The paths after some leaves have each become a gate over two: the last rows, from left to right."""
    parts = torch.arange(paths.shape[1]).repeat_interleave(
        torch.tensor([1 + (leaf in leaves) for leaf in range(paths.shape[1])]))  # of which leaf each new one is a part
    rows = torch.zeros(len(leaves), len(parts), dtype=torch.int64)
    for row, leaf in zip(rows, leaves):
        row[parts == leaf] = torch.tensor([1, -1])
    return torch.cat([paths[:, parts], rows])


@checked
def leaf_proportions(scores: NodeScores, paths: Paths) -> Proportions:
    """The mixing proportions of a tree's leaves: for each the product of the decisions on its way.

    >>> leaf_proportions(torch.zeros(1, 3), tree_paths(2))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])

    scores: of each gate; a case goes to its left in the proportion `1 / (1 + exp(-score))`, `(…, N, J)`. paths: as from
    `tree_paths`.
    """
    return log_proportions(scores.mT, paths).mT.exp()


def log_proportions(scores, paths):
    """The logarithms of the leaves' proportions, with the cases last: `(…, J, N)` to `(…, K, N)`."""
    left, right = ((side * paths > 0).mT.to(scores.dtype) for side in (1, -1))
    return left @ logsigmoid(scores) + right @ logsigmoid(-scores)


@checked
def node_responsibilities(h: Responsibilities, paths: Paths) -> PerNode:
    """The responsibility of each gate: the sum of those of the leaves below it, `(…, N, J)`. The root's is 1.

    >>> node_responsibilities(torch.tensor([[0.1, 0.2, 0.3, 0.4]]), tree_paths(2))
    tensor([[1.0000, 0.3000, 0.7000]])
    """
    return h @ (paths != 0).mT.to(h.dtype)


class Gates(nn.Module):
    """The gates of a tree; calling it on inputs x gives the leaves' proportions p, `(…, N, K)`.

    >>> Gates(tree_paths(1))(torch.ones(1, 2, dtype=torch.float64)).tolist()
    [[0.5, 0.5]]

    paths: as from `tree_paths`. inputs: the number D. runs: the leading dimensions, a tuple.

    Parameters `weight` `(…, J, D)` and `bias` `(…, J)`, float64, and the buffer `paths`. They begin at 0.
    """

    paths: Tensor

    @checked
    def __init__(self, paths: Tensor, inputs: Count = 2, runs: tuple[int, ...] = ()):
        super().__init__()
        if paths.shape != (0, 1):  # a leaf alone
            _checks.floats("paths", paths, "J", "K", runs="", kind=WHOLE)
            _a_tree("paths", paths)
        self.register_buffer("paths", paths.clone())
        self.weight = nn.Parameter(torch.zeros(*runs, len(paths), inputs, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(*runs, len(paths), dtype=torch.float64))

    def forward(self, x: Inputs) -> Proportions:
        if not len(self.paths):
            *runs, _, inputs = self.weight.shape
            return mixing_proportions(gate_scores(x, self.weight.new_zeros(*runs, 1, inputs), self.bias.new_zeros(*runs, 1)))
        return leaf_proportions(gate_scores(x, self.weight, self.bias), self.paths)


class Tree(nn.Module):
    """A tree of gates with an expert at each leaf; like a `Mixture`, it gives `(o, p)`.

    >>> o, p = Tree(depth=2)(torch.zeros(5, 2, dtype=torch.float64))
    >>> o.shape, p.shape
    (torch.Size([5, 4, 1]), torch.Size([5, 4]))

    depth: the number of gates on the way to each leaf, so that there are `2^depth` experts; with 0 an expert alone.
    inputs, outputs: the numbers D and M. output, seed, spread: of the experts, as for `Mixture`; a sequence of R seeds gives
        R trees in one tensor.

    The gates begin at 0, so that a case goes to either side in equal proportions. `split` makes a larger tree of it.
    """

    @checked
    def __init__(self, depth: CountFrom0, inputs: Count = 2, outputs: Count = 1, output: Activation = "sigmoid",
                 seed: int | Sequence[int] = 0, spread: Positive = SPREAD):
        super().__init__()
        self.experts = Experts(2**depth, inputs, outputs, output, seed, spread)
        self.gate = Gates(tree_paths(depth), inputs, runs=tuple(self.experts.weight.shape[:-3]))

    def forward(self, x: Inputs) -> tuple[Outputs, Proportions]:
        return self.experts(x), self.gate(x)

    def blend(self, x: Inputs) -> Blend:
        """The combined output for inputs x: see the function `blend`."""
        return blend(*self(x))

    @torch.no_grad()
    @checked
    def split(self, leaf: CountFrom0 | None = None, seed: int | Sequence[int] = 0, spread: Positive = SPREAD) -> Self:
        """A new tree in which a leaf, or each leaf, has become a gate over two of its kind.

        >>> Tree(depth=1).split().gate.paths.shape
        torch.Size([3, 4])

        The new gate is 0. Its two experts are the old one, each moved by random numbers from `-spread` to `spread`: two that
        are equal would, but for rounding, stay equal. Parameters that do not require a gradient are not moved. What is not
        split, and what the tree does with a case up to the moves, stays.

        leaf: its number from the left, or None for all of them. seed: of the moves, for trees of R runs one or R of them.
        """
        weights = torch.cat([self.experts.weight, self.experts.bias[..., None]], -1)
        *runs, leaves, outputs, width = weights.shape
        if leaf is not None and leaf >= leaves:
            raise ValueError(f"leaf must be below {leaves}, the number of leaves, got {leaf}")
        moves = initial_weights((leaves, 2, outputs, width), seed, spread)
        if moves.dim() > 4 and list(moves.shape[:1]) != runs:
            wanted = f"one number or {runs[0]}, one for each run" if runs else "one number"
            raise ValueError(f"seed must be {wanted}, got {len(moves)}")
        for frozen, numbers in ((self.experts.weight, moves[..., :-1]), (self.experts.bias, moves[..., -1])):
            if not frozen.requires_grad:
                numbers.zero_()
        which = range(leaves) if leaf is None else (leaf,)
        parts = [weights[..., one, None, :, :] + (moves[..., one, :, :, :] if one in which else 0) for one in range(leaves)]
        grown, moved = type(self)(0, width - 1, outputs, self.experts.output), torch.cat(parts, -3)
        grown.experts.weight, grown.experts.bias = nn.Parameter(moved[..., :-1]), nn.Parameter(moved[..., -1])
        grown.gate = Gates(_split(self.gate.paths, which), width - 1, tuple(runs))
        for name, value in self.named_parameters():
            new = grown.get_parameter(name).requires_grad_(value.requires_grad)
            if name.startswith("gate"):
                new[(slice(None),) * len(runs) + (slice(len(self.gate.paths)),)] = value
        return grown
