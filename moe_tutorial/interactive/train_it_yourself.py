"""Train it yourself: the 1991 model on the vowels, trained in the reader's browser; of chapter 7 and a page of its own."""

import functools
from typing import Any

import torch

from .. import plots
from ..model.decisions import class_decisions
from ..model.gate import LIVE, live
from ..model.initial import SPREAD
from ..model.mixture import Mixture
from ..model.networks import BackpropagationNet
from ..table1.multiverse import load_cell
from ..table1.recorded import CRITERION, is_recorded, load_training
from ..table1.replication import STEP_SIZES, Protocol
from ..tasks.vowels import CODINGS, vowel_task
from ..training.descent import train
from ..training.engine import Outcome, fast_train
from ._interactive import LOSSES, Interactive, cases_data, style

_STEP_SIZES = STEP_SIZES[:-1]
_VARIANCES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_SPEEDS = (1, 5, 20, 100)
_EXPERTS = range(2, 9)
_EPOCHS, _HIDDEN = 5000, 6
# The settings to begin with. This seed's run hardly depends on the last bits, so that it ends the same on every machine.
_BEGIN: dict[str, Any] = {"experts": 4, "loss": "mixture", "step": 20.0, "variance": 1.0, "coding": "iy+ah", "seed": 3,
                          "speed": 5}


class TrainItYourself(Interactive):
    """Training in front of the reader: a mixture and, beside it, a backpropagation network, on the task of section 3.

    The page face computes the initial weights and the epochs itself, as `train` and `fast_train` do, in float64. The
    reader chooses the number of experts, the loss, the step size, the variance, the target coding and the seed.
    """

    name, title = "train-it-yourself", "Train it yourself"
    shared = "shared.js", "shared_vowels.js"
    invitation = "choose a loss, a step size and a seed, and train a mixture and a network on the vowels."

    def __init__(self):
        self.tasks = {coding: vowel_task(coding) for coding in CODINGS}

    def data(self):
        data = vowels_data(self.tasks[_BEGIN["coding"]])
        codings = [[name, words, [targets[vowel] for vowel in data["names"]]] for name, (targets, words) in CODINGS.items()]
        return {
            **data, "codings": codings, "losses": list(LOSSES.items()), "steps": _STEP_SIZES, "variances": _VARIANCES,
            "experts": list(_EXPERTS), "speeds": _SPEEDS, "criterion": CRITERION, "epochs": _EPOCHS, "hidden": _HIDDEN,
            "spread": SPREAD, "live": LIVE, "begin": _BEGIN,
        }

    @functools.cached_property
    def _still(self):
        task, seed, step_size = (self.tasks[_BEGIN["coding"]], _BEGIN["seed"], _BEGIN["step"])
        if is_recorded(task):
            recorded = load_training(_BEGIN["loss"], experts=_BEGIN["experts"], seed=seed)
            error, mixture = recorded.error, recorded.history
            runs = load_cell(Protocol()).simulations["BP 6 hidden"]  # with the step size 20, too
            network = Outcome(runs.stopped[seed], runs.converged[seed])
        else:
            *_, mixture, network = _race(task, *(_BEGIN[name] for name in ("experts", "loss", "step", "variance", "seed")))
            error = mixture.squared_error[:, 0]
        return _curve(error, f"A mixture of {_BEGIN['experts']} experts, trained with eq. 1.3 and step size {step_size:g} "
                      f"from seed {seed}, {_end(mixture)}. A network with {_HIDDEN} hidden units {_end(network)}.")

    def still(self):
        return self._still

    def widgets(self):
        from ._widgets import Panel, button, choice, seed_field

        experts = choice("experts", _EXPERTS, _BEGIN["experts"])
        loss = choice("loss", [(words, name) for name, words in LOSSES.items()], _BEGIN["loss"])
        step_size = choice("step size ε", [(f"{value:g}", value) for value in _STEP_SIZES], _BEGIN["step"])
        variance = choice("variance of eq. 1.3", [(f"{value:g}", value) for value in _VARIANCES], _BEGIN["variance"])
        coding = choice("targets", [(words, name) for name, (_, words) in CODINGS.items()], _BEGIN["coding"])
        seed, train = seed_field(_BEGIN["seed"]), button("Train")
        panel = Panel(experts, loss, step_size, variance, coding, seed, train)
        panel.show(f"<p>The button trains until the mean squared error is at most {CRITERION:g}, at most {_EPOCHS} epochs. "
                   "This takes some seconds.</p>")

        def run():
            panel.show(*_trained(self.tasks[coding.value], experts.value, loss.value, step_size.value,
                                 variance.value if loss.value == "mixture" else 1.0, seed.value))

        def chosen():
            variance.disabled = loss.value != "mixture"

        panel.on_move(chosen, loss)
        panel.on_press(run, train, meanwhile="Training …")
        return panel.box


