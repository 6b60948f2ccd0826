"""The fast way to train: the closed-form gradients of eq. 1.5 for many runs at once, in place, without autograd.

`training.train` is the readable version and keeps a history; this one keeps nothing but the weights. It is what the
simulations of Table 1 are run with. Tests hold the two together.

Three things make it fast. The gradients are written out, so that no graph is built. Every array is made once and
written over in each epoch, with the cases last in memory. Runs that have reached the criterion leave the batch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import _checks
from .._progress import progress
from .._threads import one_thread
from ..model.mixture import Mixture
from ..model.networks import BackpropagationNet
from ..shapes import Count, DesiredOfRuns, Inputs, Positive, checked
from .criterion import Criterion, as_criterion

_BLOCK = 250_000  # numbers in one array: about 2 MB, so that an epoch's arrays stay in the processor's cache


@dataclass(frozen=True, repr=False)
class Outcome:
    """How R runs ended; their weights are in the model.

    stopped: the number of updates that each run made, int64 (R,).
    converged: whether a run reached the criterion, bool (R,).
    """

    stopped: Tensor
    converged: Tensor

    def __repr__(self):
        runs = len(self.stopped)
        return f"Outcome: {int(self.converged.sum())} of {runs} run{'s' if runs > 1 else ''} converged"


@one_thread()
@checked
def fast_train(model: Mixture | BackpropagationNet, x: Inputs, d: DesiredOfRuns, *,
               step_size: float | Sequence[float] | Tensor, epochs: Count, stop_at: Positive | Criterion | None = None,
               name: str | None = None) -> Outcome:
    """Train R runs in place by batch gradient descent on eq. 1.3.

    >>> x, d = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[1.0], [0.0]]).double()
    >>> fast_train(Mixture(experts=2, inputs=1, seed=range(25)), x, d, step_size=8.0, epochs=1000, stop_at=0.08)
    Outcome: 25 of 25 runs converged

    The updates are those of `train(mixture, x, d, "mixture", …)` with variance 1. For a `BackpropagationNet`, eq. 1.3
    with a single expert is used, which is `½ ‖d - y‖²`, so that a step size means the same for both.

    model: with one runs dimension, or none (then there is one run), with sigmoid or softmax outputs. Parameters that do not
        require a gradient stay as they are.
    x, d: for all runs, or both with a runs dimension, cases of each run.
    step_size: the paper's ε for the mean over cases; a number, or one for each run, `(R,)`.
    epochs: the largest number of updates.
    stop_at: the criterion, a `Criterion` or a number that the mean squared error of the blend is compared with; None for
        no criterion.
    name: what the progress bar says.

    TypeError, ValueError: arguments that do not fit each other, NaN, a step size or criterion not above 0.
    OverflowError: weights that are no longer finite, with the runs.
    """
    rates, criterion = _checked_step_size(model, x, d, step_size), as_criterion(stop_at)
    weights, learned, runs, output = _joined(model), _learned(model), len(rates), _output(model)
    x, d = x.expand(runs, *x.shape[-2:]), d.expand(runs, *d.shape[-2:])
    kind = _Mixtures if isinstance(model, Mixture) else _Nets
    at, of = (criterion.at, criterion.of) if criterion else (-math.inf, "blend")

    def batch(places):
        return kind([weight[places] for weight in weights], learned, x[places], d[places], output, rates[places], of)

    stopped, converged = torch.full((runs,), epochs), torch.zeros(runs, dtype=torch.bool)
    size = max(1, _BLOCK // (x.shape[-2] * weights[0].shape[1]))
    with torch.no_grad(), progress(total=runs, description=name or "training") as bar:
        for block in torch.arange(runs).split(size):
            for epoch, trained, values, reached in _ends(batch, block, epochs, at):
                for weight, value in zip(weights, values):
                    weight[trained] = value
                stopped[trained[reached]], converged[trained[reached]] = epoch, True
                bar.update(len(trained) if epoch == epochs else int(reached.sum()))
        lost = [run for run in range(runs) if not all(weight[run].isfinite().all() for weight in weights)]
        if lost:
            raise OverflowError(f"the weights of runs {lost} are no longer finite; take a smaller step size")
        _write_back(model, weights)
    return Outcome(stopped, converged)


def _ends(batch, runs, epochs, at):
    """Train these runs, and yield whenever some of them end: the epoch, the runs that were trained, their weights, and
    which have reached the criterion. `batch` makes the arrays of some runs from the weights that were yielded last."""
    now = batch(runs)
    for epoch in range(epochs + 1):
        reached = now.forward() <= at
        if epoch == epochs or reached.any():
            yield epoch, runs, now.weights, reached
            runs = runs[~reached]
            if epoch == epochs or not len(runs):
                return
            now = batch(runs)
            now.forward()
        now.update()


class _Batch:
    """Runs side by side, each weight matrix `(R, units, inputs + 1)` with the bias as the last input's weight.

    Arrays have the cases last: inputs `(R, D + 1, N)`, where the last row is 1, and desired outputs `(R, M, N)`.
    """

    def __init__(self, weights, learned, x, d, output, step_size, error):
        self.weights, self.error, self.softmax = weights, error, output == "softmax"
        self.gradients = [torch.empty_like(weight) for weight in weights]
        self.x = torch.cat([x, torch.ones_like(x[..., :1])], dim=-1).mT.contiguous()
        self.d = d.mT.contiguous()
        self.runs, self.outputs, self.cases = self.d.shape
        self.rates = [(step_size / self.cases)[:, None, None] * one for one in learned]
        self.make_arrays()

    def make_arrays(self):
        """Make the arrays that each epoch writes over."""
        raise NotImplementedError

    def array(self, *middle):
        return torch.empty(self.runs, *middle, self.cases, dtype=self.x.dtype)

    def activate(self, total, dim):
        """Write the outputs over their total inputs."""
        torch.softmax(total, dim, out=total) if self.softmax else total.sigmoid_()

    def through_activation(self, gradient, o, dim):
        """Write the gradient with respect to the total inputs over the one with respect to the outputs o."""
        gradient.mul_(o)
        total = gradient.sum(dim, keepdim=True) if self.softmax else gradient
        gradient.addcmul_(o, total, value=-1)  # a sigmoid's is g o (1 - o), a softmax's g o - o Σ g o

    def step(self, layer, units, inputs):
        """One update of a layer, from the gradients at its units `(R, units, N)` and its inputs `(R, inputs + 1, N)`."""
        torch.bmm(units, inputs.mT, out=self.gradients[layer])
        self.weights[layer].addcmul_(self.gradients[layer], self.rates[layer], value=-1)


class _Mixtures(_Batch):
    """Layers: the experts, K M units, and the gate, K units."""

    def make_arrays(self):
        experts = self.weights[1].shape[1]
        self.o, self.residual, self.work = (self.array(experts, self.outputs) for _ in range(3))
        self.scores, self.p, self.h = (self.array(experts) for _ in range(3))
        self.o_units, self.residual_units = self.o.flatten(1, 2), self.residual.flatten(1, 2)  # the same numbers

    def forward(self):
        """The mean squared error of each run, (R,)."""
        torch.bmm(self.weights[0], self.x, out=self.o_units)
        self.activate(self.o, dim=2)
        torch.bmm(self.weights[1], self.x, out=self.scores)
        torch.softmax(self.scores, dim=1, out=self.p)
        torch.sub(self.o, self.d[:, None], out=self.residual)
        if self.error == "expected":
            torch.mul(self.p, self.squared_distances(), out=self.h)
            return self.h.sum((1, 2)).div_(self.cases)
        # The proportions sum to 1, so the blend's residual is the blend of the residuals.
        torch.mul(self.p[:, :, None], self.residual, out=self.work)
        return self.work.sum(1).square_().sum((1, 2)).div_(self.cases)

    def squared_distances(self):
        torch.mul(self.residual, self.residual, out=self.work)
        return self.work[:, :, 0] if self.outputs == 1 else self.work.sum(2)

    def update(self):
        """Eq. 1.5: the gradient is `-h (d - o)` at the experts' outputs, and `p - h` at the gate's total inputs."""
        torch.softmax(self.scores.sub_(self.squared_distances(), alpha=0.5), dim=1, out=self.h)
        self.residual.mul_(self.h[:, :, None])
        self.through_activation(self.residual, self.o, dim=2)
        self.step(0, self.residual_units, self.x)
        self.step(1, self.p.sub_(self.h), self.x)


class _Nets(_Batch):
    """Layers: the hidden units, and the output units."""

    def make_arrays(self):
        self.hidden = self.array(self.weights[1].shape[2])
        self.hidden[:, -1] = 1.0
        self.y, self.residual = self.array(self.outputs), self.array(self.outputs)

    def forward(self):
        """The mean squared error of each run, (R,)."""
        torch.sigmoid(self.weights[0] @ self.x, out=self.hidden[:, :-1])
        torch.bmm(self.weights[1], self.hidden, out=self.y)
        self.activate(self.y, dim=1)
        torch.sub(self.y, self.d, out=self.residual)
        return self.residual.square().sum((1, 2)).div_(self.cases)

    def update(self):
        """The gradient of `½ ‖d - y‖²`, carried back through the output units to the hidden ones."""
        self.through_activation(self.residual, self.y, dim=1)
        hidden = self.hidden[:, :-1]
        to_hidden = (self.weights[1][:, :, :-1].mT @ self.residual).mul_(hidden)
        to_hidden.addcmul_(to_hidden, hidden, value=-1)
        self.step(1, self.residual, self.hidden)
        self.step(0, to_hidden, self.x)


def _layers(model):
    """The model's pairs of weight and bias, each with the number of dimensions that a bias has without runs."""
    if isinstance(model, Mixture):
        return [(model.experts.weight, model.experts.bias, 2), (model.gate.weight, model.gate.bias, 1)]
    return [(model.hidden_weight, model.hidden_bias, 1), (model.weight, model.bias, 1)]


