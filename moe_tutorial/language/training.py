"""Training a language model on the handbook, each domain equally often, and what became of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import _checks
from .._progress import progress
from .._threads import one_thread
from ..shapes import WHOLE, Count, CountFrom0, Seed, checked
from ..sparse.balance import update_bias
from ..tasks.text import Text
from .transformer import LanguageModel

BETAS, DECAY, LONGEST = (0.9, 0.95), 0.01, 1.0
"""AdamW's two rates and its decay; a longer gradient is cut to this length."""

WARM_UP, LAST = 50, 0.1
"""Steps in which the step size rises, and the part of it that is left at the end."""

WEIGHT, RATE = 0.01, 0.001
"""The weight of the loss for balance, and the rate of the biases."""

MOST = 1.0
"""No step size is larger: AdamW moves a weight by about as much."""

Balance = Literal["loss", "biases", "none"]


@checked
@dataclass(frozen=True, repr=False)
class LanguageHistory:
    """How the loss on held-out text fell. Moments are steps after which it was measured.

    >>> from moe_tutorial import load_language
    >>> load_language()["top-1 of 8"][0].moments
    (0, 100, 200, 300, 400, 500, 600, 700, 800)

    moments: whole numbers of steps, the first is 0.
    losses: the mean loss of each domain at each moment, in nats a character, `(moments, domains)`.
    loads: of each layer, each expert's share of that text, `(moments, layers, K)`; None for a dense net.
    characters: of a step.
    """

    moments: tuple
    losses: Annotated[Tensor, "moments domains"]
    loads: Annotated[Tensor, "moments layers K"] | None
    characters: Count

    def __post_init__(self):
        _checks.sequence("moments", self.moments)
        for place, moment in enumerate(self.moments):
            _checks.count_from_zero(f"moments[{place}]", moment)
        if len(self.moments) != len(self.losses):
            raise ValueError(f"moments has {len(self.moments)} entries, wanted {len(self.losses)}, as many as the losses")

    @property
    def loss(self):
        """The mean of the domains at each moment, `(moments,)`."""
        return self.losses.mean(1)

    def __repr__(self):
        return (f"LanguageHistory: {self.moments[-1]} steps, {self.moments[-1] * self.characters / 1e6:.2f} million "
                f"characters, loss {self.loss[-1]:.2f}")


@checked
def training_pieces(text: Text, cases: Count, generator: torch.Generator) -> Annotated[Tensor, "N T", WHOLE]:
    """The characters of so many pieces of text, drawn with putting back, each domain equally often.

    >>> from moe_tutorial import load_handbook
    >>> training_pieces(load_handbook().train, 16, torch.Generator().manual_seed(0)).shape
    torch.Size([16, 65])

    What is left over goes to the first domains.
    """
    return _drawn(text, cases, generator)


def _drawn(text, cases, generator):
    rows, domains = [], len(text.domains)
    for number in range(domains):
        found = (text.domain == number).nonzero()[:, 0]
        wanted = cases // domains + (number < cases % domains)
        rows.append(found[torch.randint(len(found), (wanted,), generator=generator)])
    return text.characters[torch.cat(rows)]


def _step_size(name, value):
    _checks.positive(name, value)
    if value > MOST:
        raise ValueError(f"{name} must be at most {MOST:g}, got {value:.3g}")


@checked
def train_language_model(model: LanguageModel, train: Text, test: Text, *, steps: CountFrom0 = 800, cases: Count = 16,
                         step_size: Annotated[float, _step_size] = 0.003, balance: Balance = "loss", seed: Seed = 0,
                         look: Count = 100) -> LanguageHistory:
    """Train a model in place on pieces of `train`, and measure its loss on `test`.

    >>> from moe_tutorial import load_handbook
    >>> book = load_handbook()
    >>> train_language_model(LanguageModel(characters=119), book.train, book.test.some(1), steps=1)
    LanguageHistory: 1 steps, 0.00 million characters, loss 4.96

    steps: of AdamW. cases: pieces of text a step. step_size: the largest; it rises in the first 50 steps and falls to a
        tenth along a cosine.
    balance: what keeps the experts of a mixture busy: "loss", the Switch Transformer's, with weight 0.01; "biases", by 0.001
        a step; "none".
    seed: of the pieces. look: the loss is measured after so many steps each.

    Same seed, same pieces, whatever the model. One thread.
    """
    return trained(model, train, test, steps, cases, step_size, balance, seed, look)


def trained(model, train, test, steps, cases, step_size, balance, seed, look, watch=None):
    """What `train_language_model` returns. watch: is called with the number of steps at each moment."""
    generator = torch.Generator().manual_seed(1000 + int(seed))
    optimizer = torch.optim.AdamW(model.parameters(), lr=step_size, betas=BETAS, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _part_of_step(step, steps))
    found = []
    with one_thread():
        for step in progress(range(steps + 1), description="steps"):
            if step % look == 0 or step == steps:
                found.append((step, *measured(model, test)))
                if watch is not None:
                    watch(step)
            if step < steps:
                _step(model, _drawn(train, cases, generator), optimizer, balance)
                schedule.step()
    moments, losses, loads = zip(*found)
    return LanguageHistory(moments, torch.stack(losses), torch.stack(loads) if model.layers else None,
                           cases * train.section.shape[1])


def _part_of_step(step, steps):
    """What part of the largest step size a step has."""
    return min(1, (step + 1) / WARM_UP) * (LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * step / max(1, steps))))


def _step(model, pieces, optimizer, balance):
    scores, routed = model(pieces[:, :-1])
    loss = functional.cross_entropy(scores.flatten(0, 1), pieces[:, 1:].flatten())
    if balance == "loss":
        loss = loss + WEIGHT * sum(one.balance_loss for one in routed)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), LONGEST)
    optimizer.step()
    if balance == "biases":
        for layer, one in zip(model.layers, routed):
            counts = torch.bincount(one.chosen.flatten(), minlength=len(layer.bias))
            layer.bias.copy_(update_bias(layer.bias, counts, RATE))


@torch.no_grad()
def measured(model, text, choose: Mapping | None = None, at_once: CountFrom0 = 200):
    """The mean loss of each domain `(domains,)`, and the share of each expert of each layer, `(layers, K)`."""
    losses, domains, chosen = torch.zeros(len(text.domains)), torch.bincount(text.domain, minlength=len(text.domains)), []
    for start in range(0, len(text), at_once):
        piece = text[slice(start, start + at_once)]
        scores, routed = model(piece.characters[:, :-1], choose)
        loss = functional.cross_entropy(scores.transpose(1, 2), piece.characters[:, 1:], reduction="none").mean(1)
        losses.index_add_(0, piece.domain, loss)
        chosen.append([one.chosen.flatten() for one in routed])
    loads = [torch.bincount(torch.cat(one), minlength=len(layer.bias)).float() for one, layer in
             zip(zip(*chosen), model.layers)]
    return losses / domains, torch.stack([one / one.sum() for one in loads]) if loads else None
