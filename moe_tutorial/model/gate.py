"""The gate: which expert is chosen, and with what probability.

The selector of the paper's Figure 1 is a stochastic one-out-of-n switch: it chooses expert i with probability `p_i`.
The gate sees the same input as the experts, and `p` is the softmax of its total inputs.
"""

from typing import Annotated

import torch
from torch import Tensor, nn

from .. import _checks
from ..shapes import Count, GateBias, GateWeight, Inputs, PerCase, Positive, Proportions, Scores, checked

LIVE = 0.01
"""An expert whose proportion is above this in some case is live. The paper says "effectively 0"; our reading."""


@checked
def gate_scores(x: Inputs, weight: GateWeight, bias: GateBias) -> Scores:
    """The total input of each of the gate's output units: the paper's `x_j`.

    >>> gate_scores(torch.ones(1, 2), weight=torch.tensor([[1.0, 2.0], [0.0, 0.0]]), bias=torch.zeros(2))
    tensor([[3., 0.]])

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN.
    """
    return torch.einsum("...nd,...kd->...nk", x, weight) + bias[..., None, :]


@checked
def mixing_proportions(scores: Scores) -> Proportions:
    """The mixing proportions p: `p_j = exp(x_j) / Σ_i exp(x_i)`, the gate's softmax over the experts.

    >>> mixing_proportions(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])

    scores: from `gate_scores`.

    TypeError, ValueError: no floating-point tensor, no experts, NaN.
    """
    return torch.softmax(scores, dim=-1)


@checked
def switch(p: Proportions, generator: torch.Generator | None = None) -> Annotated[Tensor, "… N"]:
    """The number of the expert that the stochastic switch of Figure 1 chooses for each case, int64.

    >>> switch(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([1, 0])

    p: mixing proportions.
    generator: for choices that can be repeated.

    TypeError, ValueError: `p` is no floating-point tensor, is negative, or does not sum to 1.
    """
    chosen = torch.multinomial(p.reshape(-1, p.shape[-1]), num_samples=1, generator=generator)
    return chosen.reshape(p.shape[:-1])


@checked
def live(p: Proportions, above: Positive = LIVE) -> Annotated[Tensor, "… K"]:
    """Which experts are live: whose proportion is above a threshold in some case, bool.

    >>> live(torch.tensor([[0.995, 0.005, 0.0], [0.4, 0.6, 0.0]]))
    tensor([ True,  True, False])

    The *mean* proportion would miss an expert that answers for few cases. The paper counts the experts whose proportions
    are not "effectively 0" (section 3); the threshold is our reading.

    TypeError, ValueError: `p` is no floating-point tensor, is negative, or does not sum to 1; a threshold not above 0.
    """
    return p.amax(-2) > above


@checked
def effective_experts(p: Proportions) -> PerCase:
    """How many experts share a case: e^H with H the entropy of its proportions, from 1 to K.

    >>> effective_experts(torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]))
    tensor([2., 1.])

    TypeError, ValueError: `p` is no floating-point tensor, is negative, or does not sum to 1.
    """
    return torch.special.entr(p).sum(-1).exp()


class Gate(nn.Module):
    """A linear gate, the gating network of Figure 1; calling it on inputs x gives the mixing proportions p, `(…, N, K)`.

    >>> Gate(2)(torch.ones(1, 2, dtype=torch.float64)).tolist()
    [[0.5, 0.5]]

    experts, inputs: the numbers K and D.
    runs: the leading dimensions, a tuple.

    Parameters `weight` `(…, K, D)` and `bias` `(…, K)`, float64. They begin at 0: the paper says that the system begins
    unbiased, with equal proportions in all cases.
    """

    @checked
    def __init__(self, experts: Count, inputs: Count = 2, runs: tuple[int, ...] = ()):
        super().__init__()
        if not isinstance(runs, tuple | list):
            raise TypeError(f"runs must be a tuple of numbers, got {runs!r}")
        for size in runs:
            _checks.count("runs", size)
        self.weight = nn.Parameter(torch.zeros(*runs, experts, inputs, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(*runs, experts, dtype=torch.float64))

    def forward(self, x: Inputs) -> Proportions:
        return mixing_proportions(gate_scores(x, self.weight, self.bias))
