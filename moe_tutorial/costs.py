"""What a mixture costs when every expert is computed for every case, and when only the gate's favourite is.

The experts here have a hidden layer, as a later, larger mixture's have; the paper's linear ones cost no more than their
share of the gate. Times depend on the machine, so they are measured once and stored, and chapter 9 shows what is stored.
"""

import time
from dataclasses import dataclass
from statistics import median

import torch

from . import _checks
from ._threads import one_thread
from .recordings import Recordings

EXPERTS = (1, 4, 16, 64)
INPUTS, HIDDEN, CASES = 64, 64, 2000
"""Sizes of the mixtures that are measured."""


def multiplications(experts, computed, inputs, hidden=0):
    """The multiplications of one case: the gate's total inputs, the computed experts with one output, and the blend.

    experts: K. computed: how many of them are computed, from 1 to K; with one there is nothing to blend.
    inputs: D. hidden: the hidden units of an expert, 0 for the paper's linear expert.
    """
    for name, value in (("experts", experts), ("computed", computed), ("inputs", inputs)):
        _checks.count(name, value)
    if computed > experts:
        raise ValueError(f"computed is {computed}, but there are only {experts} experts")
    one_expert = inputs * hidden + hidden if hidden else inputs
    return experts * inputs + computed * one_expert + (computed if computed > 1 else 0)


def random_mixture(experts, inputs=INPUTS, hidden=HIDDEN, seed=0):
    """A gate `(K, D)`, hidden layers `(K, D, H)` and output weights `(K, H)` with random numbers, without biases."""
    generator = torch.Generator().manual_seed(seed)
    shapes = (experts, inputs), (experts, inputs, hidden), (experts, hidden)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) / inputs**0.5 for shape in shapes]


def blend_of_all(x, gate, first, second):
    """Every expert computed for every case, and blended in the gate's proportions, `(N,)`. x: `(N, D)`."""
    p = torch.softmax(x @ gate.T, dim=-1)
    hidden = torch.sigmoid(torch.einsum("nd,kdh->nkh", x, first))
    o = torch.sigmoid(torch.einsum("nkh,kh->nk", hidden, second))
    return (p * o).sum(-1)


def favourite_only(x, gate, first, second):
    """For each case only the expert with the largest proportion is computed, `(N,)`. x: `(N, D)`."""
    favourite = (x @ gate.T).argmax(-1)
    y = torch.empty(len(x), dtype=x.dtype)
    for expert in range(len(gate)):
        mine = (favourite == expert).nonzero()[:, 0]
        y[mine] = torch.sigmoid(torch.sigmoid(x[mine] @ first[expert]) @ second[expert])
    return y


@one_thread()
def measure(experts=EXPERTS, repetitions=15):
    """Seconds for CASES cases on one core: for each number of experts, all computed and the favourite only; medians."""
    x = torch.randn(CASES, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return {count: {compute.__name__: _seconds(compute, (x, *random_mixture(count)), repetitions)
                    for compute in (blend_of_all, favourite_only)} for count in experts}


@dataclass(frozen=True)
class Sizes:
    """What is measured: the numbers of experts, the inputs and hidden units of each, and the cases."""

    experts: tuple[int, ...] = EXPERTS
    inputs: int = INPUTS
    hidden: int = HIDDEN
    cases: int = CASES


def make_costs(sizes):
    """What is stored: by the number of experts, the times as multiples of that of one expert, to two digits."""
    return multiples(measure(sizes.experts))


def multiples(measured):
    """Times as multiples of the time of a mixture of one expert, all computed, to two digits."""
    one = measured[1]["blend_of_all"]
    return {str(count): [float(f"{seconds / one:.2g}") for seconds in times.values()] for count, times in measured.items()}


def load_costs(recordings=None):
    """The stored times: a dict from the number of experts to (all, favourite only), each as a multiple of one expert's.

    recordings: another `Recordings` of costs than the package's own, RECORDINGS.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    stored, = (recordings or RECORDINGS).load().values()
    return {int(experts): tuple(times) for experts, times in stored.items()}


def _seconds(compute, arguments, repetitions):
    times = []
    for _ in range(repetitions + 1):
        begun = time.perf_counter()
        compute(*arguments)
        times.append(time.perf_counter() - begun)
    return median(times[1:])  # the first one warms up


RECORDINGS = Recordings("costs", "measured costs", (Sizes(),), make_costs, ("costs.py",))
