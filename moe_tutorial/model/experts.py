"""Experts: networks of one layer, all K of them in one tensor.

The paper restricts each expert to a linear decision surface, "the set of input vectors for which the expert gives an
output of exactly 0.5" (section 3).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from ..shapes import Count, ExpertBias, ExpertWeight, Inputs, Outputs, Positive, checked
from .initial import SPREAD, initial_weights

Activation = Literal["sigmoid", "softmax", "linear"]

OUTPUTS = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda total: torch.softmax(total, dim=-1),
    "linear": lambda total: total,
}
"""What an expert makes of its total inputs, by name. Softmax runs over the M outputs of each expert."""


@checked
def expert_outputs(x: Inputs, weight: ExpertWeight, bias: ExpertBias, output: Activation = "sigmoid") -> Outputs:
    """The outputs o of all experts for all cases; by default our reading of the experts of section 3.

    >>> expert_outputs(torch.zeros(5, 2), weight=torch.ones(4, 1, 2), bias=torch.zeros(4, 1)).shape
    torch.Size([5, 4, 1])

    output: a name from OUTPUTS; "sigmoid" is our reading of the paper's experts.

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN, an unknown name.
    """
    total = torch.einsum("...nd,...kmd->...nkm", x, weight) + bias[..., None, :, :]
    return OUTPUTS[output](total)


class Experts(nn.Module):
    """K experts side by side, by default our reading of the experts of section 3.

    >>> Experts(4)(torch.zeros(5, 2, dtype=torch.float64)).shape
    torch.Size([5, 4, 1])

    Calling it on inputs x gives their outputs, as `expert_outputs` does.

    experts, inputs, outputs: the numbers K, D and M.
    output: a name from OUTPUTS.
    seed, spread: of the initial weights, as in `initial_weights`; a sequence of seeds gives R runs.

    Parameters `weight` `(…, K, M, D)` and `bias` `(…, K, M)`, float64.
    """

    @checked
    def __init__(self, experts: Count, inputs: Count = 2, outputs: Count = 1, output: Activation = "sigmoid",
                 seed: int | Sequence[int] = 0, spread: Positive = SPREAD):
        super().__init__()
        drawn = initial_weights((experts, outputs, inputs + 1), seed, spread)
        self.weight = nn.Parameter(drawn[..., :inputs].clone())
        self.bias = nn.Parameter(drawn[..., inputs].clone())
        self.output = output

    def forward(self, x: Inputs) -> Outputs:
        return expert_outputs(x, self.weight, self.bias, self.output)
