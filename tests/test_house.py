"""The house stands: imports run one way, every name has its address, and no room is too full."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from execute import ROOT

import moe_tutorial

# What readers, exercises and forks import from the root. Names are added here, and none goes.
NAMES = """
BackpropagationNet Experts Gate History Mixture Protocol RecordingError Sounds blend claims class_decisions cooperative_error
expected_error expert_outputs explore fast_train favourite_output foot_of_normal gate_line gate_scores load_cell load_costs
load_mixtures load_multiverse load_training load_trainings load_vowels mixing_proportions mixture_nll replicate
responsibilities simulate switch synthesise t_test train vowel_task
Cases Criterion Replication blend_of_all effective_experts em favourite_only initial_weights live multiplications
random_mixture Gates Tree leaf_proportions node_responsibilities tree_paths arm_task load_fit arm
capacity chosen_experts compute_all compute_by_masks compute_in_buffers compute_in_groups compute_one_hot load_saving
places random_experts sparse_weights
ROUTERS RingRun Router balanced_assignment cv_squared dead_experts expert_counts hash_table importance_loss load_loss
load_routers max_over_mean mutual_information sinkhorn smooth_load switch_loss train_on_ring update_bias z_loss
FeedForward Knowledge LanguageHistory LanguageModel MoELayer ParameterCount Routed character_losses
conditional_information count_parameters excerpt_text information knowledge_text load_knowledge load_language
load_language_speed moe_outputs permuted_choices repetition shuffled_information train_language_model training_pieces
without_expert Handbook Text TextError encode load_handbook
comparison costs engine experts gate interactive losses mixture multiverse networks plots processes recorded recordings
replication sound toys training vowels
""".split()

# Modules by the addresses that they had before there were rooms, and something that each holds.
ADDRESSES = {
    "comparison": "PAPER", "costs": "multiplications", "engine": "fast_train", "experts": "expert_outputs", "gate": "switch",
    "losses": "mixture_nll_gradient", "mixture": "blend", "multiverse": "READINGS", "networks": "BackpropagationNet",
    "recorded": "load_training", "replication": "SYSTEMS", "sound": "synthesise", "toys": "absolute_value",
    "training": "train", "vowels": "SYMBOLS",
}


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_is_in_the_root(name):
    assert name in moe_tutorial.__all__ and hasattr(moe_tutorial, name)


def test_the_root_has_no_other_names_than_these():
    assert sorted(moe_tutorial.__all__) == sorted(NAMES)


@pytest.mark.parametrize("module", ADDRESSES)
def test_a_module_is_still_at_the_address_of_before(module):
    assert hasattr(importlib.import_module(f"moe_tutorial.{module}"), ADDRESSES[module])


def test_what_a_room_exports_it_has():
    for room in ("model", "tasks", "training", "table1", "language", "sparse", "processes", "plots", "interactive",
                 "exercises", "grading"):
        module = importlib.import_module(f"moe_tutorial.{room}")
        assert module.__doc__ and all(hasattr(module, name) for name in module.__all__), room


def test_imports_run_one_way():
    """The contracts are in pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_file_of_the_package_is_longer_than_300_lines():
    files = sorted((ROOT / "moe_tutorial").rglob("*.py"))
    long = {path.name: lines for path in files if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300}
    assert files and not long


def test_the_package_says_that_it_has_types():
    assert (ROOT / "moe_tutorial" / "py.typed").is_file()
