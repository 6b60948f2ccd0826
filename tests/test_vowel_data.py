"""The data file is Peterson and Barney's, and the loader says what is wrong with another."""

import csv
from pathlib import Path

import pytest
import torch
from vowel_data import COLUMNS, rows

from moe_tutorial import load_vowels, vowels

FILE = Path(vowels.__file__).parent / "data" / "peterson_barney_1952.csv"


def test_every_row_is_the_one_built_into_praat():
    with FILE.open(encoding="utf-8", newline="") as file:
        header, *stored = csv.reader(file)
    assert tuple(header) == COLUMNS
    made = [list(row) for row in rows()]
    assert len(made) == 1520
    for number, (here, there) in enumerate(zip(stored, made, strict=True), start=2):
        assert here == there, f"line {number}"


def test_the_loader_keeps_rows_and_units():
    table = load_vowels()
    assert len(table) == 1520
    assert table.formants.dtype == torch.float64
    # Line 2 and the last line of the file, as printed there.
    assert (table.group[0], table.sex[0], table.vowel[0]) == ("m", "m", "iy")
    assert table.formants[0].tolist() == [160, 240, 2280, 2850]
    last = FILE.read_text(encoding="utf-8").split()[-1].split(",")
    assert table.formants[-1].tolist() == [float(value) for value in last[5:]]


def written(folder, change):
    """A copy of the data file whose lines went through `change`."""
    path = folder / "changed.csv"
    path.write_text("\n".join(change(FILE.read_text(encoding="utf-8").split("\n"))), encoding="utf-8")
    return path


def line(number, old, new):
    """A change of one line; `number` counts from 1, as an editor does."""

    def change(lines):
        assert old in lines[number - 1]
        return [*lines[: number - 1], lines[number - 1].replace(old, new, 1), *lines[number:]]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (line(1, "f2", "F2"), "the columns are"),
        (line(3, "2400", "2.4"), "line 3, column f2: got '2.4', wanted a frequency in Hz"),
        (line(3, "2400", "high"), "line 3, column f2: got 'high', wanted a number"),
        (line(3, "2400", "nan"), "line 3, column f2: got 'nan', wanted a frequency in Hz"),
        (line(3, "280,2400", "2400,280"), "line 3, column f1"),
        (line(4, "390,2030", "1990,1030"), "line 4: wanted f1 <= f2 <= f3, got 1990, 1030, 2640"),
        (line(4, "ih", "ix"), "line 4, column vowel: got 'ix', wanted one of iy, ih"),
        (line(4, "m,m", "x,m"), "line 4, column group: got 'x', wanted one of m, w, c"),
        (line(4, "m,m", "m,x"), "line 4, column sex: got 'x'"),
        (line(4, "m,m,1", "m,m,77"), "line 4, column speaker: got '77', wanted a number from 1 to 76"),
        (line(4, "ih,1", "ih,3"), "line 4, column repetition: got '3', wanted one of 1, 2"),
        (line(4, ",2640", ""), "line 4: wanted 9 values"),
        (line(4, "2640", "2640,1"), "line 4: wanted 9 values"),
        (line(5, "ih,2", "ih,1"), "speaker 1, vowel ih, repetition 1 stands 2 times"),
        (lambda lines: lines[:40] + lines[41:], "speaker 2 lacks vowel er, repetition 2; wanted 1520 rows, got 1519"),
        (line(2, "m,m", "w,m"), "speaker 1 stands in more than one group or sex"),
        (lambda lines: lines[:1], "speaker 1 lacks vowel iy, repetition 1; wanted 1520 rows, got 0"),
    ],
)
def test_a_damaged_file_is_refused_with_its_row_or_column(tmp_path, change, said):
    with pytest.raises(ValueError) as error:
        load_vowels(written(tmp_path, change))
    assert said in str(error.value)


def test_an_undamaged_copy_is_accepted(tmp_path):
    assert len(load_vowels(written(tmp_path, lambda lines: lines))) == 1520
