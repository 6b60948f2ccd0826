"""Batch gradient descent on gate and experts together, for many runs at once, with a recorded history.

The paper's section 3: one update an epoch from the whole training set, a fixed step size, no momentum, and an end when
the average squared error over the training set reaches a criterion.
"""

import contextlib
import inspect
import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from .._progress import progress
from .._threads import one_thread
from ..model.experts import OUTPUTS
from ..model.gate import effective_experts
from ..model.losses import LOSSES, Loss
from ..model.mixture import Mixture
from ..shapes import Count, Desired, Inputs, Positive, checked
from .criterion import ERRORS, Criterion, as_criterion

# Without their checks: the arguments are checked once, before the first epoch.
_LOSSES = {name: inspect.unwrap(loss) for name, loss in LOSSES.items()}
_effective_experts = inspect.unwrap(effective_experts)

_DIMENSIONS = {"experts.weight": 3, "experts.bias": 2, "gate.weight": 2, "gate.bias": 1}  # without runs


@dataclass(frozen=True, repr=False)
class History:
    """What a training recorded: S moments of R runs. A mixture without a runs dimension is one run.

    >>> x, d = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[1.0], [0.0]]).double()
    >>> train(Mixture(experts=2, inputs=1), x, d, step_size=1.0, epochs=10).proportions.shape
    torch.Size([11, 1, 2])

    epochs: the recorded epochs, int64 (S,). Epoch 0 is the start, before any update.
    loss: the mean over cases of the loss that was trained on, (S, R).
    squared_error: the mean over cases of the squared error of the blend, (S, R).
    proportions: each expert's mixing proportion, mean over cases, (S, R, K).
    effective_experts: e^H with H the entropy of a case's proportions, mean over cases, (S, R). From 1 to K.
    weights: by name, "experts.weight" (S, R, K, M, D), "experts.bias" (S, R, K, M), "gate.weight" (S, R, K, D),
        "gate.bias" (S, R, K) and, where it was learned, "log_variance" (S, R).
    stopped: the number of updates that each run made, int64 (R,).
    converged: whether a run reached the criterion, bool (R,). Without a criterion none does.
    diverged: whether a run was stopped because its loss was no longer finite, bool (R,).

    A run that has stopped keeps its last values in all later moments.
    """

    epochs: Tensor
    loss: Tensor
    squared_error: Tensor
    proportions: Tensor
    effective_experts: Tensor
    weights: dict[str, Tensor]
    stopped: Tensor
    converged: Tensor
    diverged: Tensor

    def __repr__(self):
        runs = len(self.stopped)
        return (f"History: {len(self.epochs)} moments of {runs} run{'s' if runs > 1 else ''}, "
                f"{int(self.converged.sum())} converged, {int(self.diverged.sum())} diverged")