def _joined(model):
    """Copies of the weights as matrices `(R, units, inputs + 1)`, where the bias is the last input's weight."""
    weights = []
    for weight, bias, dimensions in _layers(model):
        joined = torch.cat([weight, bias[..., None]], dim=-1).detach()
        weights.append(joined.reshape(-1, math.prod(bias.shape[-dimensions:]), joined.shape[-1]))
    return weights


def _learned(model):
    """For each matrix of `_joined` a row of ones, and zeros for the weights or biases that do not require a gradient."""
    return [torch.cat([torch.full(weight.shape[-1:], weight.requires_grad), torch.tensor([bias.requires_grad])]).to(weight)
            for weight, bias, _ in _layers(model)]


def _write_back(model, weights):
    for (weight, bias, _), joined in zip(_layers(model), weights):
        weight.copy_(joined[..., :-1].reshape(weight.shape))
        bias.copy_(joined[..., -1].reshape(bias.shape))


def _checked_step_size(model, x, d, step_size):
    """Check that the arguments of `fast_train` fit each other; the step sizes as a tensor (R,)."""
    _checks.choice("output", _output(model), ("sigmoid", "softmax"))
    _, bias, dimensions = _layers(model)[0]
    leading = tuple(bias.shape[:-dimensions])
    if len(leading) > 1:
        raise ValueError(f"the model has runs {leading}, wanted one runs dimension or none")
    y = model.blend(x) if isinstance(model, Mixture) else model(x)  # checks x against the model
    _checks.floats("d", d, *y.shape[-2:])
    _checks.same_runs(x=x.shape[:-2], d=d.shape[:-2])
    try:
        step_size = torch.as_tensor(step_size, dtype=x.dtype)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"step_size must be a number, or one for each run, got {step_size!r}") from None
    _checks.floats("step_size", step_size)
    _checks.shared_or_same_runs("step_size", step_size.shape, "the model", leading)
    _checks.above_zero("step_size", step_size)
    return step_size.expand(math.prod(leading))


def _output(model):
    return model.experts.output if isinstance(model, Mixture) else model.output
