"""Expectation maximisation: the likelihood of eq. 1.3 climbed without a step size, for many runs at once.

Jordan & Jacobs 1994 train mixtures of experts like this. The E step asks which expert was probably chosen, and the answer is
the responsibilities h. The M step fits each expert to the cases, weighted with its h, and the gate to h. No iteration lowers
the likelihood.
"""

from typing import Literal

import torch
from torch.nn.functional import softplus

from .._progress import progress
from .._threads import one_thread
from ..model.experts import OUTPUTS
from ..model.gate import effective_experts
from ..model.mixture import Mixture, blend
from ..model.tree import Tree, log_proportions
from ..shapes import Count, Desired, Inputs, NotNegative, Positive, Variance, checked
from .criterion import Criterion, as_criterion
from .descent import History
from .steps import (
    climbed_gate,
    climbed_logistic,
    climbed_sigmoids,
    climbed_tree,
    constant,
    extended,
    fitted_lines,
    fitted_variance,
    half_squares,
    pairs_of,
    totals_of,
)

Likelihood = Literal["gaussian", "bernoulli", "categorical"]

EMPTY = 1e-10
"""An expert whose responsibilities add up to less than this keeps its weights: there is nothing to fit it to."""


@one_thread()
@torch.no_grad()
@checked
def em(mixture: Mixture | Tree, x: Inputs, d: Desired, *, iterations: Count, likelihood: Likelihood = "gaussian",
       variance: Variance = 1.0, learn_variance: bool = False, shared: bool = False, floor: Positive = 1e-4,
       penalty: NotNegative = 0.0, gate_steps: Count = 1,
       stop_at: Positive | Criterion | None = None, record_every: Count = 1) -> History:
    """Fit a mixture, or a tree, in place by expectation maximisation, all its runs at once.

    >>> x = torch.linspace(-1, 1, 20).double()[:, None]
    >>> em(Mixture(2, inputs=1, output="linear"), x, 4 * x.abs(), iterations=20)
    History: 21 moments of 1 run, 0 converged, 0 diverged

    An iteration is an E step, the responsibilities h, and an M step with h held. Linear experts are fitted by weighted least
    squares, exactly. The others take one Newton step ("gaussian": one Gauss-Newton step), and the gates `gate_steps` Newton
    steps, each halved until it does not lower its part of the bound. Experts whose weights are 0 and do not require a
    gradient, while their biases do, say the same for all cases, and are fitted exactly.

    likelihood: "gaussian", eq. 1.3; "bernoulli", `Π o^d (1 - o)^(1 - d)`, for sigmoid experts and targets of 0 and 1;
        "categorical", `Π o^d`, for softmax experts and targets of which one is 1 and the others 0.
    variance: of the Gaussians, as for `mixture_nll`. learn_variance: fit one for each expert; shared: one for all of them;
        floor: of each of them, the first one included.
    penalty: as for `gate_step`. stop_at, record_every: as for `train`.

    The history's loss is the mean over the cases of the negative log likelihood, and its `log_variance`, where it is
    learned, is `(S, R, K)`. "epochs" are iterations. Experts or a gate whose parameters do not require a gradient stay as
    they are.

    RuntimeError: an iteration lowered what it climbs, in a run that is named: a fault of this function, or numbers of a size
    with which float64 cannot compute. TypeError, ValueError: arguments that do not fit each other.
    """
    _check_arguments(mixture, x, d, likelihood, learn_variance, shared)
    _check_variance(variance, mixture)
    model = _Model(mixture, x, d, likelihood, variance, floor if learn_variance else 0.0)
    runs = len(model.gate)
    active = torch.ones(runs, dtype=torch.bool)
    converged, stopped = torch.zeros_like(active), torch.zeros(runs, dtype=torch.int64)
    criterion, records = as_criterion(stop_at), []
    joint, o = model.joint()
    now = torch.logsumexp(joint, -2)  # of each case
    total = now.sum(-1)
    for iteration in progress(range(iterations + 1), description="EM"):
        if not total.isfinite().all():
            raise OverflowError(f"the likelihood is not finite at iteration {iteration}: x and d are too large for the "
                                "variance, or the variance too small for them")
        if criterion is not None:
            reached = criterion.reached(d, *model.of_cases(o))
            converged |= active & reached
            active &= ~reached
        last = iteration == iterations or not active.any()
        if iteration % record_every == 0 or last:
            records.append((iteration, model.measured(now, o, learn_variance)))
        if last:
            break
        before = total - half_squares(model.gate, penalty)
        model.step(torch.softmax(joint, -2), active, learn_variance, shared, floor, penalty, gate_steps)
        joint, o = model.joint()
        now = torch.logsumexp(joint, -2)
        total = now.sum(-1)
        after = total - half_squares(model.gate, penalty)
        fallen = active & total.isfinite() & ~(after >= before - 1e-9 * (len(x) + before.abs()))
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
    """Weights of R runs with their biases beside them: experts `(R, K, M, D + 1)`, gate `(R, K, D + 1)`, or of a tree
    `(R, J, D + 1)`. Cases are last."""

    def __init__(self, mixture, x, d, likelihood, variance, floor):
        gate, experts = mixture.gate, mixture.experts
        self.x, self.d, self.likelihood, self.output = extended(x), d.mT.contiguous(), likelihood, experts.output
        self.pairs, self.targets = pairs_of(self.x, self.x), pairs_of(self.x, self.d)
        joined = (torch.cat([part.weight, part.bias[..., None]], -1) for part in (gate, experts))
        runs = experts.bias.shape[:-2].numel()
        self.gate, self.experts = (weights.reshape(runs, *weights.shape[-dimensions:]).clone()
                                   for weights, dimensions in zip(joined, (2, 3)))
        self.paths = gate.paths if isinstance(mixture, Tree) else None
        variance = torch.as_tensor(variance, dtype=x.dtype)
        if variance.dim() and variance.dim() == gate.bias.dim() - 1:  # of each run
            variance = variance[..., None]
        self.variance = variance.clamp(min=floor).expand(self.experts.shape[:2])
        self.learned = {name: getattr(mixture, name).bias.requires_grad for name in ("experts", "gate")}
        self.constant = not experts.weight.requires_grad

    def activated(self, totals):
        return torch.softmax(totals, -2) if self.output == "softmax" else OUTPUTS[self.output](totals)

    def log_proportions(self):
        scores = self.gate @ self.x
        return torch.log_softmax(scores, -2) if self.paths is None else log_proportions(scores, self.paths)

    def squared_distances(self, o):
        return (self.d - o).square().sum(-2)

    def joint(self):
        """`log p_i + log P_i(d)`, `(R, K, N)`, and the outputs `(R, K, M, N)`."""
        totals = totals_of(self.x, self.experts)
        o = self.activated(totals)
        if self.likelihood == "bernoulli":  # log σ(t) and log(1 - σ(t)), without taking a logarithm of 0
            density = (self.d * totals - softplus(totals)).sum(-2)
        elif self.likelihood == "categorical":
            density = (self.d * torch.log_softmax(totals, -2)).sum(-2)
        else:
            variance = self.variance[..., None]
            density = -0.5 * (len(self.d) * variance.log() + self.squared_distances(o) / variance)
        return self.log_proportions() + density, o

    def of_cases(self, o):
        """Outputs `(R, N, K, M)` and proportions `(R, N, K)`, as everywhere else."""
        return o.movedim(-1, -3), self.log_proportions().exp().mT

    def step(self, h, active, learn_variance, shared, floor, penalty, gate_steps):
        """One M step of the active runs."""
        cases = h.sum(-1)
        full = cases > EMPTY
        if self.learned["experts"]:
            new = self.new_experts(h)
            self.experts = torch.where((active[:, None] & full)[..., None, None], new, self.experts)
        if learn_variance:
            squared = (h * self.squared_distances(self.activated(totals_of(self.x, self.experts)))).sum(-1)
            if shared:
                squared, cases, full = (one.sum(-1, keepdim=True) for one in (squared, cases, full))
            fitted = fitted_variance(squared, cases, len(self.d), floor)
            self.variance = torch.where(active[:, None] & (full > 0), fitted, self.variance)
        if self.learned["gate"]:
            if self.paths is None:
                new = climbed_gate(self.x, self.pairs, h, self.gate, gate_steps, penalty)
            else:
                new = climbed_tree(self.x, self.pairs, h, self.gate, self.paths, gate_steps, penalty)
            self.gate = torch.where(active[:, None, None], new, self.gate)

    def new_experts(self, h):
        if self.constant:
            return torch.cat([self.experts[..., :-1], constant(self.d, h, self.output)[..., None]], -1)
        if self.output == "linear":
            return fitted_lines(self.x, self.pairs, self.targets, h)
        if self.likelihood == "bernoulli":
            h = h[..., None, :]
            return climbed_logistic(self.x, self.pairs, h * self.d, h, self.experts)
        if self.likelihood == "categorical":
            return climbed_gate(self.x, self.pairs, h[..., None, :] * self.d, self.experts, 1, 0.0)
        return climbed_sigmoids(self.x, self.pairs, self.d, h, self.experts)

    def measured(self, log_likelihood, o, learn_variance):
        o, p = self.of_cases(o)
        weights = {"experts.weight": self.experts[..., :-1], "experts.bias": self.experts[..., -1]}
        if self.gate.numel():  # a tree of one leaf has no gates
            weights |= {"gate.weight": self.gate[..., :-1], "gate.bias": self.gate[..., -1]}
        if learn_variance:
            weights["log_variance"] = self.variance.log()
        return {"loss": -log_likelihood.mean(-1), "squared_error": (blend(o, p) - self.d.mT).square().sum(-1).mean(-1),
                "proportions": p.mean(-2), "effective_experts": effective_experts(p).mean(-1), "weights": weights}

    def write(self, mixture):
        for part, weights in ((mixture.experts, self.experts), (mixture.gate, self.gate)):
            part.weight.copy_(weights[..., :-1].reshape(part.weight.shape))
            part.bias.copy_(weights[..., -1].reshape(part.bias.shape))


