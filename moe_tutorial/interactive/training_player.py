"""The training player of chapters 7 and 8."""

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .. import _checks, plots
from ..model.gate import LIVE, effective_experts, gate_scores, live, mixing_proportions
from ..model.lines import foot_of_normal
from ..model.mixture import Mixture
from ..plots.picture import numbers
from ..shapes import checked
from ..table1.recorded import CRITERION, EPOCHS, STEP_SIZE_OF, is_recorded, load_trainings, moments
from ..tasks.vowels import VowelTask
from ..training.descent import train
from ._interactive import LOSSES, MOST_OF_SEEDS, Interactive, cases_data, check_plane, style

_RESOLUTION = 0.01  # of the weights that a page carries


@dataclass(frozen=True)
class Film:
    """One run at F of its epochs.

    epochs: int64 (F,), the first is 0 and the last is where the run stopped. error: the mean squared error of the
    blend, (F,). experts, gate: rows of weights and a bias, (F, K, 3). converged: whether it reached the criterion.
    """

    epochs: torch.Tensor
    error: torch.Tensor
    experts: torch.Tensor
    gate: torch.Tensor
    converged: bool


def film(task, loss, experts, seeds):
    """Train one mixture for each seed, up to the criterion, and return a `Film` of each.

    The epochs are equally far apart, but for the last one.
    """
    history = train(Mixture(experts, seed=list(seeds)), task.train.x, task.train.d, loss, step_size=STEP_SIZE_OF[loss],
                    epochs=EPOCHS, stop_at=CRITERION)
    return [_film(history, run) for run in range(len(history.stopped))]


def _film(history, run=0):
    """A run of a history that has at least the moments of the player."""
    epochs = torch.tensor(moments(int(history.stopped[run])))
    at, w = torch.searchsorted(history.epochs, epochs), history.weights
    experts = torch.cat([w["experts.weight"][at, run][..., 0, :], w["experts.bias"][at, run]], -1)
    gate = torch.cat([w["gate.weight"][at, run], w["gate.bias"][at, run][..., None]], -1)
    return Film(epochs, history.squared_error[at, run], experts, gate, bool(history.converged[run]))


