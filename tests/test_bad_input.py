"""Whatever is put into an argument of whatever is public: something natural comes out, or an error of the package says what.

Reflection finds what is public, so a new function needs a line in VALID, or a test fails and names it.
"""

import ast
import functools
import inspect
import io
import json
import math
import re
import warnings
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path

import numpy
import pytest
import torch
from api import every_entry
from matplotlib.figure import Figure
from test_plots import CELLS, EXPLORED, TRAIN, simulations

import moe_tutorial
from moe_tutorial import (
    Criterion,
    Mixture,
    Protocol,
    costs,
    exercises,
    load_cell,
    plots,
    recorded,
    shapes,
    toys,
    training,
    vowel_task,
    vowels,
)
from moe_tutorial.interactive import Interactive
from moe_tutorial.plots import Picture
from moe_tutorial.shapes import checked
from moe_tutorial.table1.comparison import HALF, PAPER
from moe_tutorial.table1.multiverse import READINGS

PUBLIC = {address: entry.value for address, entry in every_entry().items() if entry.kind != "data"}

f64 = torch.float64
N, D, M, K = 5, 2, 3, 4  # all different, so that what is in a wrong place does not fit
X = torch.linspace(0.1, 0.9, N * D, dtype=f64).reshape(N, D)
DESIRED = torch.nn.functional.one_hot(torch.arange(N) % M, M).double()
OUT = torch.linspace(0.1, 0.9, N * K * M, dtype=f64).reshape(N, K, M)
P = torch.full((N, K), 1 / K, dtype=f64)
LOSS = {"d": DESIRED, "o": OUT, "p": P}
GATE = {"weight": torch.ones(K, D, dtype=f64).cumsum(0), "bias": torch.ones(K, dtype=f64)}
NODES = {"weight": torch.ones(3, D, dtype=f64).cumsum(0), "bias": torch.ones(3, dtype=f64)}
TWO = {"weight": torch.ones(2, D, dtype=f64).cumsum(0), "bias": torch.ones(2, dtype=f64)}
ONES = torch.ones(3)
TOY = toys.absolute_value(4)
SYSTEM, QUICK = "4 experts", Protocol(epochs=2)
STORED = recorded.Recorded(recorded.Setting("mixture", 4, 0), torch.ones(3), {"stopped": 2, "converged": False})
SPARSE = dict(zip(("gate", "first", "second"), costs.random_mixture(K, inputs=D, hidden=3)))
CHOSEN = torch.tensor([[0, 1], [1, 2], [0, 3], [0, 1], [2, 0]])
COUNTS = torch.tensor([3, 0, 1, 2])
A_RING_RUN = moe_tutorial.train_on_ring(moe_tutorial.ROUTERS["top-k"](4, runs=2), seeds=(0, 1), steps=2, batch=8, look=1)
LAYER = {"x": X, "chosen": CHOSEN, "share": P[:, :2].contiguous(),
         **dict(zip(("first", "second"), moe_tutorial.random_experts(K, D, 6, M)))}
A_TASK = vowel_task()
EXERCISE, QUESTION = exercises.EXERCISES["line_between"], exercises.QUIZZES[1][0]


def arguments_of(record):
    """The arguments that make a record again."""
    return {one.name: getattr(record, one.name) for one in fields(record) if one.init}


def a_history():
    return moe_tutorial.train(Mixture(2, inputs=1, output="linear"), TOY.x, TOY.d, step_size=0.1, epochs=2)


A_LAYER = {"x": X, "chosen": CHOSEN, "share": P[:, :2].contiguous(), "first": torch.ones(K, D, 6, dtype=f64),
           "first_bias": torch.ones(K, 6, dtype=f64), "second": torch.ones(K, 6, M, dtype=f64),
           "second_bias": torch.ones(K, M, dtype=f64)}
SMALL = {"characters": 119, "hidden": 4, "inputs": 8, "length": 64}
LETTERS = moe_tutorial.Text(torch.arange(10).reshape(2, 5), torch.tensor([0, 1]), torch.zeros(2, 4, dtype=torch.int64),
                            tuple("?abcdefghi"), ("en", "de"), ("one",))


def a_knowledge():
    excerpts = torch.zeros(1, 2, 3, 4, dtype=torch.int64)
    return moe_tutorial.Knowledge(torch.zeros(2, 6, 4, dtype=torch.int64), torch.ones(2, 5), torch.ones(2, 7, 5), (0,),
                                  excerpts, excerpts)


