"""Table 1 under every combination of the choices that the paper leaves open, computed once and kept in the package.

`make multiverse` computes the cells and stores each as one line of `data/multiverse.jsonl`, with the version of the code
that made it; `load_multiverse` reads them. A cell that the present code made is not computed again.
"""

import ast
import hashlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from importlib.resources import files
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import torch
from tqdm import tqdm

from .replication import SYSTEMS, Exploration, Protocol, Replication, Simulations, replicate

READINGS = {
    "1 sigmoid, [i] [ʌ]": {"output": "sigmoid", "coding": "iy+ah"},
    "1 sigmoid, [i] [a]": {"output": "sigmoid", "coding": "iy+aa"},
    "4 softmax, sum": {"output": "softmax", "coding": "one-hot", "error": "sum"},
    "4 softmax, mean": {"output": "softmax", "coding": "one-hot", "error": "mean"},
}
"""Output units and targets. With one output two codings are tried, with the target 1 for the vowels that are named; with
four there is one coding, but the error of a case may be summed over the outputs or their mean."""

CHOICES = {"order": ("file", "random"), "stop_on": ("blend", "expected"), "spread": (0.1, 0.5, 1.0)}

CELLS = tuple(Protocol(**reading, **dict(zip(CHOICES, values)))
              for reading in READINGS.values() for values in product(*CHOICES.values()))
"""The protocols of all 48 combinations."""

FILE = files(__package__) / "data" / "multiverse.jsonl"

_MAKERS = ("vowels.py", "experts.py", "gate.py", "mixture.py", "networks.py", "engine.py", "replication.py",
           "data/peterson_barney_1952.csv")


def code_version():
    """Sixteen hexadecimal digits that change with the code and the data that make a cell, but not with comments."""
    digest = hashlib.sha256()
    for name in _MAKERS:
        text = (files(__package__) / name).read_text(encoding="utf-8")
        digest.update((_bare(text) if name.endswith(".py") else text).encode())
    return digest.hexdigest()[:16]


def _bare(source):
    """The syntax tree of Python code without strings that stand alone, which is what docstrings are."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return ast.dump(tree)


def load_multiverse(path=FILE):
    """The stored cells, a list of `Replication`, in the order of CELLS.

    ValueError: a cell that is missing or was made by another version of the code, with what to do about it.
    """
    stored = _read(path)
    stale = [protocol for protocol in CELLS if protocol not in stored]
    if stale:
        raise ValueError(f"{len(stale)} of {len(CELLS)} cells are missing or were made by another version of the code than "
                         f"{code_version()}; run `make multiverse`")
    return [_replication(stored[protocol]) for protocol in CELLS]


def compute(path=FILE, cells=CELLS, workers=None):
    """Compute the cells that the file does not have from the present code, and write the file after each of them.

    path: the file. Cells in it that are not among `cells`, or that another version of the code made, are dropped when
        the first new one is written.
    workers: the number of processes; None for one for each core.
    """
    path = Path(path)
    stored = {protocol: record for protocol, record in _read(path).items() if protocol in cells}
    missing = [protocol for protocol in cells if protocol not in stored]
    if not missing:
        return
    version = code_version()  # of the code as it is now, should a file be edited while this runs
    pool = ProcessPoolExecutor(workers or os.cpu_count(), get_context("spawn"), _start_worker, (os.getpid(),))
    with pool, tqdm(total=len(cells), initial=len(stored), desc="cells") as bar:
        for done in as_completed([pool.submit(_record, protocol, version) for protocol in missing]):
            record = done.result()
            stored[_protocol(record)] = record
            lines = [json.dumps(stored[protocol], separators=(",", ":")) for protocol in cells if protocol in stored]
            unfinished = path.with_suffix(".unfinished")
            unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
            unfinished.replace(path)  # so that a kill at any moment leaves a whole file
            bar.update()


def _start_worker(parent):
    """One thread a process, no bars besides the cells', and an end when the process that wanted the results is gone."""
    torch.set_num_threads(1)
    sys.stderr = open(os.devnull, "w")  # for as long as the process lives

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _record(protocol, version):
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
    made_by = {"code": version, "torch": torch.__version__.split("+")[0]}
    return {**made_by, "protocol": asdict(protocol), "systems": systems}


def _epochs(stopped, converged):
    """The epochs of each run, None where it did not converge."""
    return [epochs if reached else None for epochs, reached in zip(stopped.tolist(), converged.tolist())]


def _read(path):
    """The records that the present code made, by their protocols."""
    if not path.is_file():
        return {}
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {_protocol(record): record for record in records if record["code"] == code_version()}


def _protocol(record):
    settings = record["protocol"]
    return Protocol(**{**settings, "repetitions": tuple(settings["repetitions"])})


def _replication(record):
    protocol = _protocol(record)

    def stopped_and_converged(epochs):
        return (torch.tensor([protocol.epochs if e is None else e for e in epochs]),
                torch.tensor([e is not None for e in epochs]))

    explorations, simulations = {}, {}
    for name, stored in record["systems"].items():
        pilots = [stopped_and_converged(row) for row in stored["pilots"]]
        explorations[name] = Exploration(torch.tensor(stored["step_sizes"], dtype=torch.float64),
                                         *(torch.stack(rows) for rows in zip(*pilots)))
        live = None if stored["live"] is None else torch.tensor(stored["live"])
        accuracies = (torch.tensor(stored[part], dtype=torch.float64) for part in ("train", "test"))
        simulations[name] = Simulations(stored["step_size"], *stopped_and_converged(stored["epochs"]), *accuracies, live)
    return Replication(protocol, explorations, simulations)
