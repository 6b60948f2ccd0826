"""Lines in the plane of the inputs: an expert's decision line, a gate line, and where they lie."""

from torch import stack

from .. import _checks
from ..shapes import GateBias, GateWeight, Normal, Offset, checked


@checked
def foot_of_normal(weight: Normal, bias: Offset) -> Normal:
    """The point of each decision line that is nearest to the origin: one dot of the paper's Figure 3.

    >>> foot_of_normal(torch.tensor([0.0, 2.0]), torch.tensor(-1.0))
    tensor([0.0000, 0.5000])

    weight, bias: the line is `weight · x + bias = 0`.

    ValueError: shapes that do not fit, NaN, or a weight of zero, which has no line.
    """
    largest = weight.abs().amax(-1)
    if (largest == 0).any():
        raise ValueError("a weight of zero has no decision line")
    weight = weight / largest[..., None]  # so that no square is too large or too small
    return -(bias / largest / (weight**2).sum(-1))[..., None] * weight


@checked
def gate_line(weight: GateWeight, bias: GateBias, i: int, j: int) -> tuple[Normal, Offset]:
    """The line on which experts i and j have equal proportions, such as the line 0:2 in Figure 2.

    >>> gate_line(torch.tensor([[1.0, 2.0], [3.0, 3.0]]), torch.tensor([0.5, 0.0]), 0, 1)
    (tensor([-2., -1.]), tensor(0.5000))

    Returns `(weight, bias)`. `p_i = p_j` where `(w_i - w_j) · x + (b_i - b_j) = 0`; on the side where this is positive
    `p_i` is the larger.

    weight, bias: the gate's.

    TypeError, ValueError: shapes that do not fit, NaN. IndexError: no expert i or j; ValueError: i is j.
    """
    experts = weight.shape[-2]
    for expert in (i, j):
        if not 0 <= expert < experts:
            raise IndexError(f"there is no expert {expert}: the gate has {experts}, numbered from 0")
    if i == j:
        raise ValueError(f"a gate line lies between two experts, got {i} twice")
    return weight[..., i, :] - weight[..., j, :], bias[..., i] - bias[..., j]


@checked
def along(weight: Normal) -> Normal:
    """The direction in which each line runs, of length 1: that of `weight` after a quarter turn to the left.

    >>> along(torch.tensor([0.0, 2.0])).tolist()
    [-1.0, 0.0]

    ValueError: another number of inputs than two, NaN, or a weight of zero, which has no line.
    """
    _checks.floats("weight", weight, 2)
    largest = weight.abs().amax(-1, keepdim=True)
    if (largest == 0).any():
        raise ValueError("a weight of zero has no decision line")
    turned = stack([-weight[..., 1], weight[..., 0]], -1) / largest  # so that no square is too large or too small
    return turned / turned.norm(dim=-1, keepdim=True)


@checked
def inside(weight: Normal, bias: Offset, across: tuple[float, float],
           up: tuple[float, float]) -> list[tuple[float, float]]:
    """Where one line crosses the border of a rectangle: its points there, from the lowest up, or none.

    >>> inside(torch.tensor([1.0, 0.0]), torch.tensor(-0.5), across=(0.0, 1.0), up=(0.0, 2.0))
    [(0.5, 0.0), (0.5, 2.0)]

    across, up: the smallest and the largest value of the first and of the second input.

    ValueError: shapes that do not fit, several lines, another number of inputs than two, NaN.
    """
    if weight.shape != (2,):
        raise ValueError(f"weight has shape {tuple(weight.shape)}, wanted (2,): one line in the plane")
    (w1, w2), c = weight.tolist(), bias.item()
    points = [(x, -(w1 * x + c) / w2) for x in across if w2] + [(-(w2 * y + c) / w1, y) for y in up if w1]
    return sorted(((x, y) for x, y in points if across[0] <= x <= across[1] and up[0] <= y <= up[1]),
                  key=lambda point: point[1])
