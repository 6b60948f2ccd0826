"""Ten ways to send cases to experts, with one interface: scores go in, weights come out, exactly 0 for who is not computed.

`ROUTERS` has them by name. A router is a module of torch: `train()` and `eval()` tell it whether it trains, what it learns
is among its parameters, and what it remembers besides is a buffer.
"""

import math
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from ..shapes import WHOLE, Count, CountFrom0, NotNegative, Positive, Scores, Seed, checked
from . import balance
from .prices import balanced_assignment, sinkhorn

Weights = Annotated[Tensor, "… N K"]


class Router(nn.Module):
    """What all routers have in common.

    >>> ROUTERS["top-k"](experts=4, k=2)
    TopK(experts=4, k=2)

    experts: K. k: how many a case is sent to. runs: how many runs the scores have in front, 0 for none. seed: of its noise.

    loss: after a call, what this router adds to the loss, one number for each run. begin, shift: the standard deviation of
    the gate's first weights that suits it, and what its first biases are raised by. slots: rows of the gate an expert.
    """

    begin, shift, slots, single = 0.1, 0.0, 1, False

    @checked
    def __init__(self, experts: Count, k: Count = 1, runs: CountFrom0 = 0, seed: Seed = 0):
        super().__init__()
        if k > experts:
            raise ValueError(f"k is {k}, but there are only {experts} experts")
        if self.single and k > 1:
            raise ValueError(f"k is {k}, but {type(self).__name__} sends a case to one expert")
        self.experts, self.k, self.runs = experts, k, (runs,) * (runs > 0)
        self.generator = torch.Generator().manual_seed(int(seed))
        self.loss: Tensor = torch.zeros(self.runs, dtype=torch.float64)

    @checked
    def forward(self, scores: Scores, x: Annotated[Tensor, "… N D"] | None = None,
                token: Annotated[Tensor, "… N", WHOLE] | None = None) -> Weights:
        """The weights. x: the inputs, of which noisy top-k makes its noise. token: of each case, which the hash looks up."""
        wanted = (*self.runs, self.experts * self.slots)
        if (*scores.shape[:-2], scores.shape[-1]) != wanted:
            raise ValueError(f"scores have shape {tuple(scores.shape)}, wanted "
                             f"({', '.join(map(str, (*self.runs, 'N', wanted[-1])))})")
        for name, value in (("x", x), ("token", token)):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
        self.loss = scores.new_zeros(self.runs)
        return self.route(scores, x, token)

    def route(self, scores, x, token):
        raise NotImplementedError

    def extra_repr(self):
        return f"experts={self.experts}, k={self.k}"


class TopK(Router):
    """The k with the largest scores. The weights are their proportions as they are, or, with `renormalise`, sum to 1."""

    @checked
    def __init__(self, experts: Count, k: Count = 1, runs: CountFrom0 = 0, seed: Seed = 0, renormalise: bool = False):
        super().__init__(experts, k, runs, seed)
        self.renormalise = renormalise

    def route(self, scores, x, token):
        return self.chosen(scores)[2]

    def chosen(self, scores):
        """The proportions of all, who is kept, and the weights."""
        p, kept = torch.softmax(scores, dim=-1), _largest(scores.detach(), self.k)
        return p, kept, _softmax_of(scores, kept) if self.renormalise else p * kept


class Switch(TopK):
    """Top-k with the Switch Transformer's loss, times alpha, and with the z-loss, times z."""

    @checked
    def __init__(self, experts: Count, k: Count = 1, runs: CountFrom0 = 0, seed: Seed = 0, renormalise: bool = False,
                 alpha: NotNegative = 0.01, z: NotNegative = 0.0):
        super().__init__(experts, k, runs, seed, renormalise)
        self.alpha, self.z = alpha, z

    def route(self, scores, x, token):
        p, kept, w = self.chosen(scores)
        self.loss = self.alpha * balance.switch_product(p, kept)
        if self.z:
            self.loss = self.loss + self.z * balance.z_loss(scores)
        return w