# One valid call of everything: the arguments by name. Those of which only one can be given without a name have the name *.
VALID = {
    "exercises.check": lambda: {"name": "line_between", "answer": lambda weight, bias: weight[0]},
    "exercises.case": lambda: {"name": "line_between"},
    "exercises.hint": lambda: {"name": "line_between", "number": 1},
    "exercises.solution": lambda: {"name": "line_between"},
    "exercises.diagnose": lambda: {"exercise": EXERCISE, "answer": lambda weight, bias: weight[0]},
    "exercises.Wrong": lambda: {"answer": 1.0, "says": "no"},
    "exercises.Exercise": lambda: arguments_of(EXERCISE),
    "exercises.Question": lambda: arguments_of(QUESTION),
    "interactive.Interactive": dict,
    "interactive.EMStepByStep": lambda: {"task": "zigzag", "experts": 2, "seed": 3, "variance": 0.5, "learn_variance": True},
    "interactive.GateExplorer": lambda: {"cases": TRAIN, **GATE, "point": (0.5, 2.0)},
    "interactive.GrowATree": lambda: {"task": "grid", "seed": 1, "penalty": 0.1},
    "interactive.LossExplorer": lambda: {"d": 1.0, "o": [1.0, 2.0], "p": [0.5, 0.5], "variance": 1.0},
    "interactive.SortingOffice": lambda: {"router": "biases", "step": 1500, "factor": 1.25},
    "interactive.Prices": lambda: {"scores": torch.linspace(-1, 1, 8, dtype=f64).reshape(4, 2), "rate": 0.05, "wrong": True},
    "interactive.TrainItYourself": dict,
    "interactive.WhichExpert": lambda: {"seed": 1},
    "interactive.TrainingPlayer": lambda: {"task": A_TASK, "losses": ["mixture"], "experts": [4], "seeds": [0],
                                           "marks": {"X": torch.tensor([0.3, 0.1])}},
    "Tree": lambda: {"depth": 2, "inputs": 2, "outputs": 1, "output": "sigmoid", "seed": 0, "spread": 0.5},
    "Gates": lambda: {"paths": moe_tutorial.tree_paths(2), "inputs": 2, "runs": (3,)},
    "tree_paths": lambda: {"depth": 2},
    "leaf_proportions": lambda: {"scores": P[:, :3].contiguous(), "paths": moe_tutorial.tree_paths(2)},
    "node_responsibilities": lambda: {"h": P, "paths": moe_tutorial.tree_paths(2)},
    "class_decisions": lambda: {"y": OUT[:, 0], "d": DESIRED},
    "expert_outputs": lambda: {"x": X, "weight": torch.ones(K, M, D, dtype=f64), "bias": torch.ones(K, M, dtype=f64),
                               "output": "softmax"},
    "Experts": lambda: {"experts": K, "inputs": D, "outputs": M, "output": "softmax", "seed": 1, "spread": 0.5},
    "gate_scores": lambda: {"x": X, **GATE},
    "mixing_proportions": lambda: {"scores": OUT[..., 0]},
    "switch": lambda: {"p": P, "generator": torch.Generator().manual_seed(0)},
    "live": lambda: {"p": P, "above": 0.01},
    "effective_experts": lambda: {"p": P},
    "Gate": lambda: {"experts": K, "inputs": D, "runs": (2,)},
    "initial_weights": lambda: {"shape": (2, 3), "seed": 0, "spread": 0.5},
    "foot_of_normal": lambda: {"weight": GATE["weight"], "bias": GATE["bias"]},
    "gate_line": lambda: {**GATE, "i": 0, "j": 1},
    "cooperative_error": lambda: LOSS,
    "expected_error": lambda: LOSS,
    "mixture_nll": lambda: {**LOSS, "variance": 1.0},
    "responsibilities": lambda: {**LOSS, "variance": 1.0},
    "losses.cooperative_error_gradient": lambda: LOSS,
    "losses.expected_error_gradient": lambda: LOSS,
    "losses.mixture_nll_gradient": lambda: {**LOSS, "variance": 1.0},
    "blend": lambda: {"o": OUT, "p": P},
    "favourite_output": lambda: {"o": OUT, "p": P},
    "Mixture": lambda: {"experts": K, "inputs": D, "outputs": M, "output": "softmax", "seed": 1, "spread": 0.5},
    "BackpropagationNet": lambda: {"hidden": 6, "inputs": D, "outputs": M, "output": "softmax", "seed": 1, "spread": 0.5},
    "plots.model_diagram": lambda: {"caption": "c"},
    "plots.feet": lambda: {"lines": {"one": (ONES[:2], ONES[0])}, "caption": "c"},
    "plots.trails": lambda: {"feet": torch.rand(3, 2, 2), "marks": {"X": ONES[:2]}, "caption": "c"},
    "plots.plane": lambda: {"steps": 2},
    "plots.formant_plane": lambda: {"cases": TRAIN, "lines": {"one": (ONES[:2], ONES[0])}, "shade": torch.ones(4) / 2,
                                    "shade_label": "o", "caption": "c"},
    "plots.two_planes": lambda: {"left": TRAIN, "right": TRAIN, "titles": ("l", "r"), "caption": "c",
                                 "shades": (torch.rand(40000), None)},
    "plots.gate_regions": lambda: {"cases": TRAIN, **TWO, "lines": {0: (ONES[:2], ONES[0])},
                                   "blend": plots.plane()[:, 0], "caption": "c"},
    "plots.spectrum": lambda: {"samples": torch.rand(800), "formants": (300, 2000), "label": "[i]"},
    "plots.curves": lambda: {"x": torch.arange(1, 4), "series": {"one": ONES}, "xlabel": "x", "ylabel": "y", "caption": "c",
                             "points": True, "logarithmic": False},
    "plots.fits": lambda: {"x": X[:, :1], "d": X[:, :1], "panels": {"one": (OUT[..., :1], P)}, "caption": "c"},
    "plots.proportions": lambda: {"p": P[:2], "names": ["a", "b"], "caption": "c"},
    "plots.favourites": lambda: {"x": X, "panels": {"one": P}, "caption": "c"},
    "plots.tree_diagram": lambda: {"paths": moe_tutorial.tree_paths(1), "leaves": ("a", "b"), "gates": ("c",),
                                   "caption": "c"},
    "plots.vowel_map": lambda: {"means": {"i": [0.3, 2.4]}, "lines": {"one": ([1.0, 0.0], -0.5)}, "caption": "c"},
    "plots.shares": lambda: {"epochs": [0, 1, 2], "proportions": P[:3], "caption": "c"},
    "plots.forces": lambda: {"d": 1.0, "o": ONES, "by_loss": {"one": (1.0, ONES)}, "caption": "c"},
    "plots.densities": lambda: {"d": 1.0, "o": ONES, "p": [0.2, 0.3, 0.5], "variance": 1.0, "caption": "c"},
    "plots.Picture": lambda: {"figure": Figure(), "caption": "c", "description": "d"},
    "plots.node_cases": lambda: {"x": X, "h": P[:, 0], "lines": {"one": (ONES[:2], ONES[0])}, "labels": ("x", "y"),
                                 "caption": "c"},
    "plots.step_sizes": lambda: {"explorations": {SYSTEM: EXPLORED}, "caption": "c"},
    "plots.simulated_epochs": lambda: {"simulations": {SYSTEM: simulations([9, 12])}, "paper": PAPER, "caption": "c"},
    "plots.multiverse": lambda: {"cells": CELLS, "readings": dict(list(READINGS.items())[:2]), "half": HALF,
                                 "order": ("4 experts",), "caption": "c"},
    "RecordingError": dict,
    "recordings.Recordings": lambda: arguments_of(costs.RECORDINGS),
    "shapes.checked": lambda: {"function": lambda: None},
    "multiplications": lambda: {"experts": 4, "computed": 2, "inputs": 2, "hidden": 3},
    "random_mixture": lambda: {"experts": 4, "inputs": 2, "hidden": 3, "seed": 0},
    "blend_of_all": lambda: {"x": X, **SPARSE},
    "favourite_only": lambda: {"x": X, **SPARSE},
    "chosen_experts": lambda: {"scores": OUT[..., 0], "k": 2},
    "sparse_weights": lambda: {"scores": OUT[..., 0], "k": 2, "renormalise": False},
    "places": lambda: {"chosen": CHOSEN, "experts": K},
    "capacity": lambda: {"cases": 10, "experts": 4, "k": 2, "factor": 1.25},
    "random_experts": lambda: {"experts": K, "inputs": D, "hidden": 6, "outputs": M, "seed": 0},
    "compute_all": lambda: LAYER,
    "compute_by_masks": lambda: LAYER,
    "compute_in_groups": lambda: LAYER,
    "compute_in_buffers": lambda: {**LAYER, "room": 2},
    "compute_one_hot": lambda: {**LAYER, "room": 2},
    "load_saving": lambda: {"layer": "vowels", "recordings": None},
    "processes.exchange": lambda: {"parcels": [[X[:1], X[1:]], [X[:2], X[2:2]]], "lengths": [[1, 2], [4, 0]]},
    "processes.CountedExchange": lambda: {"through": moe_tutorial.processes.exchange, "rank": 0},
    "processes.compute_on_processes": lambda: {**{name: list(LAYER[name].split(3)) for name in ("x", "chosen", "share")},
                                               **{name: list(LAYER[name].split(2)) for name in ("first", "second")},
                                               "through": moe_tutorial.processes.CountedExchange()},
    "expert_counts": lambda: {"weights": P},
    "importance_loss": lambda: {"weights": P},
    "smooth_load": lambda: {"scores": OUT[..., 0], "noisy": OUT[..., 1], "spread": P, "k": 2},
    "load_loss": lambda: {"scores": OUT[..., 0], "noisy": OUT[..., 1], "spread": P, "k": 2},
    "switch_loss": lambda: {"scores": OUT[..., 0], "k": 2},
    "z_loss": lambda: {"scores": OUT[..., 0]},
    "update_bias": lambda: {"bias": GATE["bias"], "counts": COUNTS, "rate": 0.01},
    "cv_squared": lambda: {"counts": COUNTS},
    "max_over_mean": lambda: {"counts": COUNTS},
    "dead_experts": lambda: {"counts": COUNTS, "below": 0.1},
    "mutual_information": lambda: {"table": CHOSEN},
    "balanced_assignment": lambda: {"scores": OUT[..., 0]},
    "sinkhorn": lambda: {"scores": OUT[..., 0], "temperature": 0.5, "iterations": 3},
    "Router": lambda: {"experts": K, "k": 2, "runs": 2, "seed": 0},
    "RingRun": lambda: arguments_of(A_RING_RUN),
    "train_on_ring": lambda: {"router": moe_tutorial.ROUTERS["top-k"](4, runs=2), "uneven": True, "seeds": (0, 1),
                              "steps": 2, "batch": 8, "step_size": 0.05, "variance": None, "look": 1},
    "hash_table": lambda: {"kind": "balanced", "uneven": True, "experts": 4, "seeds": (0, 1)},
    "load_routers": lambda: {"uneven": True, "recordings": None},
    "plots.sorted_cases": lambda: {"x": X, "panels": {"one": [0, 1, 0, 1, 2]}, "caption": "c", "of": "expert"},
    "plots.sorting_office": lambda: {"x": X, "expert": torch.arange(N) % K, "served": torch.ones(N).bool(), "load": COUNTS,
                                     "dropped": torch.tensor([1, 0, 0, 0]), "room": 2, "caption": "c"},
    "plots.strips": lambda: {"panels": {"even": {"one": ONES}}, "xlabel": "x", "caption": "c"},
    "plots.pushes": lambda: {"by_loss": {"one": ONES}, "caption": "c"},
    "plots.coloured_text": lambda: {"pieces": {"en": "ab"}, "layers": {"layer 0": torch.tensor([[0, 1]])}, "caption": "c"},
    "plots.queues": lambda: {"chosen": CHOSEN, "places": moe_tutorial.places(CHOSEN, K), "experts": K, "room": 2,
                             "caption": "c"},
    "FeedForward": lambda: {"inputs": D, "hidden": 3},
    "MoELayer": lambda: {"inputs": D, "hidden": 3, "experts": K, "k": 2, "renormalise": True, "shared": 2},
    "Routed": lambda: {"chosen": CHOSEN, "p": P},
    "moe_outputs": lambda: A_LAYER,
    "LanguageModel": lambda: {**SMALL, "experts": K, "k": 2, "renormalise": True, "shared": 2, "blocks": 1, "heads": 2,
                              "distance": (1.0, 0.5), "frozen": True, "seed": 0},
    "ParameterCount": lambda: {"total": 10, "active": 4},
    "count_parameters": lambda: {"model": moe_tutorial.LanguageModel(**SMALL)},
    "character_losses": lambda: {"model": moe_tutorial.LanguageModel(**SMALL), "characters": LETTERS.characters,
                                 "choose": None},
    "LanguageHistory": lambda: {"moments": (0, 1), "losses": torch.ones(2, 3), "loads": torch.ones(2, 1, 4),
                                "characters": 64},
    "training_pieces": lambda: {"text": LETTERS, "cases": 3, "generator": torch.Generator().manual_seed(0)},
    "train_language_model": lambda: {"model": moe_tutorial.LanguageModel(**SMALL), "train": LETTERS, "test": LETTERS,
                                     "steps": 1, "cases": 2, "step_size": 0.001, "balance": "none", "seed": 0, "look": 1},
    "permuted_choices": lambda: {"seed": 0},
    "without_expert": lambda: {"expert": 1},
    "information": lambda: {"a": COUNTS, "b": COUNTS},
    "conditional_information": lambda: {"a": COUNTS, "b": COUNTS, "given": COUNTS},
    "shuffled_information": lambda: {"a": COUNTS, "b": COUNTS, "given": COUNTS, "seed": 0, "times": 2},
    "repetition": lambda: {"chosen": CHOSEN},
    "Knowledge": lambda: arguments_of(a_knowledge()),
    "knowledge_text": dict,
    "excerpt_text": dict,
    "load_knowledge": lambda: {"recordings": None},
    "load_language": lambda: {"recordings": None},
    "load_language_speed": lambda: {"recordings": None},
    "Text": lambda: arguments_of(LETTERS),
    "Handbook": lambda: {"train": LETTERS, "test": LETTERS},
    "TextError": dict,
    "grading.GradingError": dict, "grading.Interrupted": dict, "interactive.WatchItLearn": dict,
    "encode": lambda: {"text": "abc", "alphabet": ("a", "b")},
    "load_handbook": lambda: {"domains": ("en", "code"), "length": 64, "path": None},
    "costs.Sizes": lambda: arguments_of(costs.Sizes()),
    "costs.multiples": lambda: {"measured": {1: {"blend_of_all": 0.1, "favourite_only": 0.2}}},
    "load_costs": lambda: {"recordings": None},
    "table1.Claim": lambda: {"says": "a", "paper": "b", "ours": "c", "held": True},
    "t_test": lambda: {"one": torch.tensor([1.0, 2.0, 4.0]), "other": torch.tensor([1.0, 5.0])},
    "claims": lambda: {"replication": load_cell(Protocol())},
    "comparison.paper_fraction": dict,
    "load_multiverse": lambda: {"recordings": None},
    "load_cell": lambda: {"protocol": Protocol(), "recordings": None},
    "recorded.Setting": lambda: {"loss": "mixture", "experts": 4, "seed": 0, "every_epoch": False},
    "recorded.Simulated": lambda: {"name": SYSTEM},
    "table1.Recorded": lambda: arguments_of(STORED),
    "recorded.moments": lambda: {"stopped": 100, "frames": 40},
    "recorded.is_recorded": lambda: {"task": A_TASK},
    "table1.Fit": lambda: {"system": "tree", "size": 4, "seed": 0},
    "load_fit": lambda: {"system": "tree", "size": 4, "seed": 0},
    "load_trainings": dict,
    "load_training": lambda: {"loss": "mixture", "experts": 4, "seed": 0},
    "load_mixtures": lambda: {"experts": 4},
    "Protocol": lambda: arguments_of(Protocol()),
    "table1.Exploration": lambda: arguments_of(EXPLORED),
    "table1.Simulations": lambda: arguments_of(simulations([9, 12])),
    "Replication": lambda: arguments_of(load_cell(Protocol())),
    "replication.build": lambda: {"system": SYSTEM, "protocol": QUICK, "seeds": (0, 1)},
    "explore": lambda: {"system": SYSTEM, "protocol": QUICK, "step_sizes": (1.0, 2.0), "seeds": (100,)},
    "simulate": lambda: {"system": SYSTEM, "protocol": QUICK, "step_size": 1.0, "seeds": (0, 1)},
    "replicate": lambda: {"protocol": QUICK, "step_sizes": (1.0,), "seeds": (0,)},
    "sound.buzz": lambda: {"f0": 100, "seconds": 0.1},
    "sound.resonate": lambda: {"samples": torch.rand(50), "frequency": 500, "bandwidth": 60},
    "sound.spectrum": lambda: {"samples": torch.rand(50)},
    "synthesise": lambda: {"f0": 100, "formants": (500, 1500, 2500), "seconds": 0.1},
    "Sounds": lambda: {"sounds": {"a": torch.ones(16)}},
    "toys.Toy": lambda: arguments_of(TOY),
    "toys.absolute_value": lambda: {"cases": 4},
    "toys.zigzag": lambda: {"pieces": 2, "cases": 8, "noise": 0.1, "seed": 0},
    "toys.three_segments": lambda: {"cases": 9, "seed": 0},
    "arm.accelerations": lambda: {"angles": X, "speeds": X, "torques": X, "gravity": 9.81},
    "arm.ArmTask": lambda: arguments_of(moe_tutorial.arm_task(6, 5)),
    "arm_task": lambda: {"cases": 6, "test_cases": 5, "seed": 0},
    "toys.Ring": lambda: arguments_of(toys.ring(6)),
    "toys.ring": lambda: {"cases": 6, "uneven": True, "seed": 0, "draw": 1},
    "toys.four_regions": lambda: {"shift": 0.5, "cases": 8, "noise": 0.1, "seed": 0},
    "vowels.VowelTable": lambda: arguments_of(vowels.load_vowels()),
    "Cases": lambda: arguments_of(TRAIN),
    "vowels.VowelTask": lambda: arguments_of(A_TASK),
    "load_vowels": dict,
    "vowel_task": lambda: {"coding": "one-hot", "order": "random", "seed": 0, "repetitions": (1,), "vowels": ("iy", "ih"),
                           "formants": ("f1", "f2")},
    "Criterion": lambda: {"at": 0.1, "of": "blend"},
    "History": lambda: arguments_of(a_history()),
    "train": lambda: {"mixture": Mixture(2, inputs=1, output="linear"), "x": TOY.x, "d": TOY.d, "loss": "mixture",
                      "step_size": 0.1, "epochs": 2, "stop_at": None, "variance": 1.0, "learn_variance": False,
                      "record_every": 1},
    "em": lambda: {"mixture": Mixture(2, inputs=1, output="linear"), "x": TOY.x, "d": TOY.d, "iterations": 2,
                   "likelihood": "gaussian", "variance": 1.0, "learn_variance": True, "shared": True, "floor": 1e-4,
                   "penalty": 0.0, "gate_steps": 1, "stop_at": None, "record_every": 1},
    "training.bound": lambda: {**LOSS, "h": P, "variance": 1.0},
    "training.weighted_least_squares": lambda: {"x": X, "d": DESIRED, "h": P},
    "training.variance_step": lambda: {"d": DESIRED, "o": OUT, "h": P, "floor": 1e-4},
    "training.tree_gate_step": lambda: {"x": X, "h": P, **NODES, "paths": moe_tutorial.tree_paths(2), "steps": 2,
                                        "penalty": 0.1},
    "training.gate_step": lambda: {"x": X, "h": P, **GATE, "steps": 2, "penalty": 0.1},
    "training.Outcome": lambda: {"stopped": torch.tensor([1, 2]), "converged": torch.tensor([True, False])},
    "fast_train": lambda: {"model": Mixture(2, inputs=1), "x": TOY.x, "d": TOY.d, "step_size": 0.1, "epochs": 2,
                           "stop_at": None, "name": None},
}

