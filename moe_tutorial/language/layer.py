"""A mixture of experts as one layer of a network: k of K experts with one hidden layer each, and a linear gate."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import _checks
from ..shapes import WHOLE, Count, CountFrom0, checked

Cases = Annotated[Tensor, "N D"]
Chosen = Annotated[Tensor, "N k", WHOLE]
Choice = Callable[[Tensor], Tensor]
"""From the proportions p `(N, K)` of the cases to the experts that are computed, `(N, k)`."""

FIRST_GATE = 0.02
"""The spread of the gate's weights before training."""


@checked
@dataclass(frozen=True, repr=False)
class Routed:
    """What a layer did with its N cases: the experts that were chosen `(N, k)`, and the proportions p of all, `(N, K)`.

    >>> Routed(torch.tensor([[1], [1], [0]]), torch.tensor([[0.4, 0.6], [0.1, 0.9], [0.7, 0.3]])).load
    tensor([0.3333, 0.6667])
    """

    chosen: Chosen
    p: Annotated[Tensor, "N K"]

    @property
    def load(self):
        """The share f of all choices that went to each expert, `(K,)`; sums to 1."""
        counts = torch.bincount(self.chosen.flatten(), minlength=self.p.shape[-1])
        return counts.to(self.p.dtype) / self.chosen.numel()

    @property
    def balance_loss(self):
        """The Switch Transformer's loss for balance, K Σ f P. P is the mean of p over the cases; f has no gradient."""
        return self.p.shape[-1] * (self.load * self.p.mean(0)).sum()

    def __repr__(self):
        (cases, k), experts = self.chosen.shape, self.p.shape[-1]
        return f"Routed: {cases} cases, {k} of {experts} experts each"


@checked
def moe_outputs(x: Cases, chosen: Chosen, share: Annotated[Tensor, "N k"], first: Annotated[Tensor, "K D H"],
                first_bias: Annotated[Tensor, "K H"], second: Annotated[Tensor, "K H M"],
                second_bias: Annotated[Tensor, "K M"]) -> Annotated[Tensor, "N M"]:
    """The outputs y of the layer: of each case the answers of its chosen experts, each multiplied by its share.

    >>> one, two = torch.ones(1, 2), torch.zeros(1, 2)
    >>> moe_outputs(torch.ones(1, 2), torch.tensor([[1]]), torch.tensor([[0.5]]), torch.zeros(2, 2, 3), torch.zeros(2, 3),
    ...             torch.zeros(2, 3, 2), torch.cat([two, one]))
    tensor([[0.5000, 0.5000]])

    x: cases `(N, D)`. chosen: the numbers of each case's experts, `(N, k)`. share: how much each of them counts, `(N, k)`.
    first, first_bias: of the hidden layers, `(K, D, H)` and `(K, H)`. second, second_bias: `(K, H, M)` and `(K, M)`.

    The cases are sorted by expert, and each expert computes its own at once. Hidden units are GELU. An expert without cases
    computes nothing. Gives what all experts with shares of 0 would give.

    ValueError: an expert that is not there, or the same expert twice in a case.
    """
    low, high = int(chosen.min()), int(chosen.max())
    if low < 0 or high >= len(first):
        raise ValueError(f"chosen must hold the numbers of experts, from 0 to {len(first) - 1}, got "
                         f"{low if low < 0 else high}")
    twice = (chosen.sort(dim=1).values.diff(dim=1) == 0).any(1)
    if twice.any():
        case = int(twice.nonzero()[0])
        raise ValueError(f"chosen must hold different experts in a case, got {chosen[case].tolist()} in case {case}")
    return _outputs(x, chosen.long(), share, first, first_bias, second, second_bias)


def _outputs(x, chosen, share, first, first_bias, second, second_bias):
    queued = chosen.flatten()
    order = queued.argsort(stable=True)
    case = order // chosen.shape[1]
    pieces = x[case].split(torch.bincount(queued, minlength=len(first)).tolist())
    answers = [torch.addmm(second_bias[i], functional.gelu(torch.addmm(first_bias[i], piece, first[i])), second[i])
               for i, piece in enumerate(pieces) if len(piece)]
    weighed = torch.cat(answers) * share.flatten()[order, None]
    return torch.zeros(len(x), second.shape[-1], dtype=weighed.dtype).index_add(0, case, weighed)


class FeedForward(nn.Module):
    """One expert for all cases: a hidden layer of GELU units, and back to as many numbers as came in.

    >>> FeedForward(inputs=64, hidden=256)(torch.zeros(5, 64)).shape
    torch.Size([5, 64])
    """

    @checked
    def __init__(self, inputs: Count, hidden: Count):
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, inputs)

    @checked
    def forward(self, x: Annotated[Tensor, "N D"]):
        _check_cases(x, self.first)
        return self.second(functional.gelu(self.first(x)))


