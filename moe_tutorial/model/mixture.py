"""The mixture: experts and gate on the same input, and the blend of the outputs."""

from collections.abc import Sequence

import torch
from torch import nn

from ..shapes import Blend, Count, Inputs, Outputs, Positive, Proportions, checked
from .experts import Activation, Experts
from .gate import Gate
from .initial import SPREAD


@checked
def blend(o: Outputs, p: Proportions) -> Blend:
    """The experts' outputs combined in the gate's proportions, `Σ_i p_i o_i`.

    >>> blend(torch.tensor([[[0.0], [1.0]]]), p=torch.tensor([[0.25, 0.75]]))
    tensor([[0.7500]])

    This is the mean output under the stochastic switch, and what the paper's class decision is taken from. It is also
    what eq. 1.1 compares with the desired output; eqs. 1.2 and 1.3 compare each expert's own output with it.

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN, `p` negative or not summing to 1.
    """
    return torch.einsum("...nk,...nkm->...nm", p, o)


@checked
def favourite_output(o: Outputs, p: Proportions) -> Blend:
    """The output of the expert with the largest proportion, alone.

    >>> favourite_output(torch.tensor([[[0.0], [1.0]]]), p=torch.tensor([[0.25, 0.75]]))
    tensor([[1.]])

    TypeError, ValueError: as in `blend`.
    """
    favourite = p.argmax(-1)[..., None, None].expand(*p.shape[:-1], 1, o.shape[-1])
    return o.gather(-2, favourite).squeeze(-2)


class Mixture(nn.Module):
    """The system of Figure 1, experts and a gate that see the same input.

    >>> o, p = Mixture(experts=4)(torch.zeros(5, 2, dtype=torch.float64))
    >>> o.shape, p.shape
    (torch.Size([5, 4, 1]), torch.Size([5, 4]))

    Calling it on x gives `(o, p)`, `(…, N, K, M)` and `(…, N, K)`.

    experts, inputs, outputs: the numbers K, D and M.
    output: what an expert makes of its total input, a name from `experts.OUTPUTS`.
    seed, spread: of the experts' initial weights; a sequence of R seeds gives R mixtures in one tensor.

    The gate begins at 0, with equal proportions in all cases.
    """

    @checked
    def __init__(self, experts: Count, inputs: Count = 2, outputs: Count = 1, output: Activation = "sigmoid",
                 seed: int | Sequence[int] = 0, spread: Positive = SPREAD):
        super().__init__()
        self.experts = Experts(experts, inputs, outputs, output, seed, spread)
        self.gate = Gate(experts, inputs, runs=tuple(self.experts.weight.shape[:-3]))

    def forward(self, x: Inputs) -> tuple[Outputs, Proportions]:
        return self.experts(x), self.gate(x)

    def blend(self, x: Inputs) -> Blend:
        """The combined output for inputs x: see the function `blend`."""
        return blend(*self(x))