@one_thread()
@torch.inference_mode(False)
@torch.enable_grad()
@checked
def train(mixture: Mixture, x: Inputs, d: Desired, loss: Loss = "mixture", *, step_size: Positive, epochs: Count,
          stop_at: Positive | Criterion | None = None, variance: Positive = 1.0, learn_variance: bool = False,
          record_every: Count = 1) -> History:
    """Train `mixture` in place by batch gradient descent on gate and experts together, the training of section 3.

    >>> x, d = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[1.0], [0.0]]).double()
    >>> train(Mixture(experts=2, inputs=1), x, d, step_size=1.0, epochs=10)
    History: 11 moments of 1 run, 0 converged, 0 diverged

    Each epoch is one update of every weight by `-step_size` times the gradient of the *mean* loss over the cases.

    mixture: runs do not influence each other; several leading dimensions become one in the history. Parameters that do not
        require a gradient stay as they are.
    x, d: the same for all runs.
    loss: "cooperative" (eq. 1.1), "expected" (eq. 1.2) or "mixture" (eq. 1.3).
    step_size: the paper's ε. The gradients of eqs. 1.1 and 1.2 have a factor 2 that eq. 1.3 lacks.
    epochs: the largest number of updates.
    stop_at: the criterion, a `Criterion` or a number that the mean squared error of the blend is compared with; None for
        no criterion.
    variance: of eq. 1.3. learn_variance: let each run learn its own, beginning from `variance`; the logarithm of the
        variance is then a weight like the others.
    record_every: record every so many epochs, and the last one.

    A run whose loss is no longer finite is stopped with its last finite weights, and a RuntimeWarning names run and
    epoch; the others go on. A criterion that is not reached leaves `converged` False.

    TypeError, ValueError: arguments that do not fit each other, NaN, a step size, criterion or variance not above 0.
    """
    _check_arguments(mixture, x, d, loss, variance, learn_variance)
    parameters = {name: value.detach().reshape(-1, *value.shape[-_DIMENSIONS[name]:]).clone()
                  for name, value in mixture.named_parameters()}
    learned = [name for name, value in mixture.named_parameters() if value.requires_grad]
    runs, criterion = _Runs(len(parameters["gate.bias"])), as_criterion(stop_at)
    if learn_variance:
        learned.append("log_variance")
        parameters["log_variance"] = torch.full((len(runs.active),), math.log(variance), dtype=x.dtype)

    def state(parameters):
        return _State(parameters, learned, x, d, mixture.experts.output, loss, variance)

    now = state(parameters)
    if not now.loss.isfinite().all():
        raise ValueError(f"the loss is not finite at the start, in runs {(~now.loss.isfinite()).nonzero()[:, 0].tolist()}")
    records = []
    for epoch in progress(range(epochs + 1), description="training"):
        if criterion is not None:
            runs.stop(now.reached(criterion), runs.converged)
        last = epoch == epochs or not runs.active.any()
        if epoch % record_every == 0 or last:
            records.append((epoch, now.measured()))
        if last:
            break
        following = state(now.moved(runs.active, step_size))
        lost = runs.active & ~following.loss.isfinite()
        if lost.any():
            for run in lost.nonzero()[:, 0].tolist():
                warnings.warn(f"run {run} diverged: its loss was no longer finite after epoch {epoch + 1}, and it was "
                              f"stopped with the weights of epoch {epoch}", RuntimeWarning, stacklevel=6)
            runs.stop(lost, runs.diverged)
            following = state(now.moved(runs.active, step_size))
        runs.stopped += runs.active
        now = following
    with torch.no_grad():
        for name, value in mixture.named_parameters():
            value.copy_(now.parameters[name].reshape(value.shape))
    return _history(records, runs.stopped, runs.converged, runs.diverged)


class _Runs:
    """Which runs still learn, how the others ended, and after how many updates."""

    def __init__(self, runs):
        self.active = torch.ones(runs, dtype=torch.bool)
        self.converged, self.diverged = torch.zeros_like(self.active), torch.zeros_like(self.active)
        self.stopped = torch.zeros(runs, dtype=torch.int64)

    def stop(self, which, reason):
        """Stop these runs, if they are active, and set them in `reason`: `converged` or `diverged`."""
        reason |= self.active & which
        self.active &= ~reason