# What recordings are made with. It is called by their mechanism with settings, its text is part of their version, and it
# takes minutes, or as long as it is told.
MAKERS = {"costs.seconds", "costs.measure", "costs.make_costs", "multiverse.make_cell", "recorded.make_training",
          "recorded.make_simulations"}

# Start processes, which takes seconds. What they refuse is in tests/test_processes.py and tests/test_grading.py.
LAUNCHES = {"processes.launch", "grading.grade"}

# The same for methods: the object, and the arguments.
METHODS = {
    "Experts.forward": lambda: (moe_tutorial.Experts(K), {"x": X}),
    "Gate.forward": lambda: (moe_tutorial.Gate(K), {"x": X}),
    "Mixture.forward": lambda: (Mixture(K), {"x": X}),
    "Gates.forward": lambda: (moe_tutorial.Gates(moe_tutorial.tree_paths(2)), {"x": X}),
    "Tree.forward": lambda: (moe_tutorial.Tree(2), {"x": X}),
    "Tree.blend": lambda: (moe_tutorial.Tree(2), {"x": X}),
    "Tree.split": lambda: (moe_tutorial.Tree(2), {"leaf": 1, "seed": 0, "spread": 0.5}),
    "Mixture.blend": lambda: (Mixture(K), {"x": X}),
    "BackpropagationNet.forward": lambda: (moe_tutorial.BackpropagationNet(6), {"x": X}),
    "recordings.Recordings.compute": lambda: (costs.RECORDINGS, {"workers": 0}),
    "Protocol.cases": lambda: (Protocol(order="random"), {"seeds": (0,)}),
    "Protocol.fits": lambda: (Protocol(), {"settings": {"order": "file"}}),
    "arm.ArmTask.relative_error": lambda: (moe_tutorial.arm_task(6, 5), {"y": torch.zeros(5, 4, dtype=f64)}),
    "FeedForward.forward": lambda: (moe_tutorial.FeedForward(D, 3).double(), {"x": X}),
    "MoELayer.forward": lambda: (moe_tutorial.MoELayer(D, 3, K).double(), {"x": X, "choose": None}),
    "LanguageModel.forward": lambda: (moe_tutorial.LanguageModel(**SMALL), {"characters": CHOSEN, "choose": None}),
    "Text.read": lambda: (LETTERS, {"piece": 1}),
    "Text.some": lambda: (LETTERS, {"each": 1, "seed": 0}),
    "Cases.only": lambda: (TRAIN, {"vowel": "iy"}),
    "Router.forward": lambda: (moe_tutorial.ROUTERS["noisy top-k"](K),
                               {"scores": OUT[..., 0], "x": X, "token": CHOSEN[:, 0].contiguous()}),
}
# Is called in every epoch, and so without checks, after `train` has checked its arguments; and what `forward` calls then.
UNCHECKED = {"Criterion.reached", "Router.route"}


