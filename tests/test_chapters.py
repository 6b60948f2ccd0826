"""Notebooks as they are stored: executed, framed, described.

nbval executes them and compares what comes out, `conftest.py` compares more of it. These tests hold what needs no execution.
"""

import re

import nbformat
import pytest
from compare import said
from execute import chapters, notebooks, run_time
from exercises import files as exercise_files

PATHS = {path.stem: path for path in notebooks()}
STORED = {name: nbformat.read(path, as_version=4) for name, path in PATHS.items()}

every_notebook = pytest.mark.parametrize("name", PATHS)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


@every_notebook
def test_every_cell_was_executed_in_order_without_an_error(name):
    cells = [cell for cell in code(STORED[name]) if cell.source.strip()]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert all(output.output_type != "error" for output in cell.outputs), cell.source
        assert all(output.get("name") != "stderr" for output in cell.outputs), cell.source


@every_notebook
def test_every_picture_has_the_description_that_was_made_from_its_data(name):
    for cell in code(STORED[name]):
        for output in cell.outputs:
            if "image/png" not in output.get("data", {}):
                continue
            alt = cell.metadata["mystnb"]["image"]["alt"]
            assert alt == said(output) == output.metadata["image/png"]["alt"], cell.source
            assert len(alt) > 60 and not re.search(r"\.(png|svg|jpe?g)\b", alt), alt
            assert cell.metadata["mystnb"]["figure"]["caption"] == output.metadata["image/png"]["caption"]


@every_notebook
def test_no_output_shows_a_raw_tensor_or_an_address(name):
    for cell in code(STORED[name]):
        for output in cell.outputs:
            assert not re.search(r"tensor\(|array\(|\b0x[0-9a-f]{6,}|<[\w.]+ object", said(output)), cell.source


@pytest.mark.parametrize("name", [path.stem for path in chapters()])
def test_the_frame_and_the_last_sections_are_there(name):
    everything = "\n".join(prose(STORED[name]))
    first, headings = prose(STORED[name])[0], re.findall(r"^## (.+)$", everything, re.M)
    number = int(name[:2])
    assert re.match(rf"# {number}\. \S.*\n\n\*[^*]+\?\*\n", first), "title, then the question in italics"
    for part in ("**You will learn**: ", "**You need**: ", "**Reading time**: "):
        assert part in first
    assert run_time(STORED[name]), "**Run time**: N s"
    assert headings[-4:] == ["Recap", "Quiz", "Exercises", "Where to go further"]


def test_quizzes_exercises_and_solutions_are_those_of_the_package():
    for path, wanted in exercise_files().items():
        assert path.read_text(encoding="utf-8") == wanted, f"{path.name}: run `make exercises`, then `make execute`"


@every_notebook
def test_a_notebook_reads_without_the_book(name):
    """Colab shows a notebook as a lone file: no directive or role that it would print as it stands."""
    for source in prose(STORED[name]):
        assert not re.search(r"^(```|:::)\s*\{", source, re.M), source
        assert not re.search(r"\{[a-z:]+\}`", source), source


@every_notebook
def test_code_and_what_it_prints_fit_their_column(name):
    for cell in code(STORED[name]):
        lines = cell.source.split("\n")
        assert max(map(len, lines)) <= 80, cell.source
        assert sum(bool(line.strip()) for line in lines) <= 15, cell.source
        for output in cell.outputs:
            if output.output_type == "stream":
                assert max(map(len, output.text.split("\n"))) <= 80, output.text


@every_notebook
def test_the_stored_metadata_says_nothing_of_a_machine(name):
    assert STORED[name].metadata == {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                                     "language_info": {"name": "python"}}


SINGLE = {"14_language_model"}  # numbers of single precision, as language models are trained with


@every_notebook
def test_small_arrays_have_one_thread(name):
    """With more, a busy machine makes each small operation wait for the others."""
    first = next(cell.source for cell in code(STORED[name]) if "import torch\n" in cell.source)
    assert "torch.set_num_threads(1)" in first
    assert ("torch.set_default_dtype(torch.float64)" in first) != (name in SINGLE)


@every_notebook
def test_a_recording_is_named_in_the_prose_before_it(name):
    prose = ""
    for cell in STORED[name].cells:
        if cell.cell_type == "markdown":
            prose = cell.source
        for output in cell.get("outputs", []):
            for experts, seed in re.findall(r"Recorded: (\d+) experts, .* seed (\d+);", said(output)):
                words = {"4": "four", "8": "eight"}[experts]
                assert f"seed {seed}" in prose and words in prose, prose