def _race(task, experts, loss, step_size, variance, seed):
    """Train a mixture and a network with the package: both, and how they ended."""
    x, d = task.train.x, task.train.d
    mixture = Mixture(experts, outputs=d.shape[-1], seed=seed)
    network = BackpropagationNet(_HIDDEN, outputs=d.shape[-1], seed=seed)
    until = {"step_size": step_size, "epochs": _EPOCHS, "stop_at": CRITERION}
    return mixture, network, train(mixture, x, d, loss, variance=variance, **until), fast_train(network, x, d, **until)


def _trained(task, *settings):
    """What `_race` gave, in words and pictures."""
    mixture, network, history, outcome = _race(task, *settings)
    with torch.no_grad():
        said = [f"The mixture {_end(history)}; {_right(mixture.blend, task)}.",
                f"The network {_end(outcome)}; {_right(network, task)}."]
    pictures = [regions(task, mixture), _curve(history.squared_error[:, 0], "The mixture's error over the epochs.")]
    return [*(f"<p>{sentence}</p>" for sentence in said), *pictures]


def _end(training):
    """How a training ended, from its `History` or `Outcome`."""
    words = "reached the criterion after" if training.converged else "has not reached the criterion in"
    return f"{words} {int(training.stopped)} epochs"


def _right(outputs, task):
    train, test = (class_decisions(outputs(cases.x), cases.d).double().mean().item() for cases in (task.train, task.test))
    return f"right: {100 * train:.1f} % of the training and {100 * test:.1f} % of the test cases"


def _curve(error, caption):
    """The error after each epoch, from 0 to the last."""
    curves = {"mixture": error, f"criterion {CRITERION:g}": torch.full_like(error, CRITERION)}
    return plots.curves(torch.arange(len(error)), curves, "epoch", "mean squared error", caption)


def vowels_data(task):
    """The cases of the task of section 3 for `shared_vowels.js`."""
    names = cases_data(task.train)["names"]
    place = {vowel: str(at) for at, vowel in enumerate(names)}
    x = torch.cat([task.train.x, task.test.x])
    # In Hz, because a division by 1000 gives the script the same numbers to the last bit.
    f1, f2 = ([round(1000 * value, 6) for value in formant] for formant in x.T.tolist())
    return {"style": style(), "names": names, "f1": f1, "f2": f2, "training": len(task.train),
            "vowel": "".join(place[vowel] for cases in (task.train, task.test) for vowel in cases.vowel)}


def regions(task, mixture, caption="The gate's regions: in each, one expert has the largest proportion."):
    """The gate's regions, and with one output the lines of the live experts and where the blend is 0.5."""
    weight, bias, v, c = (parameter.detach() for parameter in mixture.parameters())
    if weight.shape[-2] > 1:
        return plots.gate_regions(task.train, v, c, caption=caption)
    with torch.no_grad():
        alive = live(mixture.gate(task.train.x)).nonzero()[:, 0].tolist()
        return plots.gate_regions(task.train, v, c, lines={k: (weight[k, 0], bias[k, 0]) for k in alive},
                                  blend=mixture.blend(plots.plane()), caption=caption)