def methods():
    """By address the public methods of public classes that take something."""
    return {f"{short(address)}.{name}" for address, value in PUBLIC.items() if isinstance(value, type)
            for name, method in vars(value).items()
            if inspect.isfunction(method) and not name.startswith("_") and len(inspect.signature(method).parameters) > 1}


def test_every_public_method_has_its_valid_call():
    assert methods() == METHODS.keys() | UNCHECKED


def short(address):
    return address.removeprefix("moe_tutorial.")


def test_everything_public_has_its_valid_call():
    assert {short(address) for address in PUBLIC} == VALID.keys() | MAKERS | LAUNCHES


def with_gradient(value):
    return value.clone().requires_grad_() if isinstance(value, torch.Tensor) and value.is_floating_point() else None


BAD = {
    "None": None, "a text": "abc", "an empty text": "", "texts": ["a", "b"], "bytes": b"ab", "an array": numpy.ones((2, 2)),
    "an array of whole numbers": numpy.arange(3), "an array of a text": numpy.array("a"), "an array of objects":
    numpy.array([None, {}], dtype=object), "True": True, "False": False, "complex": 1 + 2j,
    "a complex tensor": torch.ones(2, 2, dtype=torch.complex64), "whole numbers": torch.arange(4).reshape(2, 2),
    "half precision": torch.ones(2, 2, dtype=torch.float16), "single precision": torch.ones(2, 2),
    "truths": torch.ones(2, 2, dtype=torch.bool), "no dimensions": torch.tensor(1.0), "empty": torch.ones(0),
    "a sparse tensor": torch.eye(3).to_sparse(), "an empty list": [], "an empty dict": {}, "an empty tuple": (),
    "a dict": {"a": None}, "a dict of texts": {"a": "b"}, "a dict of tensors": {"a": torch.ones(3, 3)},
    "a dict of numbers": {1: 2}, "a set": {1, 2}, "NaN": math.nan, "infinity": math.inf,
    "one whole number": torch.tensor(3), "one truth": torch.tensor(True),
    "a tensor of NaN": torch.full((2, 2), math.nan), "a tensor of infinities": torch.full((2, 2), math.inf, dtype=f64),
    "-1": -1, "-1.5": -1.5, "0": 0, "0.0": 0.0, "2.5": 2.5, "huge": 10**30, "beyond every float": 10**400,
    "too many to hold": 2**62, "a large number": 1e300, "a tiny number": 5e-324,
    "large numbers": torch.full((2, 2), 1e300, dtype=f64),
    "a tensor of one dimension": torch.tensor([1.0, 2.0, 3.0]), "one of whole numbers": torch.tensor([3, 1]),
    "-1s": [-1, -1], "truths in a list": [True, False], "NaNs in a list": [math.nan, 1.0], "unequal rows": [[1], [1, 2]],
    "complex in a list": [1j, 2.0, 3.0], "huge in a list": [10**30, 1, 2], "Nones": [None, None], "numbers": [1.0, 2.0],
    "NaN among numbers": (math.nan, 1.0, 2.0), "three numbers": (1.0, 2.0, 3.0),
    "a folder that is not": "/nonexistent/folder", "a path": Path("/nonexistent/folder"), "an object": object(),
    "a function": lambda *_: None, "a complex array": numpy.array([1j, 2]),
    "a class": Mixture, "a numpy number": numpy.float64(2.0), "a numpy whole number": numpy.int64(2), "a range": range(3),
    "numbers one after another": (n for n in ()), "a module": plots, "a criterion": Criterion(),
    "a mixture": Mixture(2),
}


