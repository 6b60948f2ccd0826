"""Biases as prices: the balanced assignment of cases to experts, and the same with an entropy, by Sinkhorn's steps."""

import math
from typing import Annotated

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..shapes import WHOLE, Count, Positive, Scores, checked

Plan = Annotated[Tensor, "… N K"]


@checked
def balanced_assignment(scores: Scores) -> Annotated[Tensor, "… N", WHOLE]:
    """One expert for each case, none with more than N / K, rounded up, so that the sum of the cases' scores is the largest.

    >>> balanced_assignment(torch.tensor([[3.0, 2.0], [2.0, 0.0], [1.0, 0.5], [3.0, 0.0]]))
    tensor([1, 0, 1, 0])

    The assignment of BASE layers (2021), here by scipy's solver, each run for itself. Its time grows faster than the square
    of the number of cases: some 4 ms for 256 of them.
    """
    cases, experts = scores.shape[-2:]
    room = math.ceil(cases / experts)
    found = []
    for one in scores.detach().double().reshape(-1, cases, experts):
        case, place = linear_sum_assignment(one.repeat_interleave(room, dim=1).cpu().numpy(), maximize=True)
        assert len(case) == cases
        found.append(torch.from_numpy(place) // room)
    return torch.stack(found).reshape(scores.shape[:-1])


@checked
def sinkhorn(scores: Scores, temperature: Positive = 1.0, iterations: Count = 8) -> tuple[Plan, Annotated[Tensor, "… K"]]:
    """A plan that divides each case among the experts, each expert with N / K of them in all, and the experts' prices.

    >>> plan, prices = sinkhorn(torch.tensor([[3.0, 2.0], [2.0, 0.0], [1.0, 0.5], [3.0, 0.0]]), iterations=100)
    >>> plan.sum(0)
    tensor([2., 2.])

    plan: the exponentials of `(scores + prices) / temperature`, divided by their sum in each case. Columns and rows are
    brought to their sums by turns, with rows last, so that after few iterations the columns are off. All is done with
    logarithms, as exponentials of scores of 1000 are beyond the numbers.

    prices: `(…, K)`, with the mean 0. The lower the temperature, the nearer to prices of `balanced_assignment`, if
    the iterations are enough: the colder, the more it takes.
    """
    cases, experts = scores.shape[-2:]
    logs, prices = scores / temperature, torch.zeros_like(scores[..., 0, :])
    rows = torch.zeros_like(scores[..., :1])
    for _ in range(iterations):
        prices = math.log(cases / experts) - torch.logsumexp(logs - rows, dim=-2)
        rows = torch.logsumexp(logs + prices[..., None, :], dim=-1, keepdim=True)
    plan = (logs + prices[..., None, :] - rows).exp()
    return plan, temperature * (prices - prices.mean(dim=-1, keepdim=True))
