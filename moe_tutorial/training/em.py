"""Expectation maximisation: the likelihood of eq. 1.3 climbed without a step size, for many runs at once.

Jordan & Jacobs 1994 train mixtures of experts like this. The E step asks which expert was probably chosen, and the answer is
the responsibilities h. The M step fits each expert to the cases, weighted with its h, and the gate to h. No iteration lowers
the likelihood.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from .._progress import progress
from .._threads import one_thread
from ..model.gate import effective_experts
from ..model.mixture import Mixture, blend
from ..shapes import (
    Count,
    Desired,
    Error,
    ExpertBias,
    ExpertWeight,
    GateBias,
    GateWeight,
    Inputs,
    Outputs,
    PerExpert,
    Positive,
    Proportions,
    Responsibilities,
    checked,
)
from .criterion import Criterion, as_criterion
from .descent import History

Likelihood = Literal["gaussian", "bernoulli"]

EMPTY = 1e-10
"""An expert whose responsibilities add up to less than this keeps its weights: there is nothing to fit it to."""

_HALVINGS = 40
_LEAST = 1e-300


@checked
def bound(d: Desired, o: Outputs, p: Proportions, h: Responsibilities, variance: Positive | PerExpert = 1.0) -> Error:
    """A lower bound of the log likelihood of each case, for any h: `Σ_i h_i (log p_i + log N_i - log h_i)`.

    >>> d, o, p = torch.tensor([[1.0]]), torch.tensor([[[0.0], [1.0]]]), torch.tensor([[0.5, 0.5]])
    >>> bound(d, o, p, h=p)  # minus `mixture_nll` is -0.2190
    tensor([-0.2500])

    `N_i = σ_i^(-M) exp(-‖d - o_i‖² / 2 σ_i²)`, without the constant that `mixture_nll` leaves out, too. It is minus
    `mixture_nll` where h are the responsibilities, and below it by the Kullback-Leibler divergence of h from them elsewhere.

    variance: a number, or one for each expert.
    """
    joint = p.log() + _gaussian(d, o, variance)
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
    extended = _extended(x)
    moments = torch.einsum("...nk,na,nb->...kab", h, extended, extended)
    targets = torch.einsum("...nk,na,nm->...kam", h, extended, d)
    return _split((torch.linalg.pinv(moments, rtol=1e-12, hermitian=True) @ targets).mT)


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
              penalty: float = 0.0) -> tuple[GateWeight, GateBias]:
    """Newton steps of a gate towards the proportions that h wants, up `Σ_n Σ_i h_ni log p_ni`: weights and biases.

    >>> x, h = torch.tensor([[-1.0], [1.0]]), torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    >>> weight, bias = gate_step(x, h, torch.zeros(2, 1), torch.zeros(2), steps=10)
    >>> torch.softmax(x @ weight.mT + bias, dim=-1)
    tensor([[0.9000, 0.1000],
            [0.1000, 0.9000]])

    The sum is concave, and each step takes the whole Hessian, of all outputs together. It is halved until the sum does not
    fall. h need not add up to 1: a case counts as much as its h adds up to, which a tree of gates needs.

    penalty: λ of `-½ λ ‖weights‖²`, added to the sum. With 0, and cases that a line separates, the weights grow without end.
    """
    if penalty < 0:
        raise ValueError(f"penalty must be 0 or more, got {penalty}")
    return _split_gate(_gate(_extended(x), h, torch.cat([weight, bias[..., None]], -1), steps, penalty))


@one_thread()
@torch.no_grad()
@checked
def em(mixture: Mixture, x: Inputs, d: Desired, *, iterations: Count, likelihood: Likelihood = "gaussian",
       variance: Positive = 1.0, learn_variance: bool = False, shared: bool = False, floor: Positive = 1e-4,
       penalty: float = 0.0, stop_at: Positive | Criterion | None = None, record_every: Count = 1) -> History:
    """Fit `mixture` in place by expectation maximisation, all its runs at once.

    >>> x = torch.linspace(-1, 1, 20).double()[:, None]
    >>> em(Mixture(2, inputs=1, output="linear"), x, 4 * x.abs(), iterations=20)
    History: 21 moments of 1 run, 0 converged, 0 diverged

    An iteration is an E step, the responsibilities h, and an M step with h held. Linear experts are fitted by weighted least
    squares, exactly. Sigmoid experts take one Newton step ("bernoulli") or one Gauss-Newton step ("gaussian"), and the gate
    one Newton step, each halved until it does not lower its part of the bound.

    likelihood: "gaussian", eq. 1.3, or "bernoulli", `Π o^d (1 - o)^(1 - d)`, for sigmoid experts and targets of 0 and 1.
    variance: of the Gaussians. learn_variance: fit one for each expert; shared: one for all of them; floor: not below it.
    penalty: as for `gate_step`. stop_at, record_every: as for `train`.

    The history's loss is the mean over the cases of the negative log likelihood, and its `log_variance`, where it is
    learned, is `(S, R, K)`. "epochs" are iterations.

    RuntimeError: an iteration lowered what it climbs, in a run that is named: a fault of this function, or numbers of a size
    with which float64 cannot compute. TypeError, ValueError: arguments that do not fit each other.
    """
    _check_arguments(mixture, x, d, likelihood, learn_variance, shared, penalty)
    model = _Model(mixture, x, d, likelihood, variance)
    runs = len(model.gate)
    active = torch.ones(runs, dtype=torch.bool)
    converged, stopped = torch.zeros_like(active), torch.zeros(runs, dtype=torch.int64)
    criterion, records = as_criterion(stop_at), []
    for iteration in progress(range(iterations + 1), description="EM"):
        joint, o = model.joint()
        now = torch.logsumexp(joint, -1)
        if criterion is not None:
            reached = criterion.reached(d, o, model.proportions())
            converged |= active & reached
            active &= ~reached
        last = iteration == iterations or not active.any()
        if iteration % record_every == 0 or last:
            records.append((iteration, model.measured(now, o, learn_variance)))
        if last:
            break
        before = now.sum(-1) - _penalty(model.gate, penalty)
        model.step(torch.softmax(joint, -1), active, learn_variance, shared, floor, penalty)
        after = torch.logsumexp(model.joint()[0], -1).sum(-1) - _penalty(model.gate, penalty)
        fallen = active & ~(after >= before - 1e-9 * (len(x) + before.abs()))
        if fallen.any():
            run = int(fallen.nonzero()[0, 0])
            raise RuntimeError(f"iteration {iteration + 1} lowered what it climbs in run {run}, from {before[run]:.9g} to "
                               f"{after[run]:.9g}")
        stopped += active
    model.write(mixture)
    moments = [moment for _, moment in records]
    fields = ("loss", "squared_error", "proportions", "effective_experts")
    return History(epochs=torch.tensor([iteration for iteration, _ in records]),
                   **{field: torch.stack([moment[field] for moment in moments]) for field in fields},
                   weights={name: torch.stack([m["weights"][name] for m in moments]) for name in moments[0]["weights"]},
                   stopped=stopped, converged=converged, diverged=torch.zeros_like(converged))


class _Model:
    """Weights of R runs with their biases beside them: experts `(R, K, M, D + 1)`, gate `(R, K, D + 1)`."""

    def __init__(self, mixture, x, d, likelihood, variance):
        gate, experts = mixture.gate, mixture.experts
        self.x, self.d, self.likelihood, self.output = _extended(x), d, likelihood, experts.output
        self.gate = torch.cat([gate.weight, gate.bias[..., None]], -1).flatten(0, -3).clone()
        self.experts = torch.cat([experts.weight, experts.bias[..., None]], -1).flatten(0, -4).clone()
        if gate.bias.dim() == 1:
            self.gate, self.experts = self.gate.reshape(1, *self.gate.shape[-2:]), self.experts.reshape(
                1, *self.experts.shape[-3:])
        self.variance = torch.full(self.gate.shape[:2], float(variance), dtype=x.dtype)

    def totals(self):
        return torch.einsum("na,rkma->rnkm", self.x, self.experts)

    def outputs(self):
        return torch.sigmoid(self.totals()) if self.output == "sigmoid" else self.totals()

    def log_proportions(self):
        return torch.log_softmax(torch.einsum("na,rka->rnk", self.x, self.gate), -1)

    def proportions(self):
        return self.log_proportions().exp()

    def joint(self):
        """`log p_i + log P_i(d)`, `(R, N, K)`, and the outputs."""
        o = self.outputs()
        if self.likelihood == "bernoulli":
            totals = self.totals()  # log σ(t) and log(1 - σ(t)), without taking a logarithm of 0
            density = (self.d[:, None] * totals - softplus(totals)).sum(-1)
        else:
            density = _gaussian(self.d, o, self.variance)
        return self.log_proportions() + density, o

    def step(self, h, active, learn_variance, shared, floor, penalty):
        """One M step of the active runs."""
        full = h.sum(-2) > EMPTY
        if self.output == "linear":
            new = torch.cat([part if part.dim() == 4 else part[..., None] for part in
                             weighted_least_squares(self.x[:, :-1], self.d, h)], -1)
        else:
            new = _sigmoid_experts(self.x, self.d, h, self.experts, self.likelihood)
        self.experts = torch.where((active[:, None] & full)[..., None, None], new, self.experts)
        if learn_variance:
            o = self.outputs()
            if shared:
                h_of_all, o_of_all = h.flatten(1)[..., None], o.flatten(1, 2)[:, :, None]
                d_of_all = self.d[:, None].expand(-1, h.shape[-1], -1).flatten(0, 1)
                fitted = variance_step(d_of_all, o_of_all, h_of_all, floor).expand_as(self.variance)
                self.variance = torch.where(active[:, None], fitted, self.variance)
            else:
                self.variance = torch.where(active[:, None] & full, variance_step(self.d, o, h, floor), self.variance)
        self.gate = torch.where(active[:, None, None], _gate(self.x, h, self.gate, 1, penalty), self.gate)

    def measured(self, log_likelihood, o, learn_variance):
        p = self.proportions()
        weights = {"experts.weight": self.experts[..., :-1], "experts.bias": self.experts[..., -1],
                   "gate.weight": self.gate[..., :-1], "gate.bias": self.gate[..., -1]}
        if learn_variance:
            weights["log_variance"] = self.variance.log()
        return {"loss": -log_likelihood.mean(-1), "squared_error": (blend(o, p) - self.d).square().sum(-1).mean(-1),
                "proportions": p.mean(-2), "effective_experts": effective_experts(p).mean(-1), "weights": weights}

    def write(self, mixture):
        for parameter, value in ((mixture.experts.weight, self.experts[..., :-1]), (mixture.experts.bias, self.experts[..., -1]),
                                 (mixture.gate.weight, self.gate[..., :-1]), (mixture.gate.bias, self.gate[..., -1])):
            parameter.copy_(value.reshape(parameter.shape))


def _extended(x):
    """The inputs with a 1 behind them, which a bias is the weight of."""
    return torch.cat([x, torch.ones_like(x[..., :1])], -1)


def _split(weights):
    return weights[..., :-1], weights[..., -1]


_split_gate = _split


def _gaussian(d, o, variance):
    """`log N_i`, `(…, N, K)`, without the constant."""
    variance = torch.as_tensor(variance, dtype=o.dtype)
    variance = variance[..., None, :] if variance.dim() else variance
    return -0.5 * (d.shape[-1] * variance.log() + (d[..., None, :] - o).square().sum(-1) / variance)


def _penalty(weights, penalty):
    return 0.5 * penalty * weights.square().sum((-1, -2))


def _climb(value, weights, step, dimensions):
    """The weights after a step that is halved, each by itself, until the value does not fall; or as they were."""
    before, length = value(weights), 1.0
    after, length = value(weights + step), torch.ones_like(before)
    for _ in range(_HALVINGS):
        fell = ~(after >= before)
        if not fell.any():
            break
        length = torch.where(fell, length / 2, length)
        after = value(weights + length[(..., *[None] * dimensions)] * step)
    length = torch.where(after >= before, length, 0.0)
    return torch.where(length[(..., *[None] * dimensions)] > 0, weights + length[(..., *[None] * dimensions)] * step, weights)


def _gate(x, h, weights, steps, penalty):
    cases, size = h.sum(-1), weights.shape[-1] * weights.shape[-2]
    def value(weights):
        log_p = torch.log_softmax(torch.einsum("na,...ka->...nk", x, weights), -1)
        return (h * log_p).sum((-1, -2)) - _penalty(weights, penalty)

    for _ in range(steps):
        p = torch.softmax(torch.einsum("na,...ka->...nk", x, weights), -1)
        slope = torch.einsum("...nk,na->...ka", h - cases[..., None] * p, x) - penalty * weights
        bend = cases[..., None, None] * (torch.diag_embed(p) - p[..., :, None] * p[..., None, :])
        curvature = torch.einsum("...nij,na,nb->...iajb", bend, x, x).reshape(*p.shape[:-2], size, size)
        # Only differences of scores count, so that some directions have no curvature: the ridge decides them.
        curvature = curvature + (penalty + 1e-9 * len(x)) * torch.eye(size, dtype=x.dtype)
        step = torch.linalg.solve(curvature, slope.flatten(-2)).reshape(weights.shape)
        weights = _climb(value, weights, step, dimensions=2)
    return weights


def _sigmoid_experts(x, d, h, weights, likelihood):
    """One step of sigmoid experts with h held: Newton under Bernoulli, which is concave, else Gauss-Newton."""
    def value(weights):
        totals = torch.einsum("na,rkma->rnkm", x, weights)
        if likelihood == "bernoulli":
            return (h[..., None] * (d[:, None] * totals - softplus(totals))).sum(1)
        return -(h[..., None] * (d[:, None] - torch.sigmoid(totals)).square()).sum(1)

    o = torch.sigmoid(torch.einsum("na,rkma->rnkm", x, weights))
    flat = o * (1 - o)
    factor, bend = (torch.ones_like(o), flat) if likelihood == "bernoulli" else (flat, flat.square())
    slope = torch.einsum("rnkm,na->rkma", h[..., None] * factor * (d[:, None] - o), x)
    curvature = torch.einsum("rnkm,na,nb->rkmab", h[..., None] * bend, x, x)
    ridge = (1e-8 if likelihood == "bernoulli" else 1e-6) * curvature.diagonal(dim1=-2, dim2=-1).mean(-1) + 1e-12
    curvature = curvature + ridge[..., None, None] * torch.eye(x.shape[-1], dtype=x.dtype)
    return _climb(value, weights, torch.linalg.solve(curvature, slope[..., None])[..., 0], dimensions=1)


def _check_arguments(mixture, x, d, likelihood, learn_variance, shared, penalty):
    output = mixture.experts.output
    if output not in ("linear", "sigmoid"):
        raise ValueError(f"em fits linear and sigmoid experts, got output {output!r}")
    if x.dim() != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}, wanted (N, D): every run has the same inputs")
    for name, value in (("learn_variance", learn_variance), ("shared", shared)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    if shared and not learn_variance:
        raise ValueError("shared says how a variance is learned; it needs learn_variance=True")
    if penalty < 0:
        raise ValueError(f"penalty must be 0 or more, got {penalty}")
    if likelihood == "bernoulli":
        if output != "sigmoid" or learn_variance:
            raise ValueError("the likelihood 'bernoulli' is for sigmoid experts, and has no variance to learn")
        if not ((d == 0) | (d == 1)).all():
            raise ValueError(f"the likelihood 'bernoulli' needs targets of 0 and 1, got values from {d.min():g} to {d.max():g}")
    mixture(x)  # checks x and the weights
    if d.shape[-1] != mixture.experts.bias.shape[-1] or len(d) != len(x):
        raise ValueError(f"d has shape {tuple(d.shape)}, wanted ({len(x)}, {mixture.experts.bias.shape[-1]})")