def shapes_of(value):
    """The same numbers in other shapes and with other numbers and types."""
    if not isinstance(value, torch.Tensor):
        return {}
    if value.numel() > 1000:  # of a picture's plane, which takes its time
        return {"too few": value[1:], "with a gradient": with_gradient(value), "infinite": value / 0}
    others = {"one dimension more": value[..., None], "in a run": value[None], "all in a row": value.reshape(-1),
              "twice as many": torch.cat([value, value], -1) if value.dim() else value[None],
              "with a gradient": with_gradient(value)}
    for place in range(value.dim()):
        others[f"one in place {place}"] = value.narrow(place, 0, 1)
        others[f"none in place {place}"] = value.narrow(place, 0, 0)
    if value.is_floating_point():
        others |= {"with NaN": torch.where(torch.arange(value.numel()).reshape(value.shape) == 0, math.nan, value),
                   "infinite": value / 0, "negative": -value, "huge": value * 1e300, "in half precision": value.half(),
                   "in another precision": value.float() if value.dtype == f64 else value.double()}
    return others


KINDS = (TypeError, ValueError, OverflowError, KeyError, IndexError, MemoryError)


@functools.cache
def raises_of(file):
    """The lines of a file of the package that a `raise` stands on."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {line for node in ast.walk(tree) if isinstance(node, ast.Raise)
            for line in range(node.lineno, node.end_lineno + 1)}


HOME = str(Path(moe_tutorial.__file__).parent)


def fault_of(error, argument, arguments):
    """What is wrong with an error, or None."""
    frame = error.__traceback__
    while frame.tb_next:
        frame = frame.tb_next
    file, line = frame.tb_frame.f_code.co_filename, frame.tb_lineno
    said = f"{type(error).__name__}: {str(error)[:150]}"
    if not isinstance(error, KINDS):
        return f"{said} ({Path(file).name}:{line})"
    if not file.startswith(HOME) or line not in raises_of(file):
        return f"a bare {said} ({Path(file).name}:{line})"
    # A shape that does not fit may be said of the argument that it does not fit to.
    named = [*(rf"\b{name}\b" for name in arguments), *SAID.get(argument, ())]
    if not any(re.search(name, str(error)) for name in named):
        return f"does not name {argument}: {said}"
    return None


# What else a message may call an argument.
SAID = {"name": ["no exercise is called"], "i": ["expert"], "j": ["expert"],
        "seeds": ["seed"], "explorations": ["system"], "simulations": ["system"],
        "by_loss": ["losses"], "step_sizes": ["step_size"],
        "x": ["weights of runs", "weight has shape"], "d": ["weights of runs"]}


def numbers_in(value):
    """The floating-point tensors of a result."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from numbers_in(one)
    elif isinstance(value, dict):
        yield from numbers_in(list(value.values()))
    elif isinstance(value, torch.nn.Module):
        yield from numbers_in(list(value.parameters()))


