"""The experiment of Table 1: four systems, 25 simulations each, and the choices that the paper leaves open.

A `Protocol` holds every such choice by name. `explore` tries step sizes on pilot seeds, `simulate` runs one system, and
`replicate` does both for all four. What the paper says of the outcome is in `comparison`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from .. import _checks
from ..model.decisions import class_decisions
from ..model.gate import live
from ..model.initial import SPREAD
from ..model.mixture import Mixture
from ..model.networks import BackpropagationNet
from ..shapes import Count, Positive, checked
from ..tasks.vowels import CODINGS, Coding, Order, vowel_task
from ..training.criterion import CRITERION, Criterion, SquaredError
from ..training.engine import fast_train

System = Literal["4 experts", "8 experts", "BP 6 hidden", "BP 12 hidden"]

SYSTEMS: dict[System, tuple[type[Mixture] | type[BackpropagationNet], int]] = {
    "4 experts": (Mixture, 4),
    "8 experts": (Mixture, 8),
    "BP 6 hidden": (BackpropagationNet, 6),
    "BP 12 hidden": (BackpropagationNet, 12),
}
"""The systems of Table 1 by name: what is built, and with how many experts or hidden units."""

MIXTURES: tuple[System, ...] = ("4 experts", "8 experts")
"""The mixtures among the systems."""

NETS: tuple[System, ...] = ("BP 6 hidden", "BP 12 hidden")
"""The ordinary networks among the systems."""

SEEDS = tuple(range(25))
"""The seeds of the 25 reported simulations."""

PILOT_SEEDS = tuple(range(100, 110))
"""The seeds of the simulations that a step size is chosen with. None of them is reported."""

STEP_SIZES = (1.25, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
"""The step sizes that are tried for every system, for the mean over cases."""

@checked
@dataclass(frozen=True)
class Protocol:
    """Every choice that the paper leaves open, by name. The defaults are our reading: see the book's open choices.

    >>> Protocol(spread=0.1).stop_at
    Criterion(at=0.08, of='blend')

    output: what the output units are, "sigmoid" or "softmax" (over the outputs, so only with several).
    coding: the desired outputs, a name from `vowels.CODINGS`.
    order: of the speakers, a name from `vowels.ORDERS`. With "random" each simulation has a split of its own, by its seed.
    repetitions: which of a speaker's two tokens of a vowel are used.
    spread: of the initial weights, uniform from -spread to spread, for experts and networks alike.
    stop_on: which squared error the criterion is compared with, "blend" or "expected".
    error: "sum" or "mean", how the criterion counts several outputs. The updates always follow the sum.
    criterion: the paper's 0.08.
    epochs: the largest number of updates, after which a simulation counts as not converged.
    """

    output: Literal["sigmoid", "softmax"] = "sigmoid"
    coding: Coding = "iy+ah"
    order: Order = "file"
    repetitions: tuple[int, ...] = (1, 2)
    spread: Positive = SPREAD
    stop_on: SquaredError = "blend"
    error: Literal["sum", "mean"] = "sum"
    criterion: Positive = CRITERION
    epochs: Count = 5_000

    def __post_init__(self):
        _checks.choice("repetitions", self.repetitions, [(1, 2), (1,), (2,)])
        if self.output == "softmax" and self.outputs == 1:
            raise ValueError(f"a softmax over one output is always 1; coding {self.coding!r} has one output")

    @property
    def outputs(self):
        """The number of outputs M."""
        return len(next(iter(CODINGS[self.coding][0].values())))

    @property
    def stop_at(self):
        """The `Criterion`, for the sum over the outputs."""
        return Criterion(self.criterion * (self.outputs if self.error == "mean" else 1), self.stop_on)

    def cases(self, seeds):
        """Training and test cases for simulations with these seeds: x, d, test x, test d, shared or one for each seed."""
        if self.order == "random":
            tasks = [vowel_task(self.coding, self.order, seed, self.repetitions) for seed in seeds]
            return [torch.stack(tensors) for tensors in zip(*(_tensors(task) for task in tasks))]
        return _tensors(vowel_task(self.coding, self.order, repetitions=self.repetitions))

    def fits(self, settings):
        """Whether it has these settings, a mapping from names to values."""
        return all(getattr(self, name) == value for name, value in settings.items())


def _tensors(task):
    return [task.train.x, task.train.d, task.test.x, task.test.d]


@dataclass(frozen=True, repr=False)
class Exploration:
    """What a system did on the pilot seeds with E step sizes and P seeds.

    step_sizes: (E,). stopped: the epochs of each run, int64 (E, P). converged: bool (E, P).
    """

    step_sizes: Tensor
    stopped: Tensor
    converged: Tensor

    @property
    def chosen(self):
        """Of the step sizes with which most pilot runs converged, the one with the fewest epochs on average."""
        count = self.converged.sum(-1)
        mean = self.stopped.double().mean(-1).where(count == count.max(), torch.inf)
        return self.step_sizes[mean.argmin()].item()

    def __repr__(self):
        sizes, seeds = self.stopped.shape
        return f"Exploration: {sizes} step sizes on {seeds} pilot seeds, chosen {self.chosen:g}"


@dataclass(frozen=True, repr=False)
class Simulations:
    """R simulations of one system.

    step_size: the one they were run with.
    stopped: the epochs of each, int64 (R,). converged: whether it reached the criterion, bool (R,).
    train, test: the fraction of the cases that are classified correctly, (R,).
    live: the number of live experts (`gate.live`), int64 (R,); None for a network.
    """

    step_size: float
    stopped: Tensor
    converged: Tensor
    train: Tensor
    test: Tensor
    live: Tensor | None

    @property
    def epochs(self):
        """The epochs of those that converged, float64."""
        return self.stopped[self.converged].double()

    def __repr__(self):
        return (f"Simulations: {int(self.converged.sum())} of {len(self.stopped)} converged, "
                f"{self.epochs.mean():.0f} epochs on average")


@dataclass(frozen=True, repr=False)
class Replication:
    """Table 1 under one protocol: by the names of SYSTEMS, the explorations and the simulations.

    >>> from moe_tutorial import load_cell
    >>> load_cell(Protocol()).simulations["4 experts"]
    Simulations: 25 of 25 converged, 1234 epochs on average
    """

    protocol: Protocol
    explorations: dict[System, Exploration] = field(default_factory=dict)
    simulations: dict[System, Simulations] = field(default_factory=dict)

    @property
    def fraction(self):
        """The epochs of the mixtures as a fraction of those of the networks, mean of both against mean of both.

        NaN where no run of a system converged.
        """
        mixtures, nets = (sum(self.simulations[name].epochs.mean().item() for name in names) for names in (MIXTURES, NETS))
        return mixtures / nets

    @property
    def order(self):
        """The systems from the fewest epochs to the most; without those of which no run converged."""
        means = {name: runs.epochs.mean().item() for name, runs in self.simulations.items() if runs.converged.any()}
        return sorted(means, key=means.__getitem__)

    def __repr__(self):
        if not self.order:
            return "Replication: no run converged"
        return f"Replication: mixtures take {self.fraction:.2f} of the networks' epochs, " + " < ".join(self.order)


@checked
def build(system: System, protocol: Protocol, seeds: Sequence[int]) -> Mixture | BackpropagationNet:
    """The untrained runs of a system, one for each seed.

    ValueError: an unknown system.
    """
    kind, size = SYSTEMS[system]
    return kind(size, outputs=protocol.outputs, output=protocol.output, seed=seeds, spread=protocol.spread)


@checked
def explore(system: System, protocol: Protocol, step_sizes: Sequence[float] = STEP_SIZES,
            seeds: Sequence[int] = PILOT_SEEDS) -> Exploration:
    """Train a system with each step size from the same pilot seeds.

    >>> explore("4 experts", Protocol(epochs=10), step_sizes=(10.0, 20.0), seeds=(100, 101))
    Exploration: 2 step sizes on 2 pilot seeds, chosen 10
    """
    seeds = _checks.several_seeds("seeds", seeds)
    if not len(step_sizes):
        raise ValueError("step_sizes is empty: wanted at least one step size to try")
    model = build(system, protocol, [*seeds] * len(step_sizes))
    x, d, _, _ = protocol.cases([*seeds] * len(step_sizes))
    sizes = torch.tensor(step_sizes, dtype=x.dtype)
    outcome = _train(model, protocol, x, d, sizes.repeat_interleave(len(seeds)), system)
    shape = len(step_sizes), len(seeds)
    return Exploration(sizes, outcome.stopped.reshape(shape), outcome.converged.reshape(shape))


@checked
def simulate(system: System, protocol: Protocol, step_size: Positive, seeds: Sequence[int] = SEEDS) -> Simulations:
    """Train a system from each seed, and classify training and test cases.

    >>> simulate("4 experts", Protocol(epochs=10), step_size=20.0, seeds=(0, 1)).stopped
    tensor([10, 10])
    """
    seeds = _checks.several_seeds("seeds", seeds)
    model = build(system, protocol, seeds)
    x, d, test_x, test_d = protocol.cases(seeds)
    outcome = _train(model, protocol, x, d, step_size, system)
    outputs = model.blend if isinstance(model, Mixture) else model
    with torch.no_grad():
        train, test = (class_decisions(outputs(x), d).double().mean(-1) for x, d in ((x, d), (test_x, test_d)))
        alive = live(model.gate(x)).sum(-1) if isinstance(model, Mixture) else None
    return Simulations(float(step_size), outcome.stopped, outcome.converged, train, test, alive)


def _train(model, protocol, x, d, step_size, name):
    return fast_train(model, x, d, step_size=step_size, epochs=protocol.epochs, stop_at=protocol.stop_at, name=name)


@checked
def replicate(protocol: Protocol | None = None, step_sizes: Sequence[float] = STEP_SIZES,
              seeds: Sequence[int] = SEEDS) -> Replication:
    """Table 1 under a protocol, with the step size of each system chosen on the pilot seeds.

    >>> replicate(Protocol(criterion=0.24, epochs=100), step_sizes=(20.0,), seeds=(0, 1)).simulations["4 experts"]
    Simulations: 2 of 2 converged, 12 epochs on average

    protocol: None for `Protocol()`, our reading.

    ValueError: a seed that is both a pilot's and a reported one.
    """
    seeds = _checks.several_seeds("seeds", seeds)
    if set(PILOT_SEEDS) & set(seeds):
        raise ValueError(f"seeds {sorted(set(PILOT_SEEDS) & set(seeds))} are both pilot seeds and reported ones")
    protocol = protocol or Protocol()
    explorations = {system: explore(system, protocol, step_sizes) for system in SYSTEMS}
    simulations = {system: simulate(system, protocol, explored.chosen, seeds) for system, explored in explorations.items()}
    return Replication(protocol, explorations, simulations)