class MoELayer(nn.Module):
    """K experts of which k are computed for a case, in the place of a `FeedForward`.

    >>> layer = MoELayer(inputs=64, hidden=256, experts=8)
    >>> y, routed = layer(torch.randn(5, 64))
    >>> y.shape, routed
    (torch.Size([5, 64]), Routed: 5 cases, 1 of 8 experts each)

    Calling it on cases x `(N, D)` gives the outputs y `(N, D)` and a `Routed`.

    inputs: D, which is the number of outputs, too. hidden: units of each expert, H. experts: K. k: experts of a case.
    renormalise: whether the proportions of the chosen ones are divided by their sum. None is True for more than one, as in
        Mixtral, and False for one, as in the Switch Transformer: with one expert a case a renormalised proportion is 1
        whatever the gate says, and the gate learns nothing.
    shared: hidden units that are computed for every case besides.

    Parameters `gate.weight` `(K, D)`, `first` `(K, D, H)`, `first_bias` `(K, H)`, `second` `(K, H, D)`, `second_bias`
    `(K, D)`.
    The buffer `bias` `(K,)` is added to the proportions when experts are chosen, and not when they are weighed.

    ValueError: k is larger than the number of experts, or a single chosen expert is to be renormalised.
    """

    bias: Tensor

    @checked
    def __init__(self, inputs: Count, hidden: Count, experts: Count, k: Count = 1, renormalise: bool | None = None,
                 shared: CountFrom0 = 0):
        super().__init__()
        if k > experts:
            raise ValueError(f"k is {k}, but there are only {experts} experts")
        if k == 1 and renormalise:
            raise ValueError("renormalise with k = 1 makes every share 1, and the gate would get no gradient")
        self.k, self.renormalise = k, k > 1 if renormalise is None else renormalise
        self.gate = nn.Linear(inputs, experts, bias=False)
        nn.init.normal_(self.gate.weight, std=FIRST_GATE)
        self.first, self.second = _uniform(experts, inputs, hidden), _uniform(experts, hidden, inputs)
        self.first_bias, self.second_bias = (nn.Parameter(torch.zeros(experts, size)) for size in (hidden, inputs))
        self.register_buffer("bias", torch.zeros(experts))
        self.shared = FeedForward(inputs, shared) if shared else None

    @checked
    def forward(self, x: Annotated[Tensor, "N D"], choose: Choice | None = None):
        """y and a `Routed`. choose: from p to the experts of each case; None for the k with the largest p + bias."""
        _check_cases(x, self.gate)
        p = torch.softmax(self.gate(x), dim=-1)
        chosen = self._largest(p.detach()) if choose is None else _chosen(choose, p.detach())
        share = p.gather(-1, chosen)
        if self.renormalise:
            share = share / share.sum(-1, keepdim=True)
        y = _outputs(x, chosen, share, self.first, self.first_bias, self.second, self.second_bias)
        return y if self.shared is None else y + self.shared(x), Routed(chosen, p)

    def _largest(self, p):
        """The k experts with the largest p + bias; of equal ones those with the smaller numbers."""
        return (p + self.bias).argsort(dim=-1, descending=True, stable=True)[:, : self.k]


def _check_cases(x, linear):
    if x.shape[1] != linear.in_features:
        raise ValueError(f"x has {x.shape[1]} inputs, wanted {linear.in_features}")
    if x.dtype != linear.weight.dtype:
        raise TypeError(f"x holds {x.dtype}, and the weights {linear.weight.dtype}: wanted is the same")


def _chosen(choose, p):
    """What `choose` says of the cases, if that is experts."""
    if isinstance(choose, type):
        raise TypeError(f"choose must be a function, got the class {choose.__name__}")
    _checks.function("choose", choose)
    chosen = choose(p)
    _checks.floats("what choose returns", chosen, len(p), "k", runs="", kind="whole numbers")
    if int(chosen.min()) < 0 or int(chosen.max()) >= p.shape[1]:
        raise ValueError(f"choose must return the numbers of experts, from 0 to {p.shape[1] - 1}, got "
                         f"{int(chosen.min())} to {int(chosen.max())}")
    return chosen.long()


def _uniform(experts, inputs, outputs):
    """Weights as `nn.Linear` draws them, within one over the root of the number of inputs."""
    return nn.Parameter(torch.empty(experts, inputs, outputs).uniform_(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs)))