def look_at(result, draw=True):
    """Show a result as a notebook does."""
    repr(result), str(result)
    for name in ("_repr_html_", "_repr_mimebundle_"):
        if hasattr(result, name) and not isinstance(result, Picture | type):
            getattr(result, name)()
    if isinstance(result, Picture):
        assert not re.search(r"\b(nan|inf)\b", result.description), result.description
    if isinstance(result, Picture) and draw:
        result.figure.draw_without_rendering()
    if isinstance(result, Interactive):
        json.dumps(result.data(), allow_nan=False)
        assert result.widgets().children
    if hasattr(type(result), "__len__") and not (isinstance(result, torch.Tensor) and not result.dim()):
        len(result)
    for tensor in numbers_in(result):
        assert tensor.isfinite().all(), f"the result holds {tensor[~tensor.isfinite()][:3].tolist()}"


METHOD_CASES = [(name, argument) for name in METHODS for argument in METHODS[name]()[1]]
CASES = [(name, argument) for name in VALID for argument in VALID[name]()]


ABSTRACT = {"interactive.Interactive"}  # a subclass completes it


@pytest.mark.parametrize("name", [name for name in VALID if name not in ABSTRACT])
def test_the_valid_call_is_one(name):
    with redirect_stdout(io.StringIO()):
        look_at(PUBLIC[f"moe_tutorial.{name}"](**VALID[name]()))


