"""What a choice of expert says about something else that is known of a case: mutual information, in nats."""

from typing import Annotated

import torch
from torch import Tensor

from ..shapes import WHOLE, Count, Seed, checked
from ..sparse.balance import mutual_information

Labels = Annotated[Tensor, "N", WHOLE]


@checked
def information(a: Labels, b: Labels) -> float:
    """The mutual information of two labels of the same N cases, from how often they occur together, in nats.

    >>> round(information(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1])), 4)  # one tells the other: ln 2
    0.6931

    a, b: whole numbers from 0, `(N,)`. 0 where one says nothing about the other; never more than the entropy of either.

    Of N cases it comes out too large. For independent a and b with A and B values it is (A - 1)(B - 1) / 2N in the mean, and
    not 0: see `shuffled_information`.

    ValueError: a label below 0.
    """
    return float(mutual_information(_table(a, b)))


@checked
def conditional_information(a: Labels, b: Labels, given: Labels) -> float:
    """What a says about b to who knows a third label already: I(A; B | C) = I(A; (B, C)) - I(A; C), in nats.

    >>> both = torch.tensor([0, 0, 1, 1])
    >>> conditional_information(both, both, given=both)  # nothing is left to say
    0.0

    a, b, given: whole numbers from 0, `(N,)`.

    ValueError: a label below 0.
    """
    _check(a=a, b=b, given=given)
    together = given * (b.max() + 1) + b
    return max(0.0, float(mutual_information(_table(a, together)) - mutual_information(_table(a, given))))


@checked
def shuffled_information(a: Labels, b: Labels, given: Labels | None = None, seed: Seed = 0, times: Count = 3) -> float:
    """What the measure gives when a says nothing about b: a is shuffled among the cases, or among those that share `given`.

    >>> a, b = torch.arange(800) % 8, torch.arange(800) % 5
    >>> information(a, b) < 1e-9, 0.01 < shuffled_information(a, b) < 0.03
    (True, True)

    Without `given` it is the mean of `information` over so many shuffles, with it of `conditional_information`.

    ValueError: a label below 0.
    """
    generator = torch.Generator().manual_seed(int(seed))
    found = []
    for _ in range(times):
        order = torch.randperm(len(a), generator=generator)
        if given is None:
            found.append(information(a[order], b))
        else:
            order = order[torch.argsort(given[order], stable=True)]
            shuffled = torch.empty_like(a)
            shuffled[torch.argsort(given, stable=True)] = a[order]
            found.append(conditional_information(shuffled, b, given))
    return sum(found) / times


@checked
def repetition(chosen: Annotated[Tensor, "N T", WHOLE]) -> tuple[float, float]:
    """How often a case has the same expert as the case before it in its text, and how often it would by chance.

    >>> repetition(torch.tensor([[0, 0, 1, 1, 1]]))
    (0.75, 0.52)

    chosen: the expert of each of T cases of N texts. The chance is Σ q², q the share of each expert: 1 / K only if all have
    the same share.

    ValueError: texts of one case; a number below 0.
    """
    if chosen.shape[1] < 2:
        raise ValueError("chosen must hold texts of at least two cases, got one case each")
    _check(chosen=chosen)
    share = torch.bincount(chosen.flatten()).double() / chosen.numel()
    same = (chosen[:, 1:] == chosen[:, :-1]).double().mean()
    return round(float(same), 12), round(float(share.square().sum()), 12)


def _table(a, b):
    """How often each value of a occurs with each of b, `(A, B)`."""
    _check(a=a, b=b)
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    return torch.bincount(a.long() * columns + b.long(), minlength=rows * columns).view(rows, columns)


def _check(**labels):
    for name, values in labels.items():
        if int(values.min()) < 0:
            raise ValueError(f"{name} must hold whole numbers from 0, got {int(values.min())}")
