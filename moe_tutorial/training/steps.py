"""The steps of expectation maximisation, each for many runs at once: the bound, and what raises it with h held.

`em` puts them together. The E step is `responsibilities`.
"""

from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ..model.losses import _log_gaussian
from ..model.tree import Paths
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

NodeWeight = Annotated[Tensor, "… J D"]
NodeBias = Annotated[Tensor, "… J"]

_HALVINGS = 40
_LEAST = 1e-300
_SURE = 1e-12  # probabilities that are nearer to 0 are taken for this, so that their logarithm is a number


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
    return split(fitted_lines(inputs, pairs_of(inputs, inputs), pairs_of(inputs, d.mT), h.mT))


@checked
def variance_step(d: Desired, o: Outputs, h: Responsibilities, floor: Positive) -> PerExpert:
    """The variance of each expert, `Σ_n h_ni ‖d_n - o_ni‖² / (M Σ_n h_ni)`, and not below `floor`.

    >>> variance_step(torch.tensor([[0.0], [2.0]]), torch.ones(2, 1, 1), h=torch.ones(2, 1), floor=1e-4)
    tensor([1.])

    An expert without cases has the floor.
    """
    squared = (d[..., None, :] - o).square().sum(-1)
    return fitted_variance((h * squared).sum(-2), h.sum(-2), d.shape[-1], floor)


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
    inputs = extended(x)
    weights = torch.cat([weight, bias[..., None]], -1)
    return split(climbed_gate(inputs, pairs_of(inputs, inputs), h.mT, weights, steps, penalty))


@checked
def tree_gate_step(x: Inputs, h: Responsibilities, weight: NodeWeight, bias: NodeBias, paths: Paths, steps: Count = 1,
                   penalty: NotNegative = 0.0) -> tuple[NodeWeight, NodeBias]:
    """Newton steps of the gates of a tree towards the leaves' responsibilities: weights and biases.

    >>> x, h = torch.tensor([[-1.0], [1.0]]), torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    >>> weight, bias = tree_gate_step(x, h, torch.zeros(1, 1), torch.zeros(1), torch.tensor([[1, -1]]), 10)
    >>> torch.sigmoid(x @ weight.mT + bias).round(decimals=2).flatten()
    tensor([0.9000, 0.1000])

    Each gate is a logistic regression of its own: the target is the part of its responsibility that lies to its left, and a
    case counts as much as the gate's responsibility for it. Each step is halved until the gate's sum does not fall.

    h: of the leaves. paths: as from `tree_paths`. penalty: as for `gate_step`, for each gate.
    """
    inputs = extended(x)
    weights = torch.cat([weight, bias[..., None]], -1)
    return split(climbed_tree(inputs, pairs_of(inputs, inputs), h.mT, weights, paths, steps, penalty))


# What `em` calls has the cases last, as the engine has: x `(D + 1, N)` with a row of 1, h `(…, K, N)`, o `(…, K, M, N)`.

def extended(x):
    """The inputs with a 1 beside them, which a bias is the weight of, and the cases last."""
    return torch.cat([x, torch.ones_like(x[..., :1])], -1).mT.contiguous()


def split(weights):
    return weights[..., :-1], weights[..., -1]


def pairs_of(one, other):
    """`a_n b_nᵀ` of each case, `(N, A, B)`, of which moments are weighted sums: a `(A, N)`, b `(B, N)`."""
    return one.mT[:, :, None] * other.mT[:, None]


def moments(weights, pairs):
    """`Σ_n w_n a_n b_nᵀ`, `(…, A, B)`, of weights `(…, N)`."""
    return (weights @ pairs.flatten(1)).unflatten(-1, pairs.shape[1:])


def fitted_lines(x, pairs, targets, h):
    """The linear experts `(…, K, M, D + 1)` of the least weighted squares; targets are the pairs of x and d."""
    return (torch.linalg.pinv(moments(h, pairs), rtol=1e-12, hermitian=True) @ moments(h, targets)).mT


def fitted_variance(squared, cases, outputs, floor):
    """The variance of weighted squared distances that add up to `squared`, of weights that add up to `cases`."""
    return (squared / (outputs * cases.clamp(min=_LEAST))).clamp(min=floor)


def totals_of(x, weights):
    """The experts' total inputs, `(R, K, M, N)`, of weights with their biases `(R, K, M, D + 1)`."""
    return (weights.flatten(0, 2) @ x).unflatten(0, weights.shape[:3])


def half_squares(weights, penalty):
    return 0.5 * penalty * weights.square().sum((-1, -2))


