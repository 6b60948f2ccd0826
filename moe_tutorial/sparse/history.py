"""Gates on their way through a training on the ring: six routers on one task, recorded for the sorting office."""

from dataclasses import dataclass
from typing import Any

import torch

from .._threads import one_thread
from ..recordings import Recordings
from .on_ring import BATCHES, _answer, _data, _first_weights
from .routers import ROUTERS, Biases

EXPERTS, SEEDS = 8, tuple(range(10))
STEPS, STEP_SIZE, BATCH = 1500, 0.05, 256  # as in `train_on_ring`

MOMENTS = (0, 1, 2, 5, 10, 20, 30, 50, 75, 100, 150, *range(200, 1401, 100), *range(1494, STEPS + 1))
"""Steps after which a gate is kept. Most of what happens happens early, and biases move to the last step."""


@dataclass(frozen=True)
class Followed:
    """A router that is followed: its name in ROUTERS, k, and its other settings."""

    router: str
    k: int = 1
    settings: tuple[tuple[str, Any], ...] = ()


FOLLOWED = {
    "plain": Followed("top-k"),
    "Switch loss": Followed("Switch", settings=(("alpha", 1.0),)),
    "biases": Followed("biases", k=2),
    "wrong sign": Followed("biases", k=2, settings=(("rate", -0.01), ("scores", "sigmoid"))),
    "noisy top-2": Followed("noisy top-k", k=2),
    "expert choice": Followed("expert choice"),
}
"""The routers by what the sorting office calls them, set as in chapter 13's comparison."""


def gates(followed, moments=MOMENTS, steps=STEPS, seeds=SEEDS):
    """What a training on even work makes of the first seed's gate, after each of these steps.

    With ten seeds side by side it is the first run of chapter 13's comparison, with the same noise.

    A mapping: weight (T, K, 2), bias (T, K), and `chooses` (T, K), the bias that only chooses, 0 for most routers.
    """
    router = ROUTERS[followed.router](EXPERTS, followed.k, runs=len(seeds), **dict(followed.settings))
    batches, _ = _data(seeds, False, BATCH)
    weights = _first_weights(router, seeds)
    optimizer = torch.optim.Adam([*weights.values(), *router.parameters()], lr=STEP_SIZE)
    kept: dict[str, list[torch.Tensor]] = {"weight": [], "bias": [], "chooses": []}
    router.train()
    with one_thread():
        for step in range(steps + 1):
            if step in moments:
                now = {"weight": weights["gate.weight"], "bias": weights["gate.bias"],
                       "chooses": router.bias if isinstance(router, Biases) else torch.zeros(len(seeds), EXPERTS)}
                for name, values in now.items():
                    kept[name].append(values[0].detach().double().clone())
            if step == steps:
                break
            x, d, token, _ = batches[step % BATCHES]
            optimizer.param_groups[0]["lr"] = STEP_SIZE * min(1.0, 2.02 - 2 * step / steps)
            y = _answer(router, weights, x, token)[-1]
            optimizer.zero_grad()
            ((d - y).square().mean((1, 2)) + router.loss).sum().backward()
            optimizer.step()
    return {name: torch.stack(values) for name, values in kept.items()}


def make_history(followed):
    """What is stored of a training, in thousandths, whole numbers."""
    return {name: (1000 * values).round().to(torch.int32) for name, values in gates(followed).items()}


def load_history(recordings=None):
    """The stored gates by the names of FOLLOWED, as `gates` gives them, to three decimals.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    stored = (recordings or RECORDINGS).load()
    return {name: {part: values.double() / 1000 for part, values in stored[followed].items()}
            for name, followed in FOLLOWED.items()}


RECORDINGS = Recordings(
    "sorting_office", "followed routers", tuple(FOLLOWED.values()), make_history,
    ("sparse/history.py", "sparse/on_ring.py", "sparse/routers.py", "sparse/prices.py", "sparse/balance.py",
     "tasks/toys.py"))
"""The stored gates."""
