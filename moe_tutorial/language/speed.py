"""How long a step of training takes, in multiples of the dense net's step: processor time of one thread, measured by turns.

Times depend on the machine, so they are measured once and stored, and chapter 14 shows what is stored.
"""

import time
from dataclasses import dataclass
from statistics import median

import torch

from .._threads import one_thread
from ..recordings import Recordings
from ..shapes import checked
from ..tasks.text import load_handbook
from .runs import MODELS
from .training import _step, training_pieces
from .transformer import LanguageModel


@dataclass(frozen=True)
class Measured:
    """All models, one after the other in one process: two at a time would slow each other."""

    models: tuple[str, ...]
    rounds: int = 40


def make_speed(settings):
    """What is stored: of each model the time of a step in multiples of the dense net's, to two digits."""
    train, generator = load_handbook().train, torch.Generator().manual_seed(0)
    models = [LanguageModel(len(train.alphabet), **MODELS[name]) for name in settings.models]
    optimizers = [torch.optim.AdamW(model.parameters(), lr=1e-4) for model in models]
    taken: dict[str, list[float]] = {name: [] for name in settings.models}
    with one_thread():
        for _ in range(settings.rounds):
            pieces = training_pieces(train, 16, generator)
            for name, model, optimizer in zip(settings.models, models, optimizers):
                before = time.process_time()
                _step(model, pieces, optimizer, "loss")
                taken[name].append(time.process_time() - before)
    first = median(taken[settings.models[0]])
    return {name: float(f"{median(times) / first:.2g}") for name, times in taken.items()}


@checked
def load_language_speed(recordings: Recordings | None = None) -> dict[str, float]:
    """The stored times of a step of training by the names of the models, in multiples of the dense net's.

    >>> load_language_speed()["dense"]
    1.0

    recordings: other `Recordings` than the package's own.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    times, = (recordings or SPEED).load().values()
    return times


SPEED = Recordings(
    "language_speed", "measured models", (Measured(tuple(MODELS)),), make_speed,
    ("language/speed.py", "language/layer.py", "language/transformer.py", "language/training.py"))
"""The stored times."""
