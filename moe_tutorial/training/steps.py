"""The steps of expectation maximisation, each for many runs at once: the bound, and what raises it with h held.

`em` puts them together. The E step is `responsibilities`.
"""

import torch
from torch.nn.functional import softplus

from ..model.losses import _log_gaussian
from ..shapes import (
    Count,
    Desired,
    Error,
    ExpertBias,
    ExpertWeight,
    GateBias,
    GateWeight,
    Inputs,
    NotNegative,
    Outputs,
    PerExpert,
    Positive,
    Proportions,
    Responsibilities,
    Variance,
    checked,
)

_HALVINGS = 40
_LEAST = 1e-300


@checked
def bound(d: Desired, o: Outputs, p: Proportions, h: Responsibilities, variance: Variance = 1.0) -> Error:
    """A lower bound of the log likelihood of each case, for any h: `Σ_i h_i (log p_i + log N_i - log h_i)`.

    >>> d, o, p = torch.tensor([[1.0]]), torch.tensor([[[0.0], [1.0]]]), torch.tensor([[0.5, 0.5]])
    >>> bound(d, o, p, h=p)  # minus `mixture_nll` is -0.2190
    tensor([-0.2500])

    `N_i = σ_i^(-M) exp(-‖d - o_i‖² / 2 σ_i²)`, without the constant that `mixture_nll` leaves out, too. It is minus
    `mixture_nll` where h are the responsibilities, and below it by the Kullback-Leibler divergence of h from them elsewhere.

    variance: as for `mixture_nll`.
    """
    joint = p.log() + _log_gaussian(d, o, variance)
    return (torch.where(h > 0, h * joint, 0.0) + torch.special.entr(h)).sum(-1)


@checked
def weighted_least_squares(x: Inputs, d: Desired, h: Responsibilities) -> tuple[ExpertWeight, ExpertBias]:
    """The linear experts that fit the cases best, each weighted with its responsibilities: weights and biases.

    >>> x, d = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [3.0]])
    >>> weight, bias = weighted_least_squares(x, d, h=torch.tensor([[0.75], [0.25]]))
    >>> weight + bias[..., None]
    tensor([[[0.7500]]])

    The minimum of `Σ_n h_ni ‖d_n - o_ni‖²`. Where the cases do not decide it, the smallest weights that reach it; where an
    expert has no cases at all, 0.
    """
    inputs = extended(x)
    moments, targets = _moments(h, inputs, inputs), _moments(h, inputs, d)
    return split((torch.linalg.pinv(moments, rtol=1e-12, hermitian=True) @ targets).mT)


@checked
def variance_step(d: Desired, o: Outputs, h: Responsibilities, floor: Positive) -> PerExpert:
    """The variance of each expert, `Σ_n h_ni ‖d_n - o_ni‖² / (M Σ_n h_ni)`, and not below `floor`.

    >>> variance_step(torch.tensor([[0.0], [2.0]]), torch.ones(2, 1, 1), h=torch.ones(2, 1), floor=1e-4)
    tensor([1.])

    An expert without cases has the floor.
    """
    squared = (d[..., None, :] - o).square().sum(-1)
    cases = h.sum(-2)
    return ((h * squared).sum(-2) / (d.shape[-1] * cases.clamp(min=_LEAST))).clamp(min=floor)


@checked
def gate_step(x: Inputs, h: Responsibilities, weight: GateWeight, bias: GateBias, steps: Count = 1,
              penalty: NotNegative = 0.0) -> tuple[GateWeight, GateBias]:
    """Newton steps of a gate towards the proportions that h wants, up `Σ_n Σ_i h_ni log p_ni`: weights and biases.

    >>> x, h = torch.tensor([[-1.0], [1.0]]), torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    >>> weight, bias = gate_step(x, h, torch.zeros(2, 1), torch.zeros(2), steps=10)
    >>> torch.softmax(x @ weight.mT + bias, dim=-1).round(decimals=2)
    tensor([[0.9000, 0.1000],
            [0.1000, 0.9000]])

    The sum is concave, and each step takes the whole Hessian, of all outputs together. It is halved until the sum does not
    fall. h need not add up to 1: a case counts as much as its h adds up to, which a tree of gates needs.

    penalty: λ of `-½ λ ‖weights‖²`, added to the sum. With 0, and cases that a line separates, the weights grow without end.
    """
    return split(climbed_gate(extended(x), h, torch.cat([weight, bias[..., None]], -1), steps, penalty))


