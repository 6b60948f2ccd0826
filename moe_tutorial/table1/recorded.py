"""The trainings that chapters, players and pictures show, computed once and kept in the package.

With the paper's large step a run overshoots for hundreds of epochs, so that a last bit decides at which epoch it ends. What
the book says of such a run, and draws of it, is said and drawn of the stored one. `make recordings` makes them.
"""

import functools
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from .. import _checks
from ..model.losses import Loss
from ..model.mixture import Mixture
from ..recordings import Recordings
from ..shapes import Count, CountFrom0, Seed, checked
from ..tasks.vowels import VowelTask, vowel_task
from ..training.criterion import CRITERION
from ..training.descent import History, history_from_weights, train
from ..training.engine import Outcome, fast_train
from .multiverse import SOURCES
from .replication import SEEDS, SYSTEMS, Protocol, System, build

STEP_SIZE_OF: dict[Loss, float] = {"mixture": 20.0, "cooperative": 10.0, "expected": 10.0}
"""The step size for each loss; the gradients of eqs. 1.1 and 1.2 have a factor 2 that eq. 1.3 lacks."""

EPOCHS = 3000
"""A training ends at the paper's criterion, or after so many epochs."""

FRAMES = 40
"""A training is kept at so many moments and its end, equally far apart, or at every epoch."""

EARLY = 30
"""For so many epochs a run is the same on every processor, to 1e-9. After that some are, and some are not."""

_PLACES = 2.0**31  # of weights and errors: they are kept to within 2.4e-10


@checked
@dataclass(frozen=True)
class Setting:
    """One training on the vowels of section 3, with our reading of the outputs: its loss, number of experts K, and seed."""

    loss: Loss
    experts: Count
    seed: Seed
    every_epoch: bool = False


@checked
@dataclass(frozen=True)
class Simulated:
    """The 25 simulations of a system under our reading."""

    name: System


def _whole(name, stored):
    _checks.mapping(name, stored)
    if not {"stopped", "converged"} <= stored.keys():
        raise ValueError(f"{name} must have the entries of a stored training, got {_checks.said(stored)}")


@checked
@dataclass(frozen=True, repr=False)
class Recorded:
    """A stored training.

    setting: what was run.
    error: the mean squared error of the blend after each epoch, from 0 to the last, (T + 1,).
    stored: what the file has of it.
    """

    setting: Setting
    error: Annotated[Tensor, "T"]
    stored: Annotated[dict, _whole]

    @functools.cached_property
    def history(self) -> History:
        """Its `History` with one run, at the moments that are kept."""
        cases, kept = vowel_task().train, self.stored
        return history_from_weights(cases.x, cases.d, self.setting.loss, *(kept[name] for name in (
            "epochs", "weights", "stopped", "converged")))

    def __repr__(self):
        setting, end = self.setting, "" if self.stored["converged"] else ", criterion not reached"
        return (f"Recorded: {setting.experts} experts, {setting.loss} loss, step size {STEP_SIZE_OF[setting.loss]:g}, seed "
                f"{setting.seed}; {self.stored['stopped']} epochs{end}")