class _State:
    """The mixture at one moment: its parameters, what it computes for all cases, and the mean loss of each run."""

    def __init__(self, parameters, learned, x, d, output, loss, variance):
        self.parameters = {name: value.requires_grad_(name in learned) for name, value in parameters.items()}
        self.learned, self.d = learned, d
        weight, bias, gate_weight, gate_bias = (parameters[name] for name in _DIMENSIONS)
        runs, experts, outputs, inputs = weight.shape
        # What `expert_outputs` and `gate_scores` compute, but without their checks, because a run that diverges must not
        # end the others; and as one product of the same size for each run, so that a run comes out the same to the last
        # bit whatever runs beside it.
        x = x.expand(runs, *x.shape)
        total = (x @ weight.reshape(runs, -1, inputs).mT).reshape(runs, -1, experts, outputs) + bias[:, None]
        scores = x @ gate_weight.mT + gate_bias[:, None]
        self.o, self.p = OUTPUTS[output](total), torch.softmax(scores, dim=-1)
        if "log_variance" in parameters:
            variance = parameters["log_variance"].exp()
        extra = (variance,) if loss == "mixture" else ()
        self.loss = _LOSSES[loss](d, self.o, self.p, *extra).mean(-1)

    @torch.no_grad()
    def reached(self, criterion):
        """Whether each run has reached a criterion, (R,)."""
        return criterion.reached(self.d, self.o, self.p)

    def moved(self, active, step_size):
        """The parameters after one update of the active runs; the others' stay as they are."""
        learned = [self.parameters[name] for name in self.learned]
        gradients = torch.autograd.grad(self.loss[active].sum(), learned, retain_graph=True)
        moved = {name: value.detach() for name, value in self.parameters.items()}
        for name, gradient in zip(self.learned, gradients):
            which = active[(..., *[None] * (gradient.dim() - 1))]
            moved[name] = torch.where(which, moved[name] - step_size * gradient, moved[name])
        return moved

    @torch.no_grad()
    def measured(self):
        """What the history keeps of this moment, by the names of its fields."""
        return {
            "loss": self.loss.detach(),
            "squared_error": ERRORS["blend"](self.d, self.o, self.p).mean(-1),
            "proportions": self.p.mean(-2),
            "effective_experts": _effective_experts(self.p).mean(-1),
            "weights": {name: value.detach() for name, value in self.parameters.items()},
        }


def history_from_weights(x, d, loss, epochs, weights, stopped, converged):
    """The `History` of runs whose weights are known at S moments, with what `train` would have recorded there.

    x, d, loss: as for `train`. epochs: the S epochs. weights: by name, with leading dimensions `(S, R)`; sigmoid outputs
    and variance 1. stopped, converged: of each run, `(R,)`, or of a single one.
    """
    moments, runs = weights["gate.bias"].shape[:2]
    with torch.no_grad():
        measured = _State({name: value.flatten(0, 1).clone() for name, value in weights.items()}, (), x, d, "sigmoid",
                          loss, 1.0).measured()
    fields = ("loss", "squared_error", "proportions", "effective_experts")
    stopped, converged = (torch.as_tensor(value).reshape(runs) for value in (stopped, converged))
    return History(epochs=torch.as_tensor(epochs), weights=weights, stopped=stopped, converged=converged,
                   diverged=torch.zeros(runs, dtype=torch.bool),
                   **{name: measured[name].unflatten(0, (moments, runs)) for name in fields})


def _history(records, stopped, converged, diverged):
    moments = [moment for _, moment in records]
    return History(
        epochs=torch.tensor([epoch for epoch, _ in records]),
        **{field: torch.stack([m[field] for m in moments])
           for field in ("loss", "squared_error", "proportions", "effective_experts")},
        weights={name: torch.stack([m["weights"][name] for m in moments]) for name in moments[0]["weights"]},
        stopped=stopped, converged=converged, diverged=diverged,
    )


def _check_arguments(mixture, x, d, loss, variance, learn_variance):
    if not isinstance(learn_variance, bool):
        raise TypeError(f"learn_variance must be True or False, got {learn_variance!r}")
    if any(value.is_inference() for value in mixture.parameters()):
        raise ValueError("the mixture was made in inference mode, where nothing can be trained; make it outside")
    if not learn_variance and not any(value.requires_grad for value in mixture.parameters()):
        raise ValueError("no parameter of the mixture requires a gradient: there is nothing to train")
    if loss != "mixture" and (variance != 1.0 or learn_variance):
        raise ValueError(f"only the loss 'mixture' has a variance, got loss {loss!r}")
    if x.dim() != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}, wanted (N, D): every run has the same inputs")
    with contextlib.suppress(OverflowError):  # which is said with the runs that it happens in
        LOSSES[loss](d, *mixture(x))