def _check_variance(variance, mixture):
    """A tensor is one number, or one for each run of the mixture, or one for each expert of each run."""
    *runs, experts, _ = mixture.experts.bias.shape
    shapes = [(), tuple(runs), (*runs, experts)]
    if isinstance(variance, torch.Tensor) and tuple(variance.shape) not in shapes:
        wanted = " or ".join(map(str, dict.fromkeys(shapes)))
        raise ValueError(f"variance has shape {tuple(variance.shape)}, wanted {wanted}")


def _check_arguments(mixture, x, d, likelihood, learn_variance, shared):
    output = mixture.experts.output
    if likelihood == "gaussian" and output not in ("linear", "sigmoid"):
        raise ValueError(f"the likelihood 'gaussian' is for linear and sigmoid experts, got output {output!r}")
    for name, wanted in (("bernoulli", "sigmoid"), ("categorical", "softmax")):
        if likelihood == name and (output != wanted or learn_variance):
            raise ValueError(f"the likelihood {name!r} is for {wanted} experts, and has no variance to learn")
    if x.dim() != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}, wanted (N, D): every run has the same inputs")
    experts = mixture.experts
    learned = {name: tuple(one.requires_grad for one in (getattr(mixture, name).weight, getattr(mixture, name).bias))
               for name in ("experts", "gate")}
    for name, together in learned.items():
        if together == (True, False) or together == (False, True) and name == "gate":
            raise ValueError(f"em fits weights and biases together: of the mixture's {name} one requires a gradient, and "
                             "the other does not")
    if learned["experts"] == (False, True) and experts.weight.any():
        raise ValueError("em fits the experts' biases alone only where their weights are 0; they do not require a gradient, "
                         f"and go up to {experts.weight.abs().max():g}")
    if shared and not learn_variance:
        raise ValueError("shared says how a variance is learned; it needs learn_variance=True")
    if likelihood != "gaussian":
        wanted = "targets of 0 and 1" if likelihood == "bernoulli" else "targets of which one is 1 and the others are 0"
        if not ((d == 0) | (d == 1)).all() or likelihood == "categorical" and not (d.sum(-1) == 1).all():
            raise ValueError(f"the likelihood {likelihood!r} needs {wanted}, got values from {d.min():g} to {d.max():g}")
    mixture(x)  # checks x and the weights
    if d.shape[-1] != experts.bias.shape[-1] or len(d) != len(x):
        raise ValueError(f"d has shape {tuple(d.shape)}, wanted ({len(x)}, {experts.bias.shape[-1]})")
