"""Lines in the plane of the inputs: an expert's decision line, a gate line, and where they lie."""


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
        if isinstance(expert, bool) or not isinstance(expert, int):
            raise TypeError(f"an expert's number must be an int, got {expert!r} ({type(expert).__name__})")
        if not 0 <= expert < experts:
            raise IndexError(f"there is no expert {expert}: the gate has {experts}, numbered from 0")
    if i == j:
        raise ValueError(f"a gate line lies between two experts, got {i} twice")
    return weight[..., i, :] - weight[..., j, :], bias[..., i] - bias[..., j]