@checked
class TrainingPlayer(Interactive):
    """Recorded trainings on the vowels, to be looked at epoch by epoch.

    task: a `vowels.vowel_task` with one output.
    losses: names from `STEP_SIZE_OF`. experts: numbers of experts, from 2 to 8. seeds: one run each, from 0 to 9999. All
        their combinations are shown, and stop at the criterion 0.08 or after 3000 epochs. A training that is stored
        (`load_training`) is taken from there; the others are run.
    marks: points of Figure 3 with their names, a mapping to `(2,)`.

    TypeError: no task, no names, no whole numbers. ValueError: a task with more than one output or other inputs than F1 and
        F2, no loss, experts or seeds, or one of them twice, an unknown loss, fewer than 2 or more than 8 experts.
    """

    name, title = "training-player", "Training player"
    invitation = "choose a run and move through its epochs, and see gate and experts change."

    def __init__(self, task: VowelTask, losses=tuple(STEP_SIZE_OF), experts=(4, 8), seeds=(0, 2),
                 marks: Mapping | None = None):
        if task.train.d.shape[-1] != 1:
            raise ValueError(f"the task has {task.train.d.shape[-1]} outputs, wanted 1, so that an expert has one line")
        check_plane("the task", task.train)
        _checks.texts("losses", losses)
        self.losses, self.experts = list(losses), list(_checks.listed("experts", experts))
        self.seeds = list(_checks.several_seeds("seeds", seeds))
        for place, one in enumerate(self.experts):
            _checks.count(f"experts[{place}]", one)
        for name, values in (("losses", self.losses), ("experts", self.experts), ("seeds", self.seeds)):
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must hold at least one of them, each once, got {_checks.short(values)}")
        for loss in self.losses:
            if loss not in STEP_SIZE_OF:
                raise ValueError(f"losses has the unknown loss {loss!r}, wanted one of {', '.join(STEP_SIZE_OF)}")
        if not 2 <= min(self.experts) <= max(self.experts) <= len(plots.EXPERT_COLOURS):
            raise ValueError(f"wanted from 2 to {len(plots.EXPERT_COLOURS)} experts, got {self.experts}")
        if max(self.seeds) > MOST_OF_SEEDS:
            raise ValueError(f"seeds must be from 0 to {MOST_OF_SEEDS}, the end of their field, got {max(self.seeds)}")
        self.task, self.marks = task, {}
        for name, point in (marks or {}).items():
            _checks.text("each name of marks", name)
            self.marks[name] = [round(value, 3) for value in numbers(f"marks[{name!r}]", point, 2).tolist()]

    @functools.cached_property
    def films(self):
        """By loss, number of experts and seed."""
        stored = load_trainings() if is_recorded(self.task) else {}
        wanted = list(itertools.product(self.losses, self.experts, self.seeds))
        return {key: _film(stored[key].history) if key in stored else film(self.task, *key[:2], key[2:])[0]
                for key in wanted}

    def data(self):
        return {
            "style": style(), "cases": cases_data(self.task.train), "losses": [[loss, LOSSES[loss]] for loss in self.losses],
            "experts": self.experts, "seeds": self.seeds, "marks": self.marks, "criterion": CRITERION, "live": LIVE,
            "resolution": _RESOLUTION, "runs": [_packed(shot) for shot in self.films.values()],
        }

    def still(self):
        (loss, experts, seed), shot = next(iter(self.films.items()))
        caption = (f"A run of {experts} experts with {LOSSES[loss].split(',')[0]} and seed {seed}, after "
                   f"{int(shot.epochs[-1])} epochs: the gate's regions, and the lines of the live experts.")
        return _regions(self.task, shot, -1, caption)

    def widgets(self):
        from ._widgets import Panel, button, choice, seed_field, steps

        loss = choice("loss", [(LOSSES[loss], loss) for loss in self.losses], self.losses[0])
        experts = choice("experts", [(str(k), k) for k in range(2, len(plots.EXPERT_COLOURS) + 1)], self.experts[0])
        seed, train, frame = seed_field(self.seeds[0]), button("Train"), steps("picture")
        panel = Panel(loss, experts, seed, train, frame)
        shown: list[Film] = []

        def run():
            shown[:] = film(self.task, loss.value, experts.value, [seed.value])
            with panel.setting():  # nothing is drawn while the slider gets its new end
                frame.max = frame.value = len(shown[0].epochs) - 1
            show()

        def show():
            panel.show(*_frame(self.task, shown[0], frame.value, self.marks))

        run()
        panel.on_move(show, frame)
        panel.on_press(run, train, meanwhile="Training …")
        return panel.box


def _packed(shot):
    """A film for a page: whole numbers, and of each weight its first one and then its changes."""
    weights = torch.cat([shot.experts, shot.gate], -1).flatten(1)  # an expert's line and its gate's row together
    whole = (weights / _RESOLUTION).round().long()
    changes = torch.cat([whole[:1], whole.diff(dim=0)])
    return {"epochs": shot.epochs.tolist(), "error": [round(value, 4) for value in shot.error.tolist()],
            "weights": changes.T.tolist(), "converged": shot.converged}


def _proportions(task, shot, frame):
    gate = shot.gate[frame]
    return mixing_proportions(gate_scores(task.train.x, gate[:, :2], gate[:, 2]))


def _regions(task, shot, frame, caption):
    """The gate's regions at one epoch, and the lines of the live experts."""
    gate, experts = shot.gate[frame], shot.experts[frame]
    alive = live(_proportions(task, shot, frame)).nonzero()[:, 0].tolist()
    return plots.gate_regions(task.train, gate[:, :2], gate[:, 2],
                              lines={k: (experts[k, :2], experts[k, 2]) for k in alive}, caption=caption)


def _frame(task, shot, frame, marks):
    """What can be said of one epoch, and what it looks like."""
    p = _proportions(task, shot, frame)
    effective = effective_experts(p).mean().item()
    end = "at the criterion" if shot.converged else "without the criterion"
    said = (f"Epoch {int(shot.epochs[frame])} of {int(shot.epochs[-1])}, where the run ended {end}: mean squared "
            f"error {shot.error[frame]:.3f}, effective number of experts {effective:.2f}.")
    feet = foot_of_normal(shot.experts[: frame + 1, :, :2], shot.experts[: frame + 1, :, 2])
    points = {name: torch.tensor(point) for name, point in marks.items()}
    pictures = [_regions(task, shot, frame, "The gate's regions."), plots.trails(feet, points),
                plots.proportions(p.mean(0, keepdim=True), ["mean over the training cases"])]
    return [f"<p>{said}</p>", *pictures]
