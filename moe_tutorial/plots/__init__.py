"""Every picture of the course, each with a caption and with a sentence that describes it from its data.

The functions take plain tensors (an array or a list will do), cases and results, and return a `Picture`. The plane of the
formants has the same axes and limits everywhere; an expert has the same colour and line style everywhere, and its number
beside it.
"""

from .balance import sorted_cases, sorting_office, strips
from .diagram import model_diagram
from .figure3 import feet, trails
from .formants import F1_LIMITS, F2_LIMITS, VOWEL_MARKERS, formant_plane, gate_regions, plane, two_planes
from .graphs import curves, fits, proportions, shares, spectrum
from .losses import densities, forces
from .picture import EXPERT_COLOURS, EXPERT_STYLES, Picture
from .sparse import pushes, queues
from .table1 import SYSTEM_STYLES, multiverse, simulated_epochs, step_sizes
from .text import coloured_text
from .trees import favourites, node_cases, tree_diagram, vowel_map

__all__ = [
    "EXPERT_COLOURS", "EXPERT_STYLES", "F1_LIMITS", "F2_LIMITS", "Picture", "SYSTEM_STYLES", "VOWEL_MARKERS",
    "coloured_text", "curves", "densities", "favourites", "feet", "fits", "forces", "formant_plane", "gate_regions",
    "model_diagram", "multiverse", "node_cases", "plane", "proportions", "pushes", "queues", "shares", "simulated_epochs",
    "sorted_cases", "sorting_office", "spectrum", "step_sizes", "strips", "trails", "tree_diagram", "two_planes",
    "vowel_map",
]