class NoisyTopK(Router):
    """The gate of Shazeer and others (2017): noise on the scores while it trains, of a spread that it learns; two losses.

    inputs: D. weight: of the importance loss and of the load loss.
    """

    @checked
    def __init__(self, experts: Count, k: Count = 2, runs: CountFrom0 = 0, seed: Seed = 0, inputs: Count = 2,
                 weight: NotNegative = 0.1):
        super().__init__(experts, k, runs, seed)
        if k == experts:
            raise ValueError(f"k is {k} of {experts} experts, but must be smaller: the load loss asks who is outside")
        self.weight = weight
        self.noise_weight = nn.Parameter(torch.zeros(*self.runs, experts, inputs, dtype=torch.float64))
        self.noise_bias = nn.Parameter(torch.zeros(*self.runs, experts, dtype=torch.float64))

    def route(self, scores, x, token):
        if not self.training:
            return _softmax_of(scores, _largest(scores, self.k))
        if x is None:
            raise ValueError("x is missing: while it trains, 'noisy top-k' makes the spread of its noise of the inputs")
        if x.shape[-1] != self.noise_weight.shape[-1]:
            raise ValueError(f"x has {x.shape[-1]} inputs, and this router was made for {self.noise_weight.shape[-1]}")
        raw = x @ self.noise_weight.mT + self.noise_bias[..., None, :]
        spread = nn.functional.softplus(raw) + 0.01
        noisy = scores + spread * torch.randn(scores.shape, generator=self.generator, dtype=scores.dtype)
        w = _softmax_of(noisy, _largest(noisy.detach(), self.k))
        if self.weight:
            self.loss = self.weight * (balance.importance_loss(w) + balance.load_loss(scores, noisy, spread, self.k))
        return w


class Biases(Router):
    """Balance without a loss (2024): a bias for each expert chooses and does not weigh, and follows the counts of a batch.

    rate: of `update_bias`; below 0 it is the mistake of the sign. scores: "softmax", or "sigmoid", as in DeepSeek-V3. With
    k > 1 the weights are divided by their sum. bias: the buffer.
    """

    bias: Tensor

    @checked
    def __init__(self, experts: Count, k: Count = 2, runs: CountFrom0 = 0, seed: Seed = 0, rate: float = 0.01,
                 scores: Literal["softmax", "sigmoid"] = "softmax"):
        super().__init__(experts, k, runs, seed)
        self.rate, self.scores = rate, scores
        self.register_buffer("bias", torch.zeros(*self.runs, experts, dtype=torch.float64))

    def route(self, scores, x, token):
        score = torch.softmax(scores, dim=-1) if self.scores == "softmax" else torch.sigmoid(scores)
        kept = _largest(score.detach() + self.bias[..., None, :], self.k)
        w = self.weighed(score, kept)
        if self.training:
            self.bias = self.moved(kept.sum(dim=-2))
        return w

    def moved(self, counts):
        return balance.update_bias(self.bias, counts, self.rate)

    def weighed(self, score, kept):
        w = score * kept
        return w / w.sum(dim=-1, keepdim=True) if self.k > 1 else w


class Base(Router):
    """BASE layers (2021): while it trains the assignment with N / K cases an expert and the largest sum of scores.

    Asked, it is the favourite. The weight is the proportion of the expert.
    """

    single = True

    def route(self, scores, x, token):
        if not self.training:
            kept = _largest(scores.detach(), 1)
        else:
            kept = torch.zeros_like(scores).scatter(-1, balanced_assignment(scores)[..., None], 1.0)
        return torch.softmax(scores, dim=-1) * kept


class Sinkhorn(Router):
    """While it trains the k largest entries of the plan of `sinkhorn`; asked, the k largest scores.

    The weights are the proportions as they are.
    """

    @checked
    def __init__(self, experts: Count, k: Count = 1, runs: CountFrom0 = 0, seed: Seed = 0, temperature: Positive = 1.0,
                 iterations: Count = 8):
        super().__init__(experts, k, runs, seed)
        self.temperature, self.iterations = temperature, iterations

    def route(self, scores, x, token):
        plan = sinkhorn(scores.detach(), self.temperature, self.iterations)[0] if self.training else scores.detach()
        return torch.softmax(scores, dim=-1) * _largest(plan, self.k)


class ExpertChoice(Router):
    """Experts choose cases (2022): each takes the k · N / K with the largest proportions of it. Some cases have nobody."""

    def route(self, scores, x, token):
        p = torch.softmax(scores, dim=-1)
        room = min(scores.shape[-2], math.ceil(self.k * scores.shape[-2] / self.experts))
        return p * _largest(p.detach().mT, room).mT


