"""The experiment of 1991: Table 1 run again, under every unstated choice, what is said of it, and the stored trainings."""

from .comparison import Claim, claims, t_test
from .multiverse import load_cell, load_multiverse
from .recorded import Recorded, load_mixtures, load_training, load_trainings
from .replication import Exploration, Protocol, Replication, Simulations, explore, replicate, simulate

__all__ = [
    "Claim", "Exploration", "Protocol", "Recorded", "Replication", "Simulations", "claims", "explore", "load_cell",
    "load_mixtures", "load_multiverse", "load_training", "load_trainings", "replicate", "simulate", "t_test",
]
