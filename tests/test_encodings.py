"""Nothing raises because of an encoding: neither what is printed to any output nor, without being named, a file of data."""

import codecs
import os
import subprocess
import sys
from pathlib import Path

import pytest
from execute import ROOT

from moe_tutorial import load_vowels, vowel_task, vowels
from moe_tutorial._versions import code_version
from moe_tutorial._words import writable
from moe_tutorial.table1.multiverse import make_cell

# Prints whatever has a text of its own, all of it in one process: a process takes seconds to begin.
PRINTED = '''
import sys
sys.path[:0] = [{scripts!r}, {tests!r}]
import torch
from test_bad_input import ABSTRACT, METHODS, PUBLIC, VALID
from test_plots import PICTURES
import moe_tutorial
from moe_tutorial import (
    Criterion, Mixture, Protocol, Sounds, claims, load_cell, load_mixtures, load_training, load_vowels, recorded, toys,
    vowels)
from moe_tutorial.exercises import EXERCISES, QUIZZES, case, check, hint, solution

for name, exercise in EXERCISES.items():
    print(exercise, *exercise.wrong, sep="\\n")
    for number in (1, 2):
        hint(name, number)
    solution(name)
    for answer in (exercise.reference, "\\u2070 \\uac00 \\U0001f600 \\ud800", *(wrong.answer for wrong in exercise.wrong)):
        check(name, answer)
    if callable(exercise.reference):
        print(case(name))
for questions in QUIZZES.values():
    print(*questions)
task = moe_tutorial.vowel_task("one-hot", vowels=tuple(vowels.SYMBOLS))
print(task, task.train, [task.test], load_vowels(), toys.absolute_value(4), Sounds({{"[\\u028c] \\uac00": torch.ones(9)}}))
cell = load_cell(Protocol())
print(cell, *cell.simulations.values(), *cell.explorations.values(), claims(cell), Protocol(), Criterion(), Mixture(2))
print(load_mixtures(4), load_training(experts=4, seed=0), load_training(experts=4, seed=0).history, recorded.TRAININGS)
for make in PICTURES.values():
    print(make())
help(moe_tutorial.mixture_nll)

# Whatever else is public, and what its methods give, by the valid calls that there are of all of it.
for name in VALID.keys() - ABSTRACT:
    result = PUBLIC["moe_tutorial." + name](**VALID[name]())
    print(result, [result])
    if isinstance(result, moe_tutorial.interactive.Interactive):
        print(result.still(), result._repr_mimebundle_()["text/plain"])
for name in METHODS.keys() - {{"recordings.Recordings.compute"}}:
    thing, arguments = METHODS[name]()
    method = getattr(thing, name.rpartition(".")[2])
    print(thing, method(*arguments.values()) if name == "Cases.only" else method(**arguments))
'''


@pytest.mark.parametrize("encoding", ["cp1252", "cp949", "cp932", "ascii"])
def test_everything_is_printed_to_any_output(encoding):
    code = PRINTED.format(scripts=str(ROOT / "scripts"), tests=str(ROOT / "tests"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT,
                          env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr.decode(encoding, "replace")[-2000:]
    said = done.stdout.decode(encoding)
    assert "Hint 1 of 2" in said and "[V]" in said  # the symbol of "hud" in plain characters


def test_an_output_that_has_all_characters_gets_them(capsys):
    print(vowel_task().train)
    assert "[ʌ]" in capsys.readouterr().out
    assert writable("½ ʌ \ud800") == "1/2 V \\ud800" or writable("½ ʌ") == "½ ʌ"


DATA = (Path(vowels.__file__).parent.parent / "data" / "peterson_barney_1952.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(("data", "said"), [
    (codecs.BOM_UTF8 + DATA.encode(), "begins with a byte order mark"),
    (DATA.encode("utf-16"), "begins with a byte order mark"),
    (DATA.encode("utf-16-le"), "has the first line"),
    (DATA.replace("iy", "\uac00", 1).encode("cp949"), "is no UTF-8, which is wanted: invalid"),
    (DATA.replace(",", ";").encode(), "has the first line 'group;sex"),
    (DATA.replace("160", "a lot", 1).encode(), "holds what is no vowel's: could not convert string to float: 'a lot'"),
    (DATA.replace("iy", "IY", 1).encode(), "unknown vowel code 'IY': choose one of 'iy'"),
    (DATA.partition("\n")[0].encode(), "formants"),
    (b"", "has the first line ''"),
])
def test_a_file_of_vowels_that_cannot_be_read_is_named(tmp_path, monkeypatch, data, said):
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "peterson_barney_1952.csv"
    file.write_bytes(data)
    monkeypatch.setattr(vowels, "files", lambda package: tmp_path)
    for load in (load_vowels, vowel_task):
        with pytest.raises(ValueError) as error:
            load()
        assert str(error.value).startswith(str(file)) and said in str(error.value)


def test_line_ends_of_another_system_are_read(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "peterson_barney_1952.csv").write_bytes(DATA.replace("\n", "\r\n").encode())
    monkeypatch.setattr(vowels, "files", lambda package: tmp_path)
    assert len(load_vowels()) == 1520


def test_a_source_of_a_recording_that_is_no_utf_8_is_named(tmp_path, monkeypatch):
    from moe_tutorial import _versions

    (tmp_path / "data.csv").write_bytes("\uac00".encode("cp949"))
    monkeypatch.setattr(_versions, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match=r"data\.csv is not encoded in UTF-8: .* at byte 0"):
        code_version(("data.csv",), make_cell)
