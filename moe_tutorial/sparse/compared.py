"""The comparison of the routers on the ring, even and uneven work, ten seeds each: computed once and kept in the package."""

from dataclasses import dataclass
from typing import Any

import torch

from ..recordings import Recordings
from ..shapes import checked
from .on_ring import RingRun, hash_table, train_on_ring
from .routers import ROUTERS, Biases, Router


class _CountsAgainstAShare(Biases):
    """The mistake of the units: counts are compared with the share k / K, so that all who have a case are above."""

    def moved(self, counts):
        return self.bias + self.rate * torch.sign(self.k / self.experts - counts.to(self.bias.dtype))


class _BiasAlsoWeighs(Biases):
    """The mistake of the weights: the bias is in them."""

    def weighed(self, score, kept):
        return super().weighed(score + self.bias[..., None, :], kept)


MISTAKEN: dict[str, type[Router]] = {"counts against a share": _CountsAgainstAShare, "bias also weighs": _BiasAlsoWeighs}
"""Routers with a mistake, for the comparison."""


@dataclass(frozen=True)
class Compared:
    """A row of the comparison: a name from ROUTERS or MISTAKEN, the kind of work, k, and the router's other settings.

    batch, variance, look: as for `train_on_ring`.
    """

    router: str
    uneven: bool = False
    k: int = 1
    settings: tuple[tuple[str, Any], ...] = ()
    batch: int = 256
    variance: float | None = None
    look: int = 0


_ROWS: dict[str, Compared] = {
    "truth": Compared("hash", settings=(("table", "subtasks"),)),
    "all, eq. 1.1": Compared("top-k", k=8),
    "all, eq. 1.3": Compared("top-k", k=8, variance=0.25),
    "top-1": Compared("top-k", look=50),
    "top-1, renormalised": Compared("top-k", settings=(("renormalise", True),)),
    "top-2": Compared("top-k", k=2, settings=(("renormalise", True),)),
    "Switch .01": Compared("Switch", settings=(("alpha", 0.01),)),
    "Switch .1": Compared("Switch", settings=(("alpha", 0.1),)),
    "Switch 1": Compared("Switch", settings=(("alpha", 1.0),), look=50),
    "Switch 10": Compared("Switch", settings=(("alpha", 10.0),)),
    "Switch 1, top-2": Compared("Switch", k=2, settings=(("alpha", 1.0), ("renormalise", True))),
    "z-loss .001": Compared("Switch", settings=(("alpha", 0.0), ("z", 0.001))),
    "noisy top-2": Compared("noisy top-k", k=2, look=50),
    "noise alone": Compared("noisy top-k", k=2, settings=(("weight", 0.0),)),
    "biases": Compared("biases", k=2, look=50),
    "biases, sigmoid": Compared("biases", k=2, settings=(("scores", "sigmoid"),)),
    "biases, wrong sign": Compared("biases", k=2, settings=(("rate", -0.01), ("scores", "sigmoid"))),
    "biases, wrong units": Compared("counts against a share", k=2, settings=(("scores", "sigmoid"),)),
    "biases that weigh": Compared("bias also weighs", k=2, settings=(("scores", "sigmoid"),)),
    "BASE": Compared("BASE", batch=128),
    "Sinkhorn": Compared("Sinkhorn"),
    "Sinkhorn, top-2": Compared("Sinkhorn", k=2),
    "expert choice": Compared("expert choice"),
    "expert choice, 2": Compared("expert choice", k=2, look=50),
    "hash, random": Compared("hash", settings=(("table", "random"),)),
    "hash, balanced": Compared("hash", settings=(("table", "balanced"),)),
    "Soft MoE": Compared("Soft MoE"),
    "Soft MoE, 8 slots": Compared("Soft MoE", settings=(("slots", 8),)),
    "ReLU": Compared("ReLU", k=2, settings=(("factor", 1.02),)),
    "ReLU 1.2": Compared("ReLU", k=2, settings=(("factor", 1.2),)),
}
"""The rows by what chapter 13 calls them. Tuned were the step, on top-k and on all experts alone, alpha, and ReLU's factor;
everything else has the first value that was tried."""


def make_comparison(row):
    """What is stored of a row: its RingRun, of the weights those of the gate, in short numbers."""
    given = dict(row.settings)
    if row.router == "hash":
        given["table"] = hash_table(given["table"], row.uneven)
    router = (ROUTERS | MISTAKEN)[row.router](8, row.k, runs=10, **given)
    found = train_on_ring(router, row.uneven, batch=row.batch, variance=row.variance, look=row.look)
    return {**vars(found), "moments": list(found.moments),
            "weights": {name: found.weights[name].float() for name in ("gate.weight", "gate.bias")}}


@checked
def load_routers(uneven: bool = False, recordings: Recordings | None = None) -> dict[str, RingRun]:
    """The stored comparison of routers on the ring, ten seeds each, by the names that chapter 13 has for them.

    >>> load_routers()["top-1"]
    RingRun: 10 runs, median error 0.522, mean of dead experts 2.7 of 8

    uneven: whether the subtasks come with different frequencies. recordings: other `Recordings` than the package's own.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    stored = (recordings or RECORDINGS).load()
    return {name: _run(stored[_kind(row, uneven)]) for name, row in _ROWS.items()}


def _run(result):
    weights = {name: values.double() for name, values in result["weights"].items()}
    return RingRun(**{**result, "moments": tuple(result["moments"]), "weights": weights})


def _kind(row, uneven):
    return Compared(row.router, uneven, row.k, row.settings, row.batch, row.variance, row.look)


RECORDINGS = Recordings(
    "routers", "routers on the ring", tuple(_kind(row, uneven) for uneven in (False, True) for row in _ROWS.values()),
    make_comparison,
    ("sparse/compared.py", "sparse/on_ring.py", "sparse/routers.py", "sparse/prices.py", "sparse/balance.py",
     "tasks/toys.py", "model/losses.py"))
"""The stored comparison."""
