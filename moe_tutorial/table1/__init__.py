"""The experiment of 1991: Table 1 run again, under every unstated choice, what is said of it, and the stored trainings."""

from .comparison import HALF, PAPER, Claim, claims, t_test
from .multiverse import CELLS, ELSEWHERE, READINGS, load_cell, load_multiverse
from .recorded import Recorded, load_mixtures, load_training, load_trainings
from .replication import (
    MIXTURES,
    NETS,
    SEEDS,
    STEP_SIZES,
    SYSTEMS,
    Exploration,
    Protocol,
    Replication,
    Simulations,
    explore,
    replicate,
    simulate,
)

__all__ = [
    "CELLS", "Claim", "ELSEWHERE", "Exploration", "HALF", "MIXTURES", "NETS", "PAPER", "Protocol", "READINGS", "Recorded",
    "Replication", "SEEDS", "STEP_SIZES", "SYSTEMS", "Simulations", "claims", "explore", "load_cell", "load_mixtures",
    "load_multiverse", "load_training", "load_trainings", "replicate", "simulate", "t_test",
]