class Hash(Router):
    """A fixed table says which expert has which token (2021): no gate, and nothing to learn.

    table: `(V,)`, the same for all runs, or `(R, V)`: the expert of each token. Scores say only the shape.
    """

    table: Tensor
    single = True

    def __init__(self, experts: int, k: int = 1, runs: int = 0, seed: int = 0, *, table: Tensor):
        super().__init__(experts, k, runs, seed)
        if not isinstance(table, Tensor) or table.dtype != torch.int64 or table.dim() not in (1, 1 + len(self.runs)):
            raise ValueError("table must be a tensor of whole numbers, (V,) or one row for each run")
        if table.min() < 0 or table.max() >= experts:
            raise ValueError(f"table must hold the numbers of experts, from 0 to {experts - 1}")
        self.register_buffer("table", table.expand(*self.runs, table.shape[-1]))

    def route(self, scores, x, token):
        if token is None:
            raise ValueError("token is missing: 'hash' looks it up in its table")
        if token.min() < 0 or token.max() >= self.table.shape[-1]:
            raise ValueError(f"token must be from 0 to {self.table.shape[-1] - 1}, the entries of the table")
        return torch.zeros_like(scores).scatter(-1, self.table.gather(-1, token)[..., None], 1.0)


class SoftMoE(Router):
    """Soft MoE (2023): each expert has slots, and each slot sees a blend of *all* cases, of which each case takes its part.

    slots: for each expert; scores are `(…, N, K · slots)`, those of expert 0 first. The weights are the parts that a case
    takes of the slots' answers; `mixed` makes the slots' inputs.
    """

    begin = 1.0

    @checked
    def __init__(self, experts: Count, k: Count = 1, runs: CountFrom0 = 0, seed: Seed = 0, slots: Count = 1):
        super().__init__(experts, k, runs, seed)
        self.slots = slots

    def route(self, scores, x, token):
        return torch.softmax(scores, dim=-1)

    def mixed(self, scores, x):
        """What the slots see: (…, K · slots, D), blends over the cases."""
        return torch.softmax(scores, dim=-2).mT @ x


class Relu(Router):
    """ReMoE (2024): the weight is the score where it is above 0. A loss keeps about k experts a case awake, by its factor.

    factor: by which the loss grows after a batch with more than k, and shrinks after one with less. strength: its weight.
    """

    shift = 0.5
    strength: Tensor

    @checked
    def __init__(self, experts: Count, k: Count = 2, runs: CountFrom0 = 0, seed: Seed = 0, factor: Positive = 1.2):
        super().__init__(experts, k, runs, seed)
        self.factor = factor
        self.register_buffer("strength", torch.full(self.runs, 1e-8, dtype=torch.float64))

    def route(self, scores, x, token):
        w = torch.relu(scores)
        if self.training:
            awake = (w > 0).double().mean(dim=-2)
            share = awake * self.experts / self.k  # 1 where the load is even and as large as wanted
            self.loss = self.strength * (share * w.mean(dim=-2)).sum(dim=-1)
            self.strength = self.strength * self.factor ** torch.sign(awake.mean(dim=-1) - self.k / self.experts)
        return w


def _softmax_of(scores, kept):
    return torch.softmax(scores.masked_fill(~kept, -torch.inf), dim=-1)


def _largest(values, k):
    """True for the k largest of the last dimension, False for the others. Of equal ones the first come first."""
    order = values.argmax(dim=-1, keepdim=True) if k == 1 else values.argsort(dim=-1, descending=True, stable=True)[..., :k]
    return torch.zeros_like(values, dtype=torch.bool).scatter(-1, order, True)


class _Routers(dict[str, type[Router]]):
    """The routers by name.

    >>> ROUTERS["Switch"](experts=4)(torch.tensor([[0.0, 1.0, 0.0, 0.0]]))
    tensor([[0.0000, 0.4754, 0.0000, 0.0000]])
    """


ROUTERS = _Routers({
    "top-k": TopK, "Switch": Switch, "noisy top-k": NoisyTopK, "biases": Biases, "BASE": Base, "Sinkhorn": Sinkhorn,
    "expert choice": ExpertChoice, "hash": Hash, "Soft MoE": SoftMoE, "ReLU": Relu,
})
"""The routers by name."""
