"""Keeping every expert busy: losses that ask for an even load, the bias that does it without one, and measures of a load."""

from typing import Annotated

import torch
from torch import Tensor

from .. import _checks
from ..shapes import WHOLE, Count, Scores, checked
from .choice import chosen_experts

Weights = Annotated[Tensor, "… N K"]
Counts = Annotated[Tensor, "… K", WHOLE]
PerExpert = Annotated[Tensor, "… K"]
PerRun = Annotated[Tensor, "…"]
Spread = Annotated[Tensor, "… N K", _checks.above_zero]


@checked
def expert_counts(weights: Weights) -> Counts:
    """How many cases each expert has: those in which its weight is not 0.

    >>> expert_counts(torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]))
    tensor([2, 1, 0])
    """
    return (weights != 0).sum(dim=-2)


@checked
def importance_loss(weights: Weights) -> PerRun:
    """The importance loss of 2017: the squared coefficient of variation of the experts' summed weights.

    >>> importance_loss(torch.tensor([[1.0, 0.0], [1.0, 0.0]])), importance_loss(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    (tensor(1.), tensor(0.))

    The variance, of all K and not of K - 1, divided by the square of the mean: `K · Σ_i q_i² - 1` with the experts' shares
    q of all weight, from 0 to K - 1. It is smooth in the weights, and does not see how many cases have made them.

    ValueError: a negative weight, or no weight at all.
    """
    if (weights < 0).any():
        raise ValueError(f"weights must not be negative, got {weights.min().item():.3g}")
    importance = weights.sum(dim=-2)
    if (importance.sum(dim=-1) == 0).any():
        raise ValueError("weights are 0 for all experts in all cases")
    return _squared_variation(importance)


@checked
def smooth_load(scores: Scores, noisy: Scores, spread: Spread, k: Count) -> PerExpert:
    """The expected load of each expert in 2017's noisy gate: a count of its cases that has a gradient.

    >>> scores = torch.tensor([[2.0, 0.0, 1.0]])
    >>> smooth_load(scores, noisy=scores, spread=torch.ones(1, 3), k=1)
    tensor([0.8413, 0.0228, 0.1587])

    scores, noisy: without and with the noise. spread: the standard deviation of the noise of each score.

    The sum over the cases of the probability that expert i would be chosen if only its own noise were drawn anew: it has to
    exceed the (k + 1)-th largest noisy score if it is among the k now, and the k-th if it is not.

    ValueError: k is not smaller than the number of experts, as nobody would be outside; a spread that is not above 0.
    """
    if k >= scores.shape[-1]:
        raise ValueError(f"k is {k}, but must be smaller than the number of experts of scores, {scores.shape[-1]}: somebody "
                         "has to be outside")
    order, experts = noisy.sort(dim=-1, descending=True, stable=True)
    inside = torch.zeros_like(noisy, dtype=torch.bool).scatter(-1, experts[..., :k], True)
    threshold = torch.where(inside, order[..., k, None], order[..., k - 1, None])
    return torch.special.ndtr((scores - threshold) / spread).sum(dim=-2)


@checked
def load_loss(scores: Scores, noisy: Scores, spread: Spread, k: Count) -> PerRun:
    """The load loss of 2017: the squared coefficient of variation of `smooth_load`, of which it takes the arguments.

    >>> scores = torch.tensor([[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]])
    >>> load_loss(scores, noisy=scores, spread=torch.ones(2, 3), k=1)
    tensor(0.1429)

    Without noise, as when a model is asked, there is no such loss; count the cases then.

    ValueError: as for `smooth_load`.
    """
    return _squared_variation(smooth_load(scores, noisy, spread, k))


@checked
def switch_loss(scores: Scores, k: Count = 1) -> PerRun:
    """The loss of the Switch Transformer, `K · Σ_i f_i P_i`, with f the shares of all choices and P the mean proportions.

    >>> switch_loss(torch.tensor([[9.0, 0.0], [9.0, 0.0]])), switch_loss(torch.tensor([[9.0, 0.0], [0.0, 9.0]]))
    (tensor(1.9998), tensor(1.))

    f sums to 1 here, whatever k. Some programs let it sum to k, and their loss is k times this one.

    One set of scores at a time: of several layers take the mean of their losses, and do not join their scores. f is counted
    and has no gradient. An even load gives 1; so do other things, and a value below 1 is possible.

    ValueError: k is larger than the number of experts; a score is NaN or infinite.
    """
    kept = torch.zeros_like(scores).scatter(-1, chosen_experts(scores.detach(), k), 1.0)
    return switch_product(torch.softmax(scores, dim=-1), kept)


