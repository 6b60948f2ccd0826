"""Adaptive mixtures of local experts (Jacobs, Jordan, Nowlan & Hinton, 1991), rebuilt step by step in PyTorch.

>>> from moe_tutorial import Mixture, vowel_task
>>> task = vowel_task()
>>> task
VowelTask: 400 training and 200 test cases, coding 'iy+ah', order 'file'
>>> o, p = Mixture(experts=4)(task.train.x)
>>> tuple(o.shape), tuple(p.shape)
((400, 4, 1), (400, 4))
"""

from . import experts, gate, mixture, plots, sound, vowels
from .experts import Experts, expert_outputs, foot_of_normal
from .gate import Gate, gate_line, gate_scores, mixing_proportions, switch
from .mixture import Mixture, blend, class_decisions
from .sound import Sounds, synthesise
from .vowels import load_vowels, vowel_task

__version__ = "0.1.0.dev0"

__all__ = [
    "Experts", "Gate", "Mixture", "Sounds",
    "blend", "class_decisions", "expert_outputs", "foot_of_normal", "gate_line", "gate_scores",
    "load_vowels", "mixing_proportions", "switch", "synthesise", "vowel_task",
    "experts", "gate", "mixture", "plots", "sound", "vowels",
]
