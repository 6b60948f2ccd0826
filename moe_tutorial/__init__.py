"""Adaptive mixtures of local experts (Jacobs, Jordan, Nowlan & Hinton, 1991), rebuilt step by step in PyTorch.

>>> from moe_tutorial import Mixture, vowel_task
>>> task = vowel_task()
>>> task
VowelTask: 400 training and 200 test cases, coding 'iy+ah', order 'file'
>>> o, p = Mixture(experts=4)(task.train.x)
>>> tuple(o.shape), tuple(p.shape)
((400, 4, 1), (400, 4))
"""

from . import (
    comparison,
    costs,
    engine,
    experts,
    gate,
    interactive,
    losses,
    mixture,
    multiverse,
    networks,
    plots,
    recorded,
    recordings,
    replication,
    sound,
    toys,
    training,
    vowels,
)
from .comparison import claims, t_test
from .costs import load_costs
from .engine import fast_train
from .experts import Experts, expert_outputs, foot_of_normal
from .gate import Gate, gate_line, gate_scores, mixing_proportions, switch
from .losses import cooperative_error, expected_error, mixture_nll, responsibilities
from .mixture import Mixture, blend, class_decisions, favourite_output
from .multiverse import load_cell, load_multiverse
from .networks import BackpropagationNet
from .recorded import load_mixtures, load_training, load_trainings
from .recordings import RecordingError
from .replication import Protocol, explore, replicate, simulate
from .sound import Sounds, synthesise
from .training import History, train
from .vowels import load_vowels, vowel_task

__version__ = "0.1.0"

__all__ = [
    "BackpropagationNet", "Experts", "Gate", "History", "Mixture", "Protocol", "RecordingError", "Sounds", "blend",
    "claims", "class_decisions", "cooperative_error", "expected_error", "expert_outputs", "explore", "fast_train",
    "favourite_output", "foot_of_normal", "gate_line", "gate_scores", "load_cell", "load_costs", "load_mixtures",
    "load_multiverse", "load_training", "load_trainings", "load_vowels", "mixing_proportions", "mixture_nll",
    "replicate", "responsibilities",
    "simulate", "switch", "synthesise", "t_test", "train", "vowel_task",
    "comparison", "costs", "engine", "experts", "gate", "interactive", "losses", "mixture", "multiverse", "networks",
    "plots", "recorded", "recordings", "replication", "sound", "toys", "training", "vowels",
]