@pytest.mark.parametrize(("name", "argument"), CASES, ids=lambda value: value)
def test_a_bad_value_is_refused_in_words(name, argument):
    try_all(name, argument, lambda: (PUBLIC[f"moe_tutorial.{name}"], VALID[name]()))


@pytest.mark.parametrize(("name", "argument"), METHOD_CASES, ids=lambda value: value)
def test_a_bad_value_is_refused_in_words_by_a_method(name, argument):
    def called():
        thing, arguments = METHODS[name]()
        method = getattr(thing, name.rpartition(".")[2])
        return (lambda vowel: method(vowel)) if name == "Cases.only" else method, arguments

    try_all(name, argument, called)


def try_all(name, argument, called):
    """Put every bad value into one argument, and say which outcomes are neither natural nor in words."""
    faults, values = {}, {**BAD, **shapes_of(called()[1][argument])}
    for what, value in values.items():
        call, arguments = called()
        arguments = {**arguments, argument: value}
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "run 0 diverged", RuntimeWarning)
            try:
                result = call(**arguments)
            except Exception as error:
                fault = fault_of(error, argument, arguments)
            else:
                try:
                    look_at(result, draw=what in BAD)
                    fault = None
                except Exception as error:
                    fault = f"accepted, and then {type(error).__name__}: {error}"
        if fault:
            faults[what] = fault
    assert not faults, "\n" + "\n".join(f"{what}: {fault}" for what, fault in faults.items())


