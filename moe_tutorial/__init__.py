"""Adaptive mixtures of local experts (Jacobs, Jordan, Nowlan & Hinton, 1991), rebuilt step by step in PyTorch.

>>> from moe_tutorial import Mixture, vowel_task
>>> task = vowel_task()
>>> task
VowelTask: 400 training and 200 test cases, coding 'iy+ah', order 'file'
>>> o, p = Mixture(experts=4)(task.train.x)
>>> tuple(o.shape), tuple(p.shape)
((400, 4, 1), (400, 4))
"""

import sys

from . import interactive, plots, processes, recordings, training
from .language import (
    FeedForward,
    Knowledge,
    LanguageHistory,
    LanguageModel,
    MoELayer,
    ParameterCount,
    Routed,
    character_losses,
    conditional_information,
    count_parameters,
    excerpt_text,
    information,
    knowledge_text,
    load_knowledge,
    load_language,
    load_language_speed,
    moe_outputs,
    permuted_choices,
    repetition,
    shuffled_information,
    train_language_model,
    training_pieces,
    without_expert,
)
from .model import (
    BackpropagationNet,
    Experts,
    Gate,
    Gates,
    Mixture,
    Tree,
    blend,
    class_decisions,
    cooperative_error,
    effective_experts,
    expected_error,
    expert_outputs,
    experts,
    favourite_output,
    foot_of_normal,
    gate,
    gate_line,
    gate_scores,
    initial_weights,
    leaf_proportions,
    live,
    losses,
    mixing_proportions,
    mixture,
    mixture_nll,
    networks,
    node_responsibilities,
    responsibilities,
    switch,
    tree_paths,
)
from .recordings import RecordingError
from .sparse import (
    ROUTERS,
    RingRun,
    Router,
    balanced_assignment,
    blend_of_all,
    capacity,
    chosen_experts,
    compute_all,
    compute_by_masks,
    compute_in_buffers,
    compute_in_groups,
    compute_one_hot,
    costs,
    cv_squared,
    dead_experts,
    expert_counts,
    favourite_only,
    hash_table,
    importance_loss,
    load_costs,
    load_loss,
    load_routers,
    load_saving,
    max_over_mean,
    multiplications,
    mutual_information,
    places,
    random_experts,
    random_mixture,
    sinkhorn,
    smooth_load,
    sparse_weights,
    switch_loss,
    train_on_ring,
    update_bias,
    z_loss,
)
from .table1 import (
    Protocol,
    Replication,
    claims,
    comparison,
    explore,
    load_cell,
    load_fit,
    load_mixtures,
    load_multiverse,
    load_training,
    load_trainings,
    multiverse,
    recorded,
    replicate,
    replication,
    simulate,
    t_test,
)
from .tasks import (
    Cases,
    Handbook,
    Sounds,
    Text,
    TextError,
    arm,
    arm_task,
    encode,
    load_handbook,
    load_vowels,
    sound,
    synthesise,
    toys,
    vowel_task,
    vowels,
)
from .training import Criterion, History, em, engine, fast_train, train

__version__ = "0.1.0"

# Modules that a reader may know by these addresses: `from moe_tutorial.losses import mixture_nll`.
for module in (arm, comparison, costs, engine, experts, gate, losses, mixture, multiverse, networks, recorded, replication,
               sound, toys, vowels):
    sys.modules[f"{__name__}.{module.__name__.rsplit('.', 1)[1]}"] = module
del module, sys

__all__ = [
    # model
    "BackpropagationNet", "Experts", "Gate", "Gates", "Mixture", "Tree", "blend", "class_decisions", "cooperative_error",
    "effective_experts", "expected_error", "expert_outputs", "favourite_output", "foot_of_normal", "gate_line",
    "gate_scores", "initial_weights", "leaf_proportions", "live", "mixing_proportions", "mixture_nll",
    "node_responsibilities", "responsibilities", "switch", "tree_paths",
    # tasks
    "Cases", "Handbook", "Sounds", "Text", "TextError", "arm_task", "encode", "load_handbook", "load_vowels", "synthesise",
    "vowel_task",
    # training
    "Criterion", "History", "em", "fast_train", "train",
    # table1
    "Protocol", "Replication", "claims", "explore", "load_cell", "load_fit", "load_mixtures", "load_multiverse",
    "load_training", "load_trainings", "replicate", "simulate", "t_test",
    # sparse
    "ROUTERS", "RingRun", "Router", "balanced_assignment", "blend_of_all", "capacity", "chosen_experts", "compute_all",
    "compute_by_masks", "compute_in_buffers", "compute_in_groups", "compute_one_hot", "cv_squared", "dead_experts",
    "expert_counts", "favourite_only", "hash_table", "importance_loss", "load_costs", "load_loss", "load_routers",
    "load_saving", "max_over_mean", "multiplications", "mutual_information", "places", "random_experts",
    "random_mixture", "sinkhorn", "smooth_load", "sparse_weights", "switch_loss", "train_on_ring", "update_bias",
    "z_loss",
    # language
    "FeedForward", "Knowledge", "LanguageHistory", "LanguageModel", "MoELayer", "ParameterCount", "Routed",
    "character_losses", "conditional_information", "count_parameters", "excerpt_text", "information", "knowledge_text",
    "load_knowledge", "load_language", "load_language_speed", "moe_outputs", "permuted_choices", "repetition",
    "shuffled_information", "train_language_model", "training_pieces", "without_expert",
    # recordings
    "RecordingError",
    # modules
    "arm", "comparison", "costs", "engine", "experts", "gate", "interactive", "losses", "mixture", "multiverse", "networks",
    "plots", "processes", "recorded", "recordings", "replication", "sound", "toys", "training", "vowels",
]
