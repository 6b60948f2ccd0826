"""Table 1 under every combination of the choices that the paper leaves open, computed once and kept in the package.

`RECORDINGS` is the file of them, ELSEWHERE a second one with other last bits, and `make recordings` makes both;
`load_multiverse` reads them.
"""

from itertools import product
from typing import Any

import torch

from ..recordings import Recordings
from ..shapes import checked
from .replication import SYSTEMS, Exploration, Protocol, Replication, Simulations, replicate

READINGS: dict[str, dict[str, Any]] = {
    "1 sigmoid, [i] [ʌ]": {"output": "sigmoid", "coding": "iy+ah"},
    "1 sigmoid, [i] [a]": {"output": "sigmoid", "coding": "iy+aa"},
    "4 softmax, sum": {"output": "softmax", "coding": "one-hot", "error": "sum"},
    "4 softmax, mean": {"output": "softmax", "coding": "one-hot", "error": "mean"},
}
"""Output units and targets. With one output two codings are tried, with the target 1 for the vowels that are named; with
four there is one coding, but the error of a case may be summed over the outputs or their mean."""

CHOICES: dict[str, tuple] = {"order": ("file", "random"), "stop_on": ("blend", "expected"), "spread": (0.1, 0.5, 1.0)}
"""The other choices that are tried, each with each reading: settings of a `Protocol` by name."""

CELLS = tuple(Protocol(**reading, **dict(zip(CHOICES, values)))
              for reading in READINGS.values() for values in product(*CHOICES.values()))
"""The protocols of all 48 combinations."""


@checked
def load_multiverse(recordings: Recordings | None = None) -> list[Replication]:
    """The stored cells of Table 1, in the order of CELLS.

    >>> len(load_multiverse())
    48

    recordings: another `Recordings` of cells than RECORDINGS, such as ELSEWHERE.

    RecordingError: a cell that is missing, damaged or was made by other code, with what to do about it.
    """
    return [_replication(protocol, systems) for protocol, systems in (recordings or RECORDINGS).load().items()]


@checked
def load_cell(protocol: Protocol, recordings: Recordings | None = None) -> Replication:
    """The stored cell of a protocol.

    >>> load_cell(Protocol())
    Replication: mixtures take 0.66 of the networks' epochs, 8 experts < 4 experts < BP 12 hidden < BP 6 hidden

    ValueError: a protocol that is not among CELLS; `replicate` runs it. RecordingError: as for `load_multiverse`.
    """
    if protocol not in CELLS:
        raise ValueError(f"no cell is stored for {protocol}; `replicate` runs it")
    return _replication(protocol, (recordings or RECORDINGS).load()[protocol])


def make_cell(protocol):
    """What is stored of a cell, by the names of SYSTEMS. Epochs are None where a run did not converge."""
    replication = replicate(protocol)
    systems = {}
    for name in SYSTEMS:
        explored, runs = replication.explorations[name], replication.simulations[name]
        systems[name] = {
            "step_sizes": explored.step_sizes.tolist(),
            "pilots": [_epochs(*row) for row in zip(explored.stopped, explored.converged)],
            "step_size": runs.step_size,
            "epochs": _epochs(runs.stopped, runs.converged),
            "train": [round(value, 4) for value in runs.train.tolist()],
            "test": [round(value, 4) for value in runs.test.tolist()],
            "live": None if runs.live is None else runs.live.tolist(),
        }
    return systems


def _epochs(stopped, converged):
    return [epochs if reached else None for epochs, reached in zip(stopped.tolist(), converged.tolist())]


def _replication(protocol, systems):
    def stopped_and_converged(epochs):
        return (torch.tensor([protocol.epochs if e is None else e for e in epochs]),
                torch.tensor([e is not None for e in epochs]))

    explorations, simulations = {}, {}
    for name, stored in systems.items():
        pilots = [stopped_and_converged(row) for row in stored["pilots"]]
        explorations[name] = Exploration(torch.tensor(stored["step_sizes"], dtype=torch.float64),
                                         *(torch.stack(rows) for rows in zip(*pilots)))
        live = None if stored["live"] is None else torch.tensor(stored["live"])
        train, test = (torch.tensor(stored[part], dtype=torch.float64) for part in ("train", "test"))
        stopped, converged = stopped_and_converged(stored["epochs"])
        simulations[name] = Simulations(stored["step_size"], stopped, converged, train, test, live)
    return Replication(protocol, explorations, simulations)


SOURCES = (
    "tasks/vowels.py", "model/initial.py", "model/experts.py", "model/gate.py", "model/mixture.py", "model/networks.py",
    "model/decisions.py", "training/criterion.py", "training/engine.py", "table1/replication.py",
    "data/peterson_barney_1952.csv",
)
"""The files of the package that decide how a simulation of Table 1 ends."""

RECORDINGS = Recordings("multiverse", "cells", CELLS, make_cell, SOURCES)
"""The stored cells."""

ELSEWHERE = Recordings("multiverse_elsewhere", "cells", CELLS, make_cell, SOURCES,
                       {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"})
"""The same cells once more, computed without the newer instructions of the processor, so that the last bits are other ones.
What differs between the two is not the experiment's."""
