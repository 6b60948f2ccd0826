"""The training player of chapters 7 and 8."""

import functools
import itertools
from dataclasses import dataclass

import torch

from .. import plots
from ..model.gate import gate_scores, mixing_proportions
from ..model.lines import foot_of_normal
from ..model.mixture import Mixture
from ..table1.recorded import CRITERION, EPOCHS, STEP_SIZE_OF, is_recorded, load_trainings, moments
from ..training.descent import train
from ._interactive import LOSSES, USED, Interactive, cases_data, picture_html, style

_RESOLUTION = 0.01  # of the weights that a page carries


@dataclass(frozen=True)
class Recording:
    """One run at F of its epochs.

    epochs: int64 (F,), the first is 0 and the last is where the run stopped. error: the mean squared error of the
    blend, (F,). experts, gate: rows of weights and a bias, (F, K, 3). converged: whether it reached the criterion.
    """

    epochs: torch.Tensor
    error: torch.Tensor
    experts: torch.Tensor
    gate: torch.Tensor
    converged: bool


def record(task, loss, experts, seeds):
    """Train one mixture for each seed, up to the criterion, and return a `Recording` of each.

    The epochs are equally far apart, but for the last one.
    """
    history = train(Mixture(experts, seed=list(seeds)), task.train.x, task.train.d, loss, step_size=STEP_SIZE_OF[loss],
                    epochs=EPOCHS, stop_at=CRITERION)
    return [_recording(history, run) for run in range(len(history.stopped))]


def _recording(history, run=0):
    """A run of a history that has at least the moments of the player."""
    epochs = torch.tensor(moments(int(history.stopped[run])))
    at, w = torch.searchsorted(history.epochs, epochs), history.weights
    experts = torch.cat([w["experts.weight"][at, run][..., 0, :], w["experts.bias"][at, run]], -1)
    gate = torch.cat([w["gate.weight"][at, run], w["gate.bias"][at, run][..., None]], -1)
    return Recording(epochs, history.squared_error[at, run], experts, gate, bool(history.converged[run]))


class TrainingPlayer(Interactive):
    """Recorded trainings on the vowels, to be looked at epoch by epoch.

    task: a `vowels.vowel_task` with one output.
    losses: names from `STEP_SIZE_OF`. experts: numbers of experts, from 2 to 8. seeds: one run each. All their combinations
        are shown, and stop at the criterion 0.08 or after 3000 epochs. A training that is stored (`load_training`) is
        taken from there; the others are run.
    marks: points of Figure 3 with their names, a mapping to `(2,)`.

    ValueError: a task with more than one output, no loss, experts or seeds, an unknown loss, fewer than 2 or more than 8
        experts.
    """

    name, title = "training-player", "Training player"
    invitation = "choose a run and move through its epochs, and see gate and experts change."

    def __init__(self, task, losses=tuple(STEP_SIZE_OF), experts=(4, 8), seeds=(0, 2), marks=None):
        self.losses, self.experts, self.seeds = list(losses), list(experts), list(seeds)
        if task.train.d.shape[-1] != 1:
            raise ValueError(f"the task has {task.train.d.shape[-1]} outputs, wanted 1, so that an expert has one line")
        if not (self.losses and self.experts and self.seeds):
            raise ValueError("wanted at least one loss, one number of experts and one seed")
        for loss in self.losses:
            if loss not in STEP_SIZE_OF:
                raise ValueError(f"unknown loss {loss!r}, wanted one of {', '.join(STEP_SIZE_OF)}")
        if not 2 <= min(self.experts) <= max(self.experts) <= len(plots.EXPERT_COLOURS):
            raise ValueError(f"wanted from 2 to {len(plots.EXPERT_COLOURS)} experts, got {self.experts}")
        self.task = task
        self.marks = {name: [round(value, 3) for value in point.tolist()] for name, point in (marks or {}).items()}

    @functools.cached_property
    def recordings(self):
        """By loss, number of experts and seed."""
        stored = load_trainings() if is_recorded(self.task) else {}
        wanted = list(itertools.product(self.losses, self.experts, self.seeds))
        return {key: _recording(stored[key].history) if key in stored else record(self.task, *key[:2], key[2:])[0]
                for key in wanted}

    def data(self):
        return {
            "style": style(), "cases": cases_data(self.task.train), "losses": [[loss, LOSSES[loss]] for loss in self.losses],
            "experts": self.experts, "seeds": self.seeds, "marks": self.marks, "criterion": CRITERION, "used": USED,
            "resolution": _RESOLUTION, "runs": [_packed(recording) for recording in self.recordings.values()],
        }

    def still(self):
        (loss, experts, seed), recording = next(iter(self.recordings.items()))
        caption = (f"A run of {experts} experts with {LOSSES[loss].split(',')[0]} and seed {seed}, after "
                   f"{int(recording.epochs[-1])} epochs: the gate's regions, and the lines of the experts in use.")
        return _regions(self.task, recording, -1, caption)

    def widgets(self):
        import ipywidgets

        wide = {"description_width": "7em"}
        loss, experts = (ipywidgets.Dropdown(description=name, options=options, value=options[0][1], style=wide)
                         for name, options in (("loss", [(LOSSES[loss], loss) for loss in self.losses]),
                                               ("experts", [(str(k), k) for k in range(2, len(plots.EXPERT_COLOURS) + 1)])))
        experts.value = self.experts[0]
        seed = ipywidgets.BoundedIntText(description="seed", min=0, max=9999, value=self.seeds[0], style=wide)
        button = ipywidgets.Button(description="Train")
        frame = ipywidgets.IntSlider(description="picture", min=0, value=0, continuous_update=False, style=wide)
        shown = ipywidgets.HTML()
        recording = None

        def run(_=None):
            nonlocal recording
            button.disabled, shown.value = True, "<p>Training …</p>"
            try:
                recording = None  # nothing is drawn while the slider gets its new end
                trained, = record(self.task, loss.value, experts.value, [seed.value])
                frame.max = frame.value = len(trained.epochs) - 1
                recording = trained
                show()
            finally:
                button.disabled = False

        def show(_=None):
            if recording is not None:
                shown.value = _frame_html(self.task, recording, frame.value, self.marks)

        run()
        frame.observe(show, "value")
        button.on_click(run)
        return ipywidgets.VBox([loss, experts, seed, button, frame, shown])


