"""The data file is Peterson and Barney's, and the loader keeps its rows and units."""

import csv
from pathlib import Path

import torch
from vowel_data import COLUMNS, rows

import moe_tutorial
from moe_tutorial import load_vowels

FILE = Path(moe_tutorial.__file__).parent / "data" / "peterson_barney_1952.csv"


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
