"""What holds for all tests: nbval compares pictures, sounds and metadata as well; the longest come first; what failed can be
run alone with the command that is printed."""

import shlex

import pytest
import torch
from compare import differences
from execute import run_time
from nbval.plugin import IPyNbCell, IPyNbFile

# The files that take longest, after the notebooks; the others follow as they come.
LONGEST = ["test_book", "test_axe", "test_predict", "test_train_it_yourself", "test_training_player", "test_engine",
           "test_interactive", "test_pdf", "test_loss_explorer", "test_em_step_by_step", "test_grow_a_tree",
           "test_sorting_office", "test_recordings", "test_bad_input", "test_processes", "test_which_expert", "test_prices",
           "test_grading", "test_glossary", "test_way", "test_korean", "test_exercises"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """nbval compares words; here pictures, sounds and descriptions are compared, too, of the same execution."""
    result = yield
    if isinstance(item, IPyNbCell) and item.options["check"] and item.cell.execution_count is not None:
        found = differences(item.test_outputs, item.cell.outputs)
        if found:
            item.raise_cell_error("\n".join(found))
    return result


@pytest.fixture(autouse=True)
def torch_in_examples(doctest_namespace):
    """Examples of docstrings may use torch without importing it."""
    doctest_namespace["torch"] = torch


def pytest_collection_modifyitems(items):
    """The longest files first, so that no worker is left with one at the end."""
    def rank(item):
        file = item.getparent(IPyNbFile)
        if file:
            return 0, -(run_time(file.nb) or 20)
        return 1, LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)

    items.sort(key=rank)


def pytest_terminal_summary(terminalreporter):
    failed = [report.nodeid for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, [])]
    if not failed:
        return
    terminalreporter.section("to run just what failed")
    notebooks = sorted({nodeid.split("::")[0] for nodeid in failed if ".ipynb" in nodeid})
    tests = [nodeid for nodeid in failed if ".ipynb" not in nodeid]
    options = " --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg"
    if notebooks:
        terminalreporter.line(f".venv/bin/python -m pytest{options} {' '.join(notebooks)}")
    if tests:
        more = f"  # and {len(tests) - 20} more" if len(tests) > 20 else ""
        terminalreporter.line(f".venv/bin/python -m pytest {' '.join(map(shlex.quote, tests[:20]))}{more}")
