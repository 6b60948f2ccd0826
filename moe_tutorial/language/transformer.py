"""A small transformer that predicts the next character, with a mixture of experts where the feed-forward net stood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import _checks
from ..shapes import WHOLE, Count, CountFrom0, Seed, checked
from .layer import Choice, FeedForward, MoELayer

FIRST_CHARACTERS, FIRST_PLACES = 0.08, 0.02
"""The spreads of the vectors of characters and of places before training."""

RATES = (1.0, 0.5, 0.25, 0.0625)
"""How fast the attention of each of four heads falls off with the distance: its score loses so much a character."""


class Block(nn.Module):
    """Attention to what came before, then one layer for each case alone; both are added to what came in.

    inputs: D. heads: of the attention, each D / heads numbers wide. layer: a `FeedForward` or a `MoELayer`.
    distance: how fast attention falls off with the distance, a rate for each head (Press, Smith and Lewis 2022); or None.
    """

    rates: Tensor

    def __init__(self, inputs, heads, layer, distance):
        super().__init__()
        self.heads, self.layer = heads, layer
        self.norm, self.projections = nn.LayerNorm(inputs), nn.Linear(inputs, 3 * inputs)
        self.together, self.layer_norm = nn.Linear(inputs, inputs), nn.LayerNorm(inputs)
        rates = [0.0] * heads if distance is None else [float(rate) for rate in distance]
        self.register_buffer("rates", torch.tensor(rates), persistent=False)

    def forward(self, x, choose=None):
        x = x + self.attention(self.norm(x))
        cases = self.layer_norm(x).flatten(0, 1)
        y, routed = self.layer(cases, choose) if isinstance(self.layer, MoELayer) else (self.layer(cases), None)
        return x + y.view_as(x), routed

    def attention(self, x):
        texts, length, inputs = x.shape
        place = torch.arange(length)
        back = place[:, None] - place
        mask = (-back * self.rates[:, None, None]).masked_fill(back < 0, -torch.inf)
        query, key, value = self.projections(x).view(texts, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask.to(x.dtype))
        return self.together(seen.transpose(1, 2).reshape(texts, length, inputs))


class LanguageModel(nn.Module):
    """A transformer over characters: from each piece of text the scores of the character that follows each of its own.

    >>> model = LanguageModel(characters=119, experts=8)
    >>> scores, routed = model(torch.zeros(2, 64, dtype=torch.int64))
    >>> scores.shape, routed
    (torch.Size([2, 64, 119]), (Routed: 128 cases, 1 of 8 experts each, Routed: 128 cases, 1 of 8 experts each))

    Calling it on characters `(N, T)` gives scores `(N, T, characters)`, and of each `MoELayer` a `Routed`, whose
    cases are the T characters of the first piece, then those of the second.

    characters: size of the alphabet. hidden: units of each expert. experts: K, or None for a dense net, one `FeedForward` a
    block. k, renormalise, shared: as for `MoELayer`. blocks, heads, inputs: how many, and the length D of the vector of a
    case. length: the longest T. distance: what the attention of each head loses a character of distance, in scores, as many
    numbers as heads; None for attention that does not know it. frozen: whether the gates keep their first, random weights.
    seed: of all first weights.

    ValueError: inputs that the heads do not divide; other than one rate a head; k, renormalise as for `MoELayer`; settings
    of a mixture without experts.
    """

    @checked
    def __init__(self, characters: Count, hidden: Count = 256, experts: Count | None = None, k: Count = 1,
                 renormalise: bool | None = None, shared: CountFrom0 = 0, blocks: Count = 2, heads: Count = 4,
                 inputs: Count = 64, length: Count = 64,
                 distance: Annotated[Sequence[float], _checks.numbers] | None = RATES, frozen: bool = False, seed: Seed = 0):
        super().__init__()
        if inputs % heads:
            raise ValueError(f"inputs must be a multiple of heads, got {inputs} and {heads}")
        if distance is not None and len(distance) != heads:
            raise ValueError(f"distance must have a rate for each of the {heads} heads, got {_checks.said(distance)}")
        if experts is None and (k > 1 or renormalise is not None or shared or frozen):
            raise ValueError("k, renormalise, shared and frozen belong to a mixture: name the number of experts, too")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed))
            self.character, self.place = nn.Embedding(characters, inputs), nn.Embedding(length, inputs)
            nn.init.normal_(self.character.weight, std=FIRST_CHARACTERS)
            nn.init.normal_(self.place.weight, std=FIRST_PLACES)
            self.blocks = nn.ModuleList()
            for _ in range(blocks):
                layer = (FeedForward(inputs, hidden) if experts is None else
                         MoELayer(inputs, hidden, experts, k, renormalise, shared))
                self.blocks.append(Block(inputs, heads, layer, distance))
            self.norm, self.scores = nn.LayerNorm(inputs), nn.Linear(inputs, characters)
        for layer in self.layers:
            layer.gate.weight.requires_grad_(not frozen)

    @property
    def layers(self):
        """Each layer that is a `MoELayer`, from the first block on; none in a dense net."""
        return [block.layer for block in self.blocks if isinstance(block.layer, MoELayer)]

    def forward(self, characters, choose: Mapping[int, Choice] | None = None):
        """Scores and what each layer did. choose: for some layers by number, from p to the experts of each case."""
        if not isinstance(characters, Tensor) or characters.dtype != torch.int64 or characters.ndim != 2:
            raise TypeError(f"characters must be an int64 tensor (N, T), got {_checks.said(characters)}")
        if 0 in characters.shape:
            raise ValueError(f"characters is empty: its shape is {tuple(characters.shape)}")
        if characters.shape[1] > len(self.place.weight):
            raise ValueError(f"characters has pieces of {characters.shape[1]}, and this model was made for at most "
                             f"{len(self.place.weight)}")
        low, high, known = int(characters.min()), int(characters.max()), self.character.num_embeddings
        if low < 0 or high >= known:
            raise ValueError(f"characters must be from 0 to {known - 1}, got {low if low < 0 else high}")
        if choose is not None:
            _checks.mapping("choose", choose)
            for number, function in choose.items():
                _checks.function(f"choose[{number!r}]", function)
        x = self.character(characters) + self.place.weight[:characters.shape[1]]
        done = []
        for number, block in enumerate(self.blocks):
            x, routed = block(x, (choose or {}).get(number))
            done.append(routed)
        return self.scores(self.norm(x)), tuple(routed for routed in done if routed is not None)


@checked
@dataclass(frozen=True)
class ParameterCount:
    """How many parameters a model has, and how many of them are active: used for one case.

    >>> ParameterCount(total=10, active=4)
    ParameterCount(total=10, active=4)
    """

    total: Count
    active: Count


@checked
def count_parameters(model: LanguageModel) -> ParameterCount:
    """All parameters of a model, and those that are used for one case.

    >>> count_parameters(LanguageModel(characters=119, experts=8))
    ParameterCount(total=583799, active=120567)

    An expert that is not chosen is not used. The words are Mixtral's (2024), section 2.1.
    """
    total = sum(parameter.numel() for parameter in model.parameters())
    unused = sum((layer.gate.out_features - layer.k) * sum(weight[0].numel() for weight in
                 (layer.first, layer.first_bias, layer.second, layer.second_bias)) for layer in model.layers)
    return ParameterCount(total, total - unused)


@checked
@torch.no_grad()
def character_losses(model: LanguageModel, characters: Annotated[Tensor, "N T", WHOLE],
                     choose: dict | None = None) -> Annotated[Tensor, "N"]:
    """The mean loss of each piece of text, in nats a character: minus the logarithm of the probability of the right one.

    >>> text = torch.zeros(3, 65, dtype=torch.int64)
    >>> character_losses(LanguageModel(characters=119), text).shape
    torch.Size([3])

    characters: T characters and the one after them, as in `Text.characters`. choose: as for the model; a function of it sees
    all pieces at once.
    """
    scores, _ = model(characters[:, :-1].long(), choose)
    return functional.cross_entropy(scores.transpose(1, 2), characters[:, 1:].long(), reduction="none").mean(1)