def extended(x):
    """The inputs with a 1 behind them, which a bias is the weight of."""
    return torch.cat([x, torch.ones_like(x[..., :1])], -1)


def split(weights):
    return weights[..., :-1], weights[..., -1]


def totals_of(x, weights):
    """The experts' total inputs, `(R, N, K, M)`, of weights with their biases `(R, K, M, D + 1)`."""
    return (x @ weights.flatten(1, 2).mT).unflatten(-1, weights.shape[1:3])


def _moments(weights, one, other):
    """`Σ_n w_nk a_n b_nᵀ` of each k, `(…, K, A, B)`, as one product: w `(…, N, K)`, a `(N, A)`, b `(N, B)`."""
    pairs = (one[:, :, None] * other[:, None]).flatten(1)
    return (weights.mT @ pairs).unflatten(-1, (one.shape[-1], other.shape[-1]))


def half_squares(weights, penalty):
    return 0.5 * penalty * weights.square().sum((-1, -2))


def _climb(value, weights, step, dimensions):
    """The weights after a step that is halved, each by itself, until the value does not fall; or as they were."""
    before, after = value(weights), value(weights + step)
    length = torch.ones_like(before)
    for _ in range(_HALVINGS):
        fell = ~(after >= before)
        if not fell.any():
            break
        length = torch.where(fell, length / 2, length)
        after = value(weights + length[(..., *[None] * dimensions)] * step)
    length = torch.where(after >= before, length, 0.0)[(..., *[None] * dimensions)]
    return torch.where(length > 0, weights + length * step, weights)


def climbed_gate(x, h, weights, steps, penalty):
    cases, size = h.sum(-1), weights.shape[-1] * weights.shape[-2]
    def value(weights):
        log_p = torch.log_softmax(x @ weights.mT, -1)
        return (h * log_p).sum((-1, -2)) - half_squares(weights, penalty)

    for _ in range(steps):
        p = torch.softmax(x @ weights.mT, -1)
        slope = (h - cases[..., None] * p).mT @ x - penalty * weights
        bend = cases[..., None, None] * (torch.diag_embed(p) - p[..., :, None] * p[..., None, :])
        blocks = _moments(bend.flatten(-2), x, x).unflatten(-3, bend.shape[-2:])  # (…, K, K, D + 1, D + 1)
        curvature = blocks.transpose(-3, -2).reshape(*p.shape[:-2], size, size)
        # Only differences of scores count, so that some directions have no curvature: the ridge decides them.
        ridge = penalty + max(1e-9, 100 * torch.finfo(x.dtype).eps) * len(x)
        curvature = curvature + ridge * torch.eye(size, dtype=x.dtype)
        step = torch.linalg.solve(curvature, slope.flatten(-2)).reshape(weights.shape)
        weights = _climb(value, weights, step, dimensions=2)
    return weights


def climbed_experts(x, d, h, weights, likelihood):
    """One step of sigmoid experts with h held: Newton under Bernoulli, which is concave, else Gauss-Newton."""
    def value(weights):
        totals = totals_of(x, weights)
        if likelihood == "bernoulli":
            return (h[..., None] * (d[:, None] * totals - softplus(totals))).sum(1)
        return -(h[..., None] * (d[:, None] - torch.sigmoid(totals)).square()).sum(1)

    o = torch.sigmoid(totals_of(x, weights))
    flat = o * (1 - o)
    factor, bend = (torch.ones_like(o), flat) if likelihood == "bernoulli" else (flat, flat.square())
    experts, outputs = o.shape[2:]
    slope = ((h[..., None] * factor * (d[:, None] - o)).flatten(2).mT @ x).unflatten(1, (experts, outputs))
    curvature = _moments((h[..., None] * bend).flatten(2), x, x).unflatten(1, (experts, outputs))
    ridge = (1e-8 if likelihood == "bernoulli" else 1e-6) * curvature.diagonal(dim1=-2, dim2=-1).mean(-1) + 1e-12
    curvature = curvature + ridge[..., None, None] * torch.eye(x.shape[-1], dtype=x.dtype)
    return _climb(value, weights, torch.linalg.solve(curvature, slope[..., None])[..., 0], dimensions=1)
