"""The stored results: they are the present code's, and computing them survives being killed."""

import json
import subprocess
import sys
import time

import pytest
import torch

from moe_tutorial import Protocol, claims, load_multiverse, multiverse, replicate
from moe_tutorial.replication import SYSTEMS

QUICK = [Protocol(epochs=n, criterion=0.249) for n in (21, 22, 23, 24)]


def test_every_stored_cell_was_made_by_the_present_code():
    cells = load_multiverse()
    assert [cell.protocol for cell in cells] == list(multiverse.CELLS)
    assert len(set(multiverse.CELLS)) == len(cells) == 4 * 2 * 2 * 3
    for cell in cells:
        assert list(cell.simulations) == list(cell.explorations) == list(SYSTEMS)
        assert all(len(runs.stopped) == 25 for runs in cell.simulations.values())
        for system, explored in cell.explorations.items():
            assert explored.chosen == cell.simulations[system].step_size
    assert multiverse.CELLS.count(Protocol()) == 1  # our reading is among them


def test_a_cell_comes_back_from_the_file_as_it_was_computed(tmp_path):
    multiverse.compute(tmp_path / "cells.jsonl", QUICK[:1], workers=1)
    record = json.loads((tmp_path / "cells.jsonl").read_text())
    back, fresh = multiverse._replication(record), replicate(QUICK[0])
    assert back.protocol == QUICK[0]
    for system in SYSTEMS:
        one, other = back.simulations[system], fresh.simulations[system]
        assert torch.equal(one.stopped[one.converged], other.stopped[other.converged])
        assert torch.equal(one.converged, other.converged) and one.step_size == other.step_size
        assert torch.equal(one.train, other.train) and torch.equal(one.test, other.test)
        assert one.live is other.live is None or torch.equal(one.live, other.live)
        assert torch.equal(back.explorations[system].converged, fresh.explorations[system].converged)
    assert 0 < sum(int(runs.converged.sum()) for runs in back.simulations.values()) < 100
    assert claims(back) == claims(fresh)


def test_what_was_killed_goes_on_where_it_was_and_loses_no_finished_cell(tmp_path):
    path = tmp_path / "cells.jsonl"
    program = ("from moe_tutorial import Protocol, multiverse\n"
               "if __name__ == '__main__':\n"
               "    cells = [Protocol(epochs=n, criterion=0.249) for n in (21, 22, 23, 24)]\n"
               f"    multiverse.compute({str(path)!r}, cells, workers=1)\n")
    script = tmp_path / "program.py"
    script.write_text(program)
    killed = subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not path.exists() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.kill()
    killed.wait()
    finished = path.read_text().splitlines()
    assert 1 <= len(finished) < 4
    # A mark that only a kept line can have: a cell that is computed again would lose it.
    marked = [line.replace('{"code"', '{"kept":1,"code"', 1) for line in finished]
    path.write_text("\n".join(marked) + "\n")
    subprocess.run([sys.executable, script], check=True, stderr=subprocess.DEVNULL)
    lines = path.read_text().splitlines()
    assert [json.loads(line)["protocol"]["epochs"] for line in lines] == [21, 22, 23, 24]
    assert [line for line in lines if "kept" in line] == marked
    before = path.stat().st_mtime_ns
    multiverse.compute(path, QUICK)
    assert path.stat().st_mtime_ns == before  # nothing is left to do


def test_a_cell_of_other_code_is_not_used(tmp_path, monkeypatch):
    path = tmp_path / "cells.jsonl"
    path.write_text(multiverse.FILE.read_text())
    assert len(load_multiverse(path)) == len(multiverse.CELLS)
    path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
    with pytest.raises(ValueError, match="1 of 48 cells are missing.*run `make multiverse`"):
        load_multiverse(path)
    monkeypatch.setattr(multiverse, "code_version", lambda: "another")
    with pytest.raises(ValueError, match="48 of 48 cells are missing"):
        load_multiverse(path)


def test_the_version_of_the_code_changes_with_code_and_not_with_words():
    source = 'def f(x):\n    """Words."""\n    return x + 1  # a comment\n'
    assert multiverse._bare(source) == multiverse._bare("def f(x):\n    return x + 1\n")
    assert multiverse._bare(source) != multiverse._bare(source.replace("+ 1", "+ 2"))