@pytest.mark.parametrize(("number", "kind", "said"), [
    (1.0, TypeError, "number must be an int, got 1.0 (float)"), (True, TypeError, "number must be an int, got True (bool)"),
    ("1", TypeError, "number must be an int, got '1' (str)"), (0, ValueError, "number must be at least 1, got 0"),
    (3, ValueError, "there is no hint 3: 'line_between' has 2"), (10**30, ValueError, "number must be at most 1000000000"),
])
def test_the_number_of_a_hint_is_a_whole_one_that_there_is(number, kind, said):
    with pytest.raises(kind) as error:
        exercises.hint("line_between", number)
    assert said in str(error.value)


@checked
def scaled(x: shapes.Desired, by: shapes.Positive = 1.0, of: str = "", runs: tuple[int, ...] = ()) -> torch.Tensor:
    return x * by


def test_a_t_test_of_numbers_that_are_all_alike_is_refused():
    with pytest.raises(ValueError, match="a t test needs numbers of some spread, got one and other with the variances 0"):
        moe_tutorial.t_test(torch.ones(3), torch.full((2,), 2.0))


def test_the_outcome_of_a_single_run_shows_itself():
    assert repr(training.Outcome(torch.tensor(7), torch.tensor(True))) == "Outcome: 1 of 1 run converged"


def test_more_memory_than_there_is_is_said():
    @checked
    def large(cases: shapes.Count) -> torch.Tensor:
        return torch.empty(cases, 10**6, dtype=f64)

    with pytest.raises(MemoryError, match="large: .*you tried to allocate 800000000000000 bytes"):
        large(10**8)


def test_annotations_beside_the_function_take_the_place_of_its_own():
    def held(x, kind: int = 1):
        return x

    call = checked(held, x=shapes.Count, kind=str)
    assert call(2, "a") == 2
    for arguments, said in (((0,), "x must be at least 1"), ((1, 1), "kind must be a text, got 1 (int)")):
        with pytest.raises((TypeError, ValueError), match=re.escape(said)):
            call(*arguments)


def test_a_number_of_several_where_one_is_wanted_is_not_spread():
    """A tensor of two steps for two runs would be spread over them, or over inputs, without a word."""
    for value in (torch.tensor([1.0, 2.0]), torch.tensor(1.0), numpy.ones(2)):
        with pytest.raises(TypeError, match="by must be a number, got"):
            scaled(X, value)