def _climb(value, weights, step, dimensions):
    """The weights after a step that is halved, each by itself, until the value does not fall; or as they were."""
    before, after = value(weights), value(weights + step)
    least = before - 64 * torch.finfo(before.dtype).eps * (1 + before.abs())  # a fall by rounding is none
    length = torch.ones_like(before)
    for _ in range(_HALVINGS):
        fell = ~(after >= least)
        if not fell.any():
            return weights + length[(..., *[None] * dimensions)] * step
        length = torch.where(fell, length / 2, length)
        after = value(weights + length[(..., *[None] * dimensions)] * step)
    length = torch.where(after >= least, length, 0.0)[(..., *[None] * dimensions)]
    return torch.where(length > 0, weights + length * step, weights)


def climbed_gate(x, pairs, h, weights, steps, penalty):
    """Newton steps of a gate's weights `(…, K, D + 1)`, each halved until the sum does not fall."""
    experts, width = weights.shape[-2:]
    cases = h.sum(-2, keepdim=True)

    def value(weights):
        return (h * torch.log_softmax(weights @ x, -2)).sum((-1, -2)) - half_squares(weights, penalty)

    for _ in range(steps):
        p = torch.softmax(weights @ x, -2)
        counted = cases * p
        slope = (h - counted) @ x.mT - penalty * weights
        scaled = (p[..., None, :] * x).flatten(-3, -2)  # (…, K (D + 1), N)
        curvature = (-cases * scaled) @ scaled.mT
        blocks = curvature.unflatten(-1, (experts, width)).unflatten(-3, (experts, width)).diagonal(dim1=-4, dim2=-2)
        blocks += moments(counted, pairs).movedim(-3, -1)
        # Only differences of scores count, so that some directions have no curvature: the ridge decides them.
        ridge = penalty + max(1e-9, 100 * torch.finfo(x.dtype).eps) * x.shape[-1]
        curvature = curvature + ridge * torch.eye(experts * width, dtype=x.dtype)
        step = torch.linalg.solve(curvature, slope.flatten(-2)).reshape(weights.shape)
        weights = _climb(value, weights, step, dimensions=2)
    return weights


def climbed_tree(x, pairs, h, weights, paths, steps, penalty):
    """Newton steps of a tree's gates `(…, J, D + 1)`."""
    left, below = ((side.to(h.dtype) @ h) for side in (paths > 0, paths != 0))
    return climbed_logistic(x, pairs, left, below, weights, steps, penalty)


def climbed_logistic(x, pairs, hits, cases, weights, steps=1, penalty=0.0):
    """Newton steps of logistic regressions `(…, D + 1)`: a case counts as `cases` `(…, N)`, of which `hits` are 1."""
    def value(weights):
        totals = weights @ x
        return (hits * totals - cases * softplus(totals)).sum(-1) - 0.5 * penalty * weights.square().sum(-1)

    for _ in range(steps):
        p = torch.sigmoid(weights @ x)
        slope, curvature = (hits - cases * p) @ x.mT - penalty * weights, moments(cases * p * (1 - p), pairs)
        weights = _climb(value, weights, _solved(curvature, slope, penalty, ridge=1e-8), dimensions=1)
    return weights


def climbed_sigmoids(x, pairs, d, h, weights):
    """A Gauss-Newton step of sigmoid experts `(R, K, M, D + 1)` towards d `(M, N)`, the squares weighted with h."""
    h = h[..., None, :]

    def value(weights):
        return -(h * (d - torch.sigmoid(totals_of(x, weights))).square()).sum(-1)

    o = torch.sigmoid(totals_of(x, weights))
    flat = o * (1 - o)
    slope, curvature = (h * flat * (d - o)) @ x.mT, moments(h * flat.square(), pairs)
    return _climb(value, weights, _solved(curvature, slope, 0.0, ridge=1e-6), dimensions=1)


def _solved(curvature, slope, penalty, ridge):
    """Newton's steps, with a ridge where there is hardly a curvature."""
    added = penalty + ridge * curvature.diagonal(dim1=-2, dim2=-1).mean(-1) + 1e-12
    curvature = curvature + added[..., None, None] * torch.eye(slope.shape[-1], dtype=slope.dtype)
    return torch.linalg.solve(curvature, slope[..., None])[..., 0]


def constant(d, h, output):
    """The biases `(R, K, M)` of experts without weights that say the weighted mean of d `(M, N)`, which is best for all."""
    mean = h @ d.mT / h.sum(-1, keepdim=True).clamp(min=_LEAST)
    if output == "sigmoid":
        return torch.logit(mean, eps=_SURE)
    return mean.clamp(min=_SURE).log() if output == "softmax" else mean
