"""What the paper says came out of its experiment, and what came out here: Table 1, the t tests and the claims."""

import math
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor

from .._words import p_value, span
from ..shapes import checked
from .replication import MIXTURES, NETS, SYSTEMS, Replication

PAPER = {
    "4 experts": {"train": 88, "test": 90, "epochs": 1124, "deviation": 23},
    "8 experts": {"train": 88, "test": 90, "epochs": 1083, "deviation": 12},
    "BP 6 hidden": {"train": 88, "test": 90, "epochs": 2209, "deviation": 83},
    "BP 12 hidden": {"train": 88, "test": 90, "epochs": 2435, "deviation": 124},
}
"""Table 1 of the paper: per cent correct on training and test set, mean number of epochs and standard deviation."""

HALF = 0.55
"""Mixtures that need a smaller fraction than this of the networks' epochs need "about half" of them; our reading."""


@checked
@dataclass(frozen=True)
class Claim:
    """One of the paper's claims: what it says, the paper's figure, ours, and whether it held."""

    says: str
    paper: str
    ours: str
    held: bool


@checked
def t_test(one: Annotated[Tensor, "R"], other: Annotated[Tensor, "S"]) -> tuple[float, int, float]:
    """Student's t test with pooled variance, as the paper's of Table 1: t, the degrees of freedom, and the two-sided p.

    >>> t_test(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0]))[1]
    4

    one, other: numbers `(R,)`, such as the epochs of 25 simulations each; t is negative where `one` is the smaller.

    TypeError, ValueError: no floating-point tensors, fewer than two numbers in one of them, or all alike in both.
    """
    for name, sample in (("one", one), ("other", other)):
        if len(sample) < 2:
            raise ValueError(f"a t test needs two numbers or more, got {len(sample)} in {name}")
    spread = [sample.double().var().item() for sample in (one, other)]
    if not 0 < sum(spread) < math.inf:
        raise ValueError("a t test needs numbers of some spread, got one and other with the variances "
                         + " and ".join(f"{value:g}" for value in spread))
    from scipy.stats import ttest_ind  # takes half a second to import, and only this needs it

    result = ttest_ind(one.detach().double().numpy(), other.detach().double().numpy(), equal_var=True)
    return result.statistic.item(), int(result.df), result.pvalue.item()


@checked
def claims(replication: Replication) -> dict[str, Claim]:
    """The paper's claims about its Table 1, tried on a `Replication`: a dict from short names to `Claim`.

    >>> from moe_tutorial import Protocol, load_cell
    >>> claims(load_cell(Protocol()))["half"].ours
    "0.66 of the networks', p < 0.001"

    The rules: "about half" is a fraction below HALF, with p < 0.001 for each mixture against each network; "faster" and
    "slower" are a smaller or larger mean with p < 0.05; "2 or 3 live" has to be so in every run; accuracies are the same if
    they are to the per cent. No claim holds where a run of any system did not converge: the paper speaks of what is there
    when the criterion is met.
    """
    runs = replication.simulations
    if not runs.keys() >= SYSTEMS.keys():
        raise ValueError(f"replication has simulations of {', '.join(runs) or 'nothing'}, wanted {', '.join(SYSTEMS)}")
    all_converged = all(r.converged.all().item() for r in runs.values())
    mean = {name: r.epochs.mean().item() for name, r in runs.items()}  # NaN where no run converged

    def p(one, other):
        samples = runs[one].epochs, runs[other].epochs
        enough = min(map(len, samples)) > 1 and any(sample.var() > 0 for sample in samples)
        return t_test(*samples)[2] if enough else 1.0

    def smaller(one, other):
        return mean[one] < mean[other] and p(one, other) < 0.05

    def against(one, other):
        return f"{mean[one]:.0f} against {mean[other]:.0f} epochs, {p_value(p(one, other))}"

    largest = max(p(one, other) for one in MIXTURES for other in NETS)
    half = replication.fraction < HALF and largest < 0.001
    live = torch.cat([counted for name in MIXTURES if (counted := runs[name].live) is not None])
    train, test = ([round(100 * getattr(r, part).mean().item()) for r in runs.values()] for part in ("train", "test"))
    tried = {
        "half": Claim("the mixtures need about half as many epochs", f"{paper_fraction():.2f} of the networks'",
                      f"{replication.fraction:.2f} of the networks', {p_value(largest)}", half),
        "8 < 4": Claim("8 experts are slightly faster than 4", "1083 against 1124 epochs",
                       against("8 experts", "4 experts"), smaller("8 experts", "4 experts")),
        "12 > 6": Claim("12 hidden units are slower than 6", "2435 against 2209 epochs",
                        against("BP 12 hidden", "BP 6 hidden"), smaller("BP 6 hidden", "BP 12 hidden")),
        "2 or 3": Claim("2 or 3 experts stay live", "2 or 3", span(live.tolist()),
                        bool(((live == 2) | (live == 3)).all())),
        "same": Claim("all four systems are equally accurate", "train 88 %, test 90 %",
                      f"train {span(train)} %, test {span(test)} %", len(set(train)) == len(set(test)) == 1),
        "test": Claim("the test set is easier than the training set", "train 88 %, test 90 %",
                      f"train {span(train)} %, test {span(test)} %",
                      all(r.test.mean() > r.train.mean() for r in runs.values())),
    }
    if all_converged:
        return tried
    converged = torch.cat([r.converged for r in runs.values()])
    failed = f"{int((~converged).sum())} of {len(converged)} runs did not converge"
    return {name: replace(claim, ours=failed, held=False) for name, claim in tried.items()}


def paper_fraction():
    """The epochs of the paper's mixtures as a fraction of those of its networks, mean of both against mean of both."""
    mixtures, nets = (sum(PAPER[name]["epochs"] for name in names) for names in (MIXTURES, NETS))
    return mixtures / nets
