"""Interactives that work in the rendered page without a kernel, and with one compute with the package.

Each is one object with two faces: see `Interactive`. Its script is the file beside it of the same name; what the scripts
share is in `shared.js`, what those of EM share besides in `shared_em.js`, and what those that train on the vowels share in
`shared_vowels.js`.
"""

from ._interactive import Interactive
from .em_step_by_step import EMStepByStep
from .gate_explorer import GateExplorer
from .grow_a_tree import GrowATree
from .loss_explorer import LossExplorer
from .prices import Prices
from .sorting_office import SortingOffice
from .train_it_yourself import TrainItYourself
from .training_player import TrainingPlayer
from .watch_it_learn import WatchItLearn
from .which_expert import WhichExpert

__all__ = ["EMStepByStep", "GateExplorer", "GrowATree", "Interactive", "LossExplorer", "Prices", "SortingOffice",
           "TrainItYourself", "TrainingPlayer", "WatchItLearn", "WhichExpert"]
