"""The model of 1991: experts, gate and mixture, the losses, and the networks that it is compared with.

Pure functions and small modules. Any leading "runs" dimension is carried through.
"""

from .decisions import class_decisions
from .experts import Experts, expert_outputs
from .gate import Gate, effective_experts, gate_scores, live, mixing_proportions, switch
from .initial import initial_weights
from .lines import foot_of_normal, gate_line
from .losses import cooperative_error, expected_error, mixture_nll, responsibilities
from .mixture import Mixture, blend, favourite_output
from .networks import BackpropagationNet
from .tree import Gates, Tree, leaf_proportions, node_responsibilities, tree_paths

__all__ = [
    "BackpropagationNet", "Experts", "Gate", "Gates", "Mixture", "Tree", "blend", "class_decisions", "cooperative_error",
    "effective_experts", "expected_error", "expert_outputs", "favourite_output", "foot_of_normal", "gate_line",
    "gate_scores", "initial_weights", "leaf_proportions", "live", "mixing_proportions", "mixture_nll",
    "node_responsibilities", "responsibilities", "switch", "tree_paths",
]