def _packed(recording):
    """A recording for a page: whole numbers, and of each weight its first one and then its changes."""
    weights = torch.cat([recording.experts, recording.gate], -1).flatten(1)  # an expert's line and its gate's row together
    whole = (weights / _RESOLUTION).round().long()
    changes = torch.cat([whole[:1], whole.diff(dim=0)])
    return {"epochs": recording.epochs.tolist(), "error": [round(value, 4) for value in recording.error.tolist()],
            "weights": changes.T.tolist(), "converged": recording.converged}


def _proportions(task, recording, frame):
    gate = recording.gate[frame]
    return mixing_proportions(gate_scores(task.train.x, gate[:, :2], gate[:, 2]))


def _regions(task, recording, frame, caption):
    """The gate's regions at one epoch, and the lines of the experts in use."""
    gate, experts = recording.gate[frame], recording.experts[frame]
    used = (_proportions(task, recording, frame).amax(0) > USED).nonzero()[:, 0].tolist()
    return plots.gate_regions(task.train, gate[:, :2], gate[:, 2],
                              lines={k: (experts[k, :2], experts[k, 2]) for k in used}, caption=caption)


def _frame_html(task, recording, frame, marks):
    """What one epoch looks like, and what can be said of it."""
    p = _proportions(task, recording, frame)
    effective = torch.special.entr(p).sum(-1).exp().mean().item()
    end = "at the criterion" if recording.converged else "without the criterion"
    said = (f"Epoch {int(recording.epochs[frame])} of {int(recording.epochs[-1])}, where the run ended {end}: mean squared "
            f"error {recording.error[frame]:.3f}, effective number of experts {effective:.2f}.")
    feet = foot_of_normal(recording.experts[: frame + 1, :, :2], recording.experts[: frame + 1, :, 2])
    points = {name: torch.tensor(point) for name, point in marks.items()}
    pictures = [_regions(task, recording, frame, "The gate's regions."), plots.trails(feet, points),
                plots.proportions(p.mean(0, keepdim=True), ["mean over the training cases"])]
    return f"<p>{said}</p>" + "".join(picture_html(picture) for picture in pictures)
