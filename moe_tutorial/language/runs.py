"""A run of chapters 14 and 15: which model is trained how, and what is kept of it."""

from dataclasses import dataclass
from typing import Any

import torch

from .._threads import one_thread
from ..shapes import checked
from ..tasks.text import Text, load_handbook
from .choices import permuted_choices, without_expert
from .training import measured, trained
from .transformer import LanguageModel

MODELS: dict[str, dict[str, Any]] = {
    "dense": {},
    "top-1 of 8": {"experts": 8},
    "top-2 of 16": {"experts": 16, "k": 2, "hidden": 128},
    "3 of 31 and a shared one": {"experts": 31, "k": 3, "hidden": 64, "shared": 64},
    "wide dense": {"hidden": 2048},
}
"""What the models of the chapters are made with, by the chapters' names; what is not named is `LanguageModel`'s own."""

HELD_OUT, INSIDE, EXCERPTS = 100, 150, 2
"""Held-out pieces of each domain: for the losses; for what the experts know; as excerpts to look at, out of those."""

SEED_OF_PIECES = 5
"""Of the pieces for what the experts know. The losses are those of the first pieces of each domain."""

SHOWN = (0, 100, 200, 400, 800)
"""The steps after which the excerpts' experts are stored."""


STEP_SIZE, LOOK = 0.003, 100
"""Of all runs, tuned for none; and steps between two measurements."""


@dataclass(frozen=True)
class LanguageRun:
    """What is trained: a name from MODELS, and how. distance, frozen: of the model. inside: whether its choices are kept."""

    model: str
    seed: int
    balance: str = "loss"
    frozen: bool = False
    steps: int = 800
    cases: int = 16
    distance: bool = True
    inside: bool = False


@checked
def knowledge_text() -> Text:
    """The held-out text whose experts are stored: 150 pieces of each domain, 48 000 characters.

    >>> knowledge_text()
    Text: 750 pieces of 64 characters, 5 domains, 9 sections
    """
    return load_handbook().test.some(INSIDE, SEED_OF_PIECES)


@checked
def excerpt_text() -> Text:
    """The excerpts to look at: the first two pieces of each domain of `knowledge_text`.

    >>> excerpt_text()
    Text: 10 pieces of 64 characters, 5 domains, 6 sections
    """
    return knowledge_text().some(EXCERPTS)


@one_thread()
def make_language(run):
    """What is stored of a run."""
    book = load_handbook()
    model = _model(run, book)
    seen: list[Any] = []

    def watch(step):
        if run.inside and step in SHOWN:
            seen.append((step, *_looked_at(model)))

    history = trained(model, book.train, book.test.some(HELD_OUT), run.steps, run.cases, STEP_SIZE, run.balance, run.seed,
                      LOOK, watch)
    found = {"moments": list(history.moments), "losses": history.losses, "characters": history.characters,
             "loads": history.loads}
    return found | {"inside": _inside(model, seen)} if run.inside else found


def _model(run, book):
    given = dict(MODELS[run.model]) | ({} if run.distance else {"distance": None})
    return LanguageModel(len(book.train.alphabet), **given, frozen=run.frozen, seed=run.seed)


@torch.no_grad()
def _chosen(model, text):
    """Of each layer the expert with the largest proportion of each character, and that proportion, (layers, N, T)."""
    several = [model(text.characters[start:start + 150, :-1])[1] for start in range(0, len(text), 150)]
    p = torch.stack([torch.cat([one[layer].p for one in several]) for layer in range(len(model.layers))])
    largest, expert = p.max(-1)
    return expert.view(len(p), *text.section.shape).to(torch.uint8), largest.view(len(p), *text.section.shape)


def _looked_at(model):
    expert, largest = _chosen(model, excerpt_text())
    return expert, (100 * largest).round().to(torch.uint8)


def _inside(model, seen):
    text = knowledge_text()
    loss, _ = measured(model, text)

    def rise(layer, choose):
        return measured(model, text, {layer: choose})[0] - loss

    layers, experts = range(len(model.layers)), range(model.layers[0].gate.out_features)
    forbidden = [torch.stack([rise(layer, without_expert(expert)) for expert in experts]) for layer in layers]
    moments, excerpts, proportions = zip(*seen)
    return {"chosen": _chosen(model, text)[0], "moments": list(moments),
            "permuted": torch.stack([rise(layer, permuted_choices(0)) for layer in layers]),
            "forbidden": torch.stack(forbidden), "excerpts": torch.stack(excerpts),
            "proportions": torch.stack(proportions)}