@checked
def moments(stopped: CountFrom0, frames: Count = FRAMES) -> list[int]:
    """The epochs at which a training that stopped there is kept: about so many frames, equally far apart, and the end."""
    return [*range(0, stopped, max(1, -(-stopped // frames))), stopped]


@checked
def is_recorded(task: VowelTask) -> bool:
    """Whether a `vowels.VowelTask` is the one that the stored trainings were made on."""
    cases, ours = task.train, vowel_task().train
    return torch.equal(cases.x, ours.x) and torch.equal(cases.d, ours.d)


def make_training(setting):
    """What is stored of a training: its error after each epoch, and its weights at some of them or at all."""
    cases = vowel_task().train
    history = train(Mixture(setting.experts, seed=setting.seed), cases.x, cases.d, setting.loss,
                    step_size=STEP_SIZE_OF[setting.loss], epochs=EPOCHS, stop_at=CRITERION)
    stopped = int(history.stopped)
    epochs = list(range(stopped + 1)) if setting.every_epoch else moments(stopped)
    return {"stopped": stopped, "converged": bool(history.converged), "error": _rounded(history.squared_error[:, 0]),
            "epochs": epochs, "weights": {name: _rounded(weight[epochs]) for name, weight in history.weights.items()}}


def make_simulations(setting):
    """What is stored of a system: the epochs of its simulations, and their weights early and at the end.

    And the epochs of eight more of each, whose initial weights differ by a last bit, which is what another processor does.
    """
    protocol, seeds = Protocol(), SEEDS
    x, d, _, _ = protocol.cases(seeds)

    def simulated(model, epochs=protocol.epochs):
        return fast_train(model, x, d, step_size=STEP_SIZE_OF["mixture"], epochs=epochs, stop_at=protocol.stop_at)

    early, model = build(setting.name, protocol, seeds), build(setting.name, protocol, seeds)
    simulated(early, EARLY)
    outcome, moved = simulated(model), []
    for number in range(8):
        generator = torch.Generator().manual_seed(number)
        other = build(setting.name, protocol, seeds)
        for weight in other.parameters():
            bits = torch.randint(-1, 2, weight.shape, generator=generator, dtype=weight.dtype)
            weight.data *= 1 + bits * torch.finfo(weight.dtype).eps
        moved.append(simulated(other).stopped)
    return {"stopped": outcome.stopped, "converged": outcome.converged, "moved": torch.stack(moved),
            "early": {name: _rounded(weight) for name, weight in early.named_parameters()},
            "end": {name: _rounded(weight) for name, weight in model.named_parameters()}}


def load_trainings() -> dict[tuple[str, int, int], Recorded]:
    """All stored trainings: a dict from (loss, number of experts, seed) to a `Recorded`.

    >>> len(load_trainings())
    24

    RecordingError: a stored file that is damaged or of other code.
    """
    return {(setting.loss, setting.experts, setting.seed): Recorded(setting, stored["error"], stored)
            for setting, stored in TRAININGS.load().items()}


@checked
def load_training(loss: Loss = "mixture", *, experts: Count, seed: Seed) -> Recorded:
    """The stored training with this loss, number of experts and seed.

    >>> load_training(experts=4, seed=0).setting
    Setting(loss='mixture', experts=4, seed=0, every_epoch=False)

    ValueError: one that is not stored; `train` runs it. RecordingError: a stored file that is damaged or of other code.
    """
    stored = load_trainings()
    if (loss, experts, seed) not in stored:
        known = ", ".join(f"{one[0]} {one[1]} {one[2]}" for one in stored)
        raise ValueError(f"no training is stored with loss {loss!r}, {experts} experts and seed {seed}; `train` runs it. "
                         f"Stored: {known}")
    return stored[loss, experts, seed]


@checked
def load_mixtures(experts: Literal[4, 8]) -> tuple[Mixture, Outcome]:
    """The 25 mixtures of Table 1 with 4 or 8 experts, seeds 0 to 24, under our reading, and how their training ended.

    >>> load_mixtures(4)[1]
    Outcome: 25 of 25 runs converged

    ValueError: another number of experts. RecordingError: a stored file that is damaged or of other code.
    """
    stored = SIMULATIONS.load()[Simulated("4 experts" if experts == 4 else "8 experts")]
    mixture = Mixture(experts, seed=SEEDS)
    mixture.load_state_dict(stored["end"])
    return mixture, Outcome(stored["stopped"], stored["converged"])


def _rounded(values):
    return (values.detach() * _PLACES).round() / _PLACES


TRAININGS = Recordings(
    "trainings", "trainings",
    tuple(Setting(loss, experts, seed, every_epoch=(loss, experts) == ("mixture", 8) and seed in (0, 2))
          for loss in STEP_SIZE_OF for experts, seeds in ((4, range(5)), (8, range(5) if loss == "mixture" else (0, 2)))
          for seed in seeds),
    make_training,
    (*SOURCES[:5], "model/losses.py", "training/criterion.py", "training/descent.py", SOURCES[-1]))
"""The stored trainings, one for each `Setting`."""

SIMULATIONS = Recordings("simulations", "sets of simulations", tuple(Simulated(name) for name in SYSTEMS), make_simulations,
                         SOURCES)
"""The stored simulations under our reading, one for each `Simulated`."""