def switch_product(p, kept):
    """`switch_loss` of proportions and of a table of who is kept."""
    counts = kept.to(p.dtype).sum(dim=-2)
    return p.shape[-1] * (counts / counts.sum(dim=-1, keepdim=True) * p.mean(dim=-2)).sum(dim=-1)


@checked
def z_loss(scores: Scores) -> PerRun:
    """The mean over the cases of `(log Σ_j exp s_j)²`, which holds the largest score of a case, not differences.

    >>> z_loss(torch.tensor([[0.0, 0.0]])), z_loss(torch.tensor([[0.0, 0.0]]).log_softmax(-1))
    (tensor(0.4805), tensor(0.))

    It says nothing of balance.

    OverflowError: scores so large that their square is beyond the numbers.
    """
    return torch.logsumexp(scores, dim=-1).square().mean(dim=-1)


@checked
def update_bias(bias: PerExpert, counts: Counts, rate: float = 0.001) -> PerExpert:
    """The biases after a batch: up by `rate` for who had fewer cases than the mean, down for who had more.

    >>> update_bias(torch.zeros(4), torch.tensor([10, 2, 4, 0]), rate=0.01)
    tensor([-0.0100,  0.0100,  0.0000,  0.0100])

    counts: of the cases of each expert in this batch. A bias is added to the score when experts are chosen, and not when
    they are weighed. It is no parameter and has no gradient.

    rate: below 0 it is the mistake of the sign, which chapter 13 shows.

    ValueError: a negative count.
    """
    _check_counts(counts)
    counts = counts.to(bias.dtype)
    return bias + rate * torch.sign(counts.mean(dim=-1, keepdim=True) - counts)


@checked
def cv_squared(counts: Counts) -> PerRun:
    """The squared coefficient of variation of a load: the variance of the counts, of all K, divided by the mean's square.

    >>> cv_squared(torch.tensor([4, 4, 0, 0])), cv_squared(torch.tensor([2, 2, 2, 2]))
    (tensor(1., dtype=torch.float64), tensor(0., dtype=torch.float64))

    ValueError: a negative count, or no cases at all.
    """
    return _squared_variation(_some(counts))


@checked
def max_over_mean(counts: Counts) -> PerRun:
    """How many times its even share the busiest expert has: the others wait for it.

    >>> max_over_mean(torch.tensor([4, 3, 1, 0]))
    tensor(2., dtype=torch.float64)

    ValueError: a negative count, or no cases at all.
    """
    counts = _some(counts)
    return counts.amax(dim=-1) / counts.mean(dim=-1)


@checked
def dead_experts(counts: Counts, below: float = 0.1) -> PerRun:
    """How many experts have less than a tenth of an even share, or than another part of it, `below`.

    >>> dead_experts(torch.tensor([[30, 8, 2, 0], [10, 10, 10, 10]]))
    tensor([1., 0.], dtype=torch.float64)

    ValueError: a negative count, or no cases at all.
    """
    counts = _some(counts)
    return (counts < below * counts.mean(dim=-1, keepdim=True)).sum(dim=-1).double()


@checked
def mutual_information(table: Annotated[Tensor, "… S K", WHOLE]) -> PerRun:
    """What the expert says about the subtask, in nats, from a table of counts with a row for each subtask.

    >>> mutual_information(torch.tensor([[[5, 0], [0, 5]], [[5, 5], [5, 5]]]))
    tensor([0.6931, 0.0000], dtype=torch.float64)

    0 if the two are independent, and at most the entropy of the subtasks, where each expert has cases of one subtask only.

    ValueError: a negative count, or no cases at all.
    """
    joint = _some(table.flatten(-2)).unflatten(-1, table.shape[-2:])
    joint = joint / joint.sum(dim=(-2, -1), keepdim=True)

    def entropy(p):
        return torch.special.entr(p).sum(dim=-1)

    found = entropy(joint.sum(dim=-1)) + entropy(joint.sum(dim=-2)) - entropy(joint.flatten(-2))
    return found.clamp(min=0.0)


def _squared_variation(values):
    return values.var(dim=-1, correction=0) / values.mean(dim=-1).square()


def _check_counts(counts):
    if (counts < 0).any():
        raise ValueError(f"counts must not be negative, got {int(counts.min())}")


def _some(counts):
    """Counts as numbers, of which none is negative and not all are 0."""
    _check_counts(counts)
    if (counts.sum(dim=-1) == 0).any():
        raise ValueError("counts are all 0: there are no cases")
    return counts.double()
