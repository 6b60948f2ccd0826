"""The stored cells of Table 1: all combinations, as they were computed; what two processors make of them."""

import functools
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import Protocol, claims, load_cell, load_multiverse, multiverse, replicate, simulate
from moe_tutorial.table1.replication import SYSTEMS

QUICK = Protocol(epochs=21, criterion=0.249)


@pytest.fixture(scope="module")
def fresh():
    return replicate(QUICK)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with one quick cell."""
    store = replace(multiverse.RECORDINGS, settings=(QUICK,), folder=tmp_path_factory.mktemp("store"))
    store.compute(workers=0)
    return store


@functools.cache
def cells(recordings):
    return load_multiverse(getattr(multiverse, recordings))


@pytest.mark.parametrize("recordings", ["RECORDINGS", "ELSEWHERE"])
def test_every_combination_is_stored_whole(recordings):
    assert [cell.protocol for cell in cells(recordings)] == list(multiverse.CELLS)
    assert len(set(multiverse.CELLS)) == 4 * 2 * 2 * 3
    for cell in cells(recordings):
        assert list(cell.simulations) == list(cell.explorations) == list(SYSTEMS)
        assert all(len(runs.stopped) == 25 for runs in cell.simulations.values())
        for system, explored in cell.explorations.items():
            assert explored.chosen == cell.simulations[system].step_size
    assert multiverse.CELLS.count(Protocol()) == 1  # our reading is among them


def test_a_cell_comes_back_from_the_file_as_it_was_computed(store, fresh):
    back, = load_multiverse(store)
    assert back.protocol == QUICK
    for system in SYSTEMS:
        one, other = back.simulations[system], fresh.simulations[system]
        assert torch.equal(one.stopped[one.converged], other.stopped[other.converged])
        assert torch.equal(one.converged, other.converged) and one.step_size == other.step_size
        assert_close(one.train, other.train)
        assert_close(one.test, other.test)
        assert one.live is other.live is None or torch.equal(one.live, other.live)
        assert torch.equal(back.explorations[system].converged, fresh.explorations[system].converged)
    assert 0 < sum(int(runs.converged.sum()) for runs in back.simulations.values()) < 100
    assert claims(back) == claims(fresh)


def test_our_reading_by_itself_is_the_one_among_the_others():
    ours, among = load_cell(Protocol()), cells("RECORDINGS")[multiverse.CELLS.index(Protocol())]
    assert ours.protocol == among.protocol == Protocol() and ours.fraction == among.fraction


@pytest.mark.parametrize("system, spread", [("4 experts", 0.5), ("BP 6 hidden", 0.1), ("BP 6 hidden", 0.5)])
def test_the_runs_that_no_last_bit_moves_far_come_out_again(system, spread):
    """Three simulations of a stored cell: with these systems and our targets they end within some epochs of the stored."""
    protocol = Protocol(spread=spread)
    kept = load_cell(protocol).simulations[system]
    fresh = simulate(system, protocol, kept.step_size, seeds=range(3))
    assert fresh.converged.all() and kept.converged[:3].all()
    assert (fresh.stopped - kept.stopped[:3]).abs().max() <= 0.01 * kept.stopped[:3].min()
    assert (fresh.test - kept.test[:3]).abs().max() <= 0.02
