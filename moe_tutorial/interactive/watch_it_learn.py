"""Watch it learn: the 1991 model divides four vowels among its experts, on one press; of the welcome page."""

import torch

from ..model.decisions import class_decisions
from ..model.gate import LIVE
from ..model.initial import SPREAD
from ..model.mixture import Mixture
from ..table1.recorded import CRITERION, EPOCHS, STEP_SIZE_OF, load_training
from ..tasks.vowels import CODINGS, SYMBOLS, vowel_task
from ..training.descent import train
from ._interactive import Interactive
from .train_it_yourself import regions, vowels_data

_EXPERTS, _SEED, _PACE = 4, 3, 120  # epochs a second


class WatchItLearn(Interactive):
    """The paper's mixture of four experts learning the vowels of section 3 with eq. 1.3, on one press and without settings.

    The page face trains as *Train it yourself* does. It runs until the criterion, about a dozen seconds, and says in a
    sentence whom the gate calls for which vowels. Each further press begins from another seed.
    """

    name, title = "watch-it-learn", "Four experts, one gate, four vowels"
    invitation = "press, and watch them learn."
    shared = "shared.js", "shared_vowels.js"

    def data(self):
        data, (targets, _) = vowels_data(vowel_task()), CODINGS["iy+ah"]
        return {
            **data, "targets": [targets[vowel] for vowel in data["names"]], "experts": _EXPERTS, "seed": _SEED,
            "seeds": list(range(10)), "step": STEP_SIZE_OF["mixture"], "criterion": CRITERION, "epochs": EPOCHS,
            "spread": SPREAD, "live": LIVE, "pace": _PACE,
        }

    def still(self):
        history = load_training("mixture", experts=_EXPERTS, seed=_SEED).history
        mixture = Mixture(_EXPERTS, seed=_SEED)
        mixture.load_state_dict({name: weight[-1, 0] for name, weight in history.weights.items()})
        return regions(vowel_task(), mixture, f"After {int(history.stopped)} epochs of learning {_division(mixture)}.")

    def widgets(self):
        from ._widgets import Panel, button, seed_field

        seed, learn = seed_field(_SEED), button("Watch them learn")
        panel = Panel(seed, learn)

        def run():
            task, mixture = vowel_task(), Mixture(_EXPERTS, seed=seed.value)
            history = train(mixture, task.train.x, task.train.d, "mixture", step_size=STEP_SIZE_OF["mixture"], epochs=EPOCHS,
                            stop_at=CRITERION)
            with torch.no_grad():
                right = class_decisions(mixture.blend(task.test.x), task.test.d).double().mean().item()
            panel.show(f"<p>After {int(history.stopped)} epochs {_division(mixture)}. Of the vowels of other voices "
                       f"{100 * right:.1f} % are right.</p>", regions(task, mixture))

        panel.on_press(run, learn, meanwhile="Training …")
        return panel.box


def _division(mixture):
    """Which expert has the largest proportion on most training cases of which vowel, in words."""
    cases = vowel_task().train
    with torch.no_grad():
        favourite = mixture.gate(cases.x).argmax(-1)
    kinds = dict.fromkeys(cases.vowel)
    most = {vowel: int(favourite[[kind == vowel for kind in cases.vowel]].mode().values) for vowel in kinds}
    said = [f"expert {k} has the largest proportion for {' and '.join(f'[{SYMBOLS[v]}]' for v in kinds if most[v] == k)}"
            for k in sorted(set(most.values()))]
    idle = [str(k) for k in range(_EXPERTS) if k not in most.values()]
    return ", ".join(said) + (f", and expert {' and '.join(idle)} for none" if idle else "")
