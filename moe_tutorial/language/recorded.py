"""The runs of chapters 14 and 15: trained once, kept in the package."""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from .. import _checks
from ..recordings import Recordings
from ..shapes import WHOLE, checked
from .runs import LanguageRun, make_language
from .training import LanguageHistory


@checked
@dataclass(frozen=True, repr=False)
class Knowledge:
    """What a trained mixture did with the held-out text of chapter 15.

    >>> load_knowledge()["top-1 of 8"][0].forbidden.shape
    torch.Size([2, 8, 5])

    chosen: the expert of each character, of each layer, int64 `(layers, N, T)`.
    permuted: by how much the loss of each domain rises when the experts of a layer are permuted among the cases, `(layers,
        domains)`.
    forbidden: the same when an expert is left out, and each of its cases takes the next best, `(layers, K, domains)`.
    moments, excerpts, proportions: after these numbers of steps, the experts of `excerpt_text` and their proportions in
        hundredths, both `(moments, layers, pieces, T)`.
    """

    chosen: Annotated[Tensor, "layers N T", WHOLE]
    permuted: Annotated[Tensor, "layers domains"]
    forbidden: Annotated[Tensor, "layers K domains"]
    moments: tuple
    excerpts: Annotated[Tensor, "moments layers pieces T", WHOLE]
    proportions: Annotated[Tensor, "moments layers pieces T", WHOLE]

    def __post_init__(self):
        _checks.sequence("moments", self.moments)
        for place, moment in enumerate(self.moments):
            _checks.count_from_zero(f"moments[{place}]", moment)

    def __repr__(self):
        layers, pieces, length = self.chosen.shape
        return f"Knowledge: the experts of {pieces * length} characters in {layers} layers"


SEEDS = (0, 1, 2)

RUNS: dict[str, tuple[LanguageRun, ...]] = {
    "dense": tuple(LanguageRun("dense", seed) for seed in SEEDS),
    "top-1 of 8": tuple(LanguageRun("top-1 of 8", seed, inside=True) for seed in SEEDS),
    "top-1 of 8, frozen gate": tuple(LanguageRun("top-1 of 8", seed, "none", frozen=True, inside=seed == 0)
                                     for seed in SEEDS),
    "top-1 of 8, no balance": tuple(LanguageRun("top-1 of 8", seed, "none", inside=seed == 0) for seed in SEEDS),
    "top-1 of 8, biases": tuple(LanguageRun("top-1 of 8", seed, "biases") for seed in SEEDS),
    "top-2 of 16": tuple(LanguageRun("top-2 of 16", seed) for seed in SEEDS),
    "3 of 31 and a shared one": tuple(LanguageRun("3 of 31 and a shared one", seed) for seed in SEEDS),
    "wide dense": tuple(LanguageRun("wide dense", seed) for seed in SEEDS),
    "dense, 1200 steps": tuple(LanguageRun("dense", seed, steps=1200) for seed in SEEDS),
    "dense, 1500 steps": tuple(LanguageRun("dense", seed, steps=1500) for seed in SEEDS),
    "dense, no distance": (LanguageRun("dense", 0, distance=False),),
    "top-1 of 8, no distance": (LanguageRun("top-1 of 8", 0, distance=False),),
    "frozen gate, no distance": (LanguageRun("top-1 of 8", 0, "none", frozen=True, distance=False),),
    "dense, no distance, longer": (LanguageRun("dense", 0, cases=40, distance=False),),
    "top-1 of 8, no distance, longer": (LanguageRun("top-1 of 8", 0, cases=40, distance=False),),
    "untrained": (LanguageRun("top-1 of 8", 0, steps=0, inside=True),),
}
"""The runs by what the chapters call them, a run for each seed."""


@checked
def load_language(recordings: Recordings | None = None) -> dict[str, list[LanguageHistory]]:
    """The stored runs by the chapters' names, a `LanguageHistory` for each seed.

    >>> load_language()["dense"][0]
    LanguageHistory: 800 steps, 0.82 million characters, loss 2.01

    recordings: other `Recordings` than the package's own.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    stored = (recordings or RECORDINGS).load()

    def history(result):
        loads = None if result["loads"] is None else result["loads"].double()
        return LanguageHistory(tuple(result["moments"]), result["losses"].double(), loads, result["characters"])

    return {name: [history(stored[run]) for run in runs] for name, runs in RUNS.items()}


@checked
def load_knowledge(recordings: Recordings | None = None) -> dict[str, list[Knowledge]]:
    """What the experts of the stored mixtures did with `knowledge_text`, by the chapters' names, for one seed or several.

    >>> load_knowledge()["untrained"]
    [Knowledge: the experts of 48000 characters in 2 layers]

    recordings: other `Recordings` than the package's own.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    stored = (recordings or RECORDINGS).load()

    def knowledge(inside):
        whole = {name: inside[name].long() for name in ("chosen", "excerpts", "proportions")}
        return Knowledge(**(inside | whole | {"moments": tuple(inside["moments"])}))

    inside = {name: [stored[run]["inside"] for run in runs if run.inside] for name, runs in RUNS.items()}
    return {name: [knowledge(one) for one in several] for name, several in inside.items() if several}


RECORDINGS = Recordings(
    "language", "language models", tuple(run for runs in RUNS.values() for run in runs), make_language,
    ("language/runs.py", "language/choices.py", "language/training.py", "language/transformer.py", "language/layer.py",
     "tasks/text.py", "sparse/balance.py"))
"""The stored runs."""
