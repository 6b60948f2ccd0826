"""Notebooks as they are stored: executed, framed, described, and the same when executed again.

nbval compares the text that each cell prints. These tests hold what it misses.
"""

import base64
import io
import multiprocessing
import re
import wave
from concurrent.futures import ProcessPoolExecutor

import nbformat
import numpy as np
import pytest
from execute import chapters, executed, notebooks, run_time, text
from exercises import files as exercise_files
from PIL import Image

PATHS = {path.stem: path for path in notebooks()}
STORED = {name: nbformat.read(path, as_version=4) for name, path in PATHS.items()}

every_notebook = pytest.mark.parametrize("name", PATHS)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def said(output):
    """What an output says in words: printed text or the text form of a value."""
    return output.get("text") or output.get("data", {}).get("text/plain", "")


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


def pixels(output):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGB"), dtype=int)


def sounds(html):
    for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", html):
        with wave.open(io.BytesIO(base64.b64decode(data))) as wav:
            yield np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").astype(int)


@every_notebook
def test_executing_again_changes_nothing(name):
    """Twice, with one thread and with two: the files are the same to the byte, and the same as the stored one.

    Between processors the last bits of a figure differ, so pixels and sounds are compared with the stored ones to a
    tolerance: two of a sound's 65 536 levels, and no more than one in 10 000 of a picture's pixels.
    """
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        runs = [pool.submit(executed, PATHS[name], OMP_NUM_THREADS=threads) for threads in ("1", "2")]
        one, two = (run.result() for run in runs)
    assert text(one) == text(two)
    for new, stored in zip(one.cells, STORED[name].cells, strict=True):
        assert (new.cell_type, new.id, new.metadata) == (stored.cell_type, stored.id, stored.metadata)
        for a, b in zip(new.get("outputs", []), stored.get("outputs", []), strict=True):
            assert said(a) == said(b), new.source
            if "image/png" in a.get("data", {}):
                difference = np.abs(pixels(a) - pixels(b)).max(-1)
                assert (difference > 8).mean() < 1e-4, f"the stored picture is another one: {said(a)}"
            if "text/html" in a.get("data", {}):
                strip = re.compile(r"base64,[A-Za-z0-9+/=]+")
                assert strip.sub("", a.data["text/html"]) == strip.sub("", b.data["text/html"])
                for heard, kept in zip(sounds(a.data["text/html"]), sounds(b.data["text/html"]), strict=True):
                    assert np.abs(heard - kept).max() <= 2, "the stored sound is another one"
