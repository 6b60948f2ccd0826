"""The gate: which expert is chosen, and with what probability.

The selector of the paper's Figure 1 is a stochastic one-out-of-n switch: it chooses expert i with probability `p_i`.
The gate sees the same input as the experts, and `p` is the softmax of its total inputs.
"""

import torch
from torch import nn

from . import _checks


def gate_scores(x, weight, bias):
    """The total input of each of the gate's output units, `(…, N, K)`: the paper's `x_j`.

    x: inputs, `(N, D)` for cases that every run shares, or `(…, N, D)`.
    weight, bias: `(…, K, D)` and `(…, K)`; leading dimensions are runs.

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN.
    """
    _checks.floats("weight", weight, "K", "D")
    _checks.floats("x", x, "N", weight.shape[-1])
    _checks.floats("bias", bias, weight.shape[-2])
    _checks.same_dtype(x=x, weight=weight, bias=bias)
    _checks.same_runs(weight=weight.shape[:-2], bias=bias.shape[:-1])
    _checks.shared_or_same_runs("x", x.shape[:-2], "weight", weight.shape[:-2])
    return torch.einsum("...nd,...kd->...nk", x, weight) + bias[..., None, :]


def mixing_proportions(scores):
    """The mixing proportions p, `(…, N, K)`: `p_j = exp(x_j) / Σ_i exp(x_i)`, the gate's softmax over the experts.

    scores: `(…, N, K)`, from `gate_scores`.

    TypeError, ValueError: no floating-point tensor, no experts, NaN.
    """
    _checks.floats("scores", scores, "N", "K")
    return torch.softmax(scores, dim=-1)


def switch(p, generator=None):
    """The number of the expert that the stochastic switch of Figure 1 chooses for each case, int64 `(…, N)`.

    p: mixing proportions, `(…, N, K)`.
    generator: a `torch.Generator`, for choices that can be repeated.

    TypeError, ValueError: `p` is no floating-point tensor, is negative, or does not sum to 1.
    """
    _checks.proportions("p", p, "N", "K")
    chosen = torch.multinomial(p.reshape(-1, p.shape[-1]), num_samples=1, generator=generator)
    return chosen.reshape(p.shape[:-1])


def gate_line(weight, bias, i, j):
    """The line on which experts i and j have equal proportions, such as the line 0:2 in Figure 2.

    Returns `(weight, bias)`, `(…, D)` and `(…,)`. `p_i = p_j` where `(w_i - w_j) · x + (b_i - b_j) = 0`; on the
    side where this is positive `p_i` is the larger.

    weight, bias: the gate's, `(…, K, D)` and `(…, K)`.

    TypeError, ValueError: shapes that do not fit, NaN. IndexError: no expert i or j; ValueError: i is j.
    """
    _checks.floats("weight", weight, "K", "D")
    _checks.floats("bias", bias, weight.shape[-2])
    _checks.same_runs(weight=weight.shape[:-2], bias=bias.shape[:-1])
    experts = weight.shape[-2]
    for expert in (i, j):
        if not 0 <= expert < experts:
            raise IndexError(f"there is no expert {expert}: the gate has {experts}, numbered from 0")
    if i == j:
        raise ValueError(f"a gate line lies between two experts, got {i} twice")
    return weight[..., i, :] - weight[..., j, :], bias[..., i] - bias[..., j]


class Gate(nn.Module):
    """A linear gate, the gating network of Figure 1; calling it on inputs x gives the mixing proportions p, `(…, N, K)`.

    experts, inputs: the numbers K and D.
    runs: the leading dimensions, a tuple.

    Parameters `weight` `(…, K, D)` and `bias` `(…, K)`, float64. They begin at 0: the paper says that the system begins
    unbiased, with equal proportions in all cases.
    """

    def __init__(self, experts, inputs=2, runs=()):
        super().__init__()
        for name, value in (("experts", experts), ("inputs", inputs), *(("runs", r) for r in runs)):
            _checks.count(name, value)
        self.weight = nn.Parameter(torch.zeros(*runs, experts, inputs, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(*runs, experts, dtype=torch.float64))

    def forward(self, x):
        return mixing_proportions(gate_scores(x, self.weight, self.bias))
