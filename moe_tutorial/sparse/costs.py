"""What a mixture costs when every expert is computed for every case, and when only the gate's favourite is.

The experts here have a hidden layer, as a later, larger mixture's have; the paper's linear ones cost no more than their
share of the gate. Times depend on the machine, so they are measured once and stored, and chapter 9 shows what is stored.
"""

from dataclasses import dataclass

import torch
from torch.utils.benchmark import Timer

from ..recordings import Recordings
from ..shapes import Count, checked

EXPERTS = (1, 4, 16, 64)
INPUTS, HIDDEN, CASES = 64, 64, 2000
"""Sizes of the mixtures that are measured."""


@checked
def multiplications(experts: Count, computed: Count, inputs: Count, hidden: int = 0) -> int:
    """The multiplications of one case: the gate's total inputs, the computed experts with one output, and the blend.

    >>> multiplications(experts=64, computed=1, inputs=64, hidden=64)
    8256

    experts: K. computed: how many of them are computed, from 1 to K; with one there is nothing to blend.
    inputs: D. hidden: the hidden units of an expert, 0 for the paper's linear expert.
    """
    if computed > experts:
        raise ValueError(f"computed is {computed}, but there are only {experts} experts")
    one_expert = inputs * hidden + hidden if hidden else inputs
    return experts * inputs + computed * one_expert + (computed if computed > 1 else 0)


def random_mixture(experts, inputs=INPUTS, hidden=HIDDEN, seed=0):
    """A gate `(K, D)`, hidden layers `(K, D, H)` and output weights `(K, H)` with random numbers, without biases.

    >>> [tuple(weight.shape) for weight in random_mixture(4, inputs=2, hidden=8)]
    [(4, 2), (4, 2, 8), (4, 8)]

    experts, inputs, hidden: the numbers K, D and H.
    """
    generator = torch.Generator().manual_seed(seed)
    shapes = (experts, inputs), (experts, inputs, hidden), (experts, hidden)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) / inputs**0.5 for shape in shapes]


def blend_of_all(x, gate, first, second):
    """Every expert computed for every case, and blended in the gate's proportions, `(N,)`.

    >>> blend_of_all(torch.zeros(5, 2).double(), *random_mixture(4, inputs=2, hidden=8)).shape
    torch.Size([5])

    x: `(N, D)`. gate, first, second: from `random_mixture`.
    """
    p = torch.softmax(x @ gate.T, dim=-1)
    hidden = torch.sigmoid(torch.einsum("nd,kdh->nkh", x, first))
    o = torch.sigmoid(torch.einsum("nkh,kh->nk", hidden, second))
    return (p * o).sum(-1)


def favourite_only(x, gate, first, second):
    """For each case only the expert with the largest proportion is computed, `(N,)`.

    >>> favourite_only(torch.zeros(5, 2).double(), *random_mixture(4, inputs=2, hidden=8)).shape
    torch.Size([5])

    x, gate, first, second: as for `blend_of_all`.
    """
    favourite = (x @ gate.T).argmax(-1)
    y = torch.empty(len(x), dtype=x.dtype)
    for expert in range(len(gate)):
        mine = (favourite == expert).nonzero()[:, 0]
        y[mine] = torch.sigmoid(torch.sigmoid(x[mine] @ first[expert]) @ second[expert])
    return y


def seconds(call, *arguments, at_least=1.0):
    """The median time of a call on one core, of as many calls as fit into `at_least` seconds."""
    timer = Timer("call(*arguments)", globals={"call": call, "arguments": arguments}, num_threads=1)
    return timer.blocked_autorange(min_run_time=at_least).median


def measure(experts=EXPERTS):
    """Seconds for CASES cases on one core: for each number of experts, all computed and the favourite only."""
    x = torch.randn(CASES, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return {count: {compute.__name__: seconds(compute, x, *random_mixture(count))
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


@checked
def load_costs(recordings: Recordings | None = None) -> dict[int, tuple[float, float]]:
    """The stored times: a dict from the number of experts to (all, favourite only), each as a multiple of one expert's.

    >>> list(load_costs())
    [1, 4, 16, 64]

    recordings: another `Recordings` of costs than the package's own, RECORDINGS.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    stored, = (recordings or RECORDINGS).load().values()
    return {int(experts): tuple(times) for experts, times in stored.items()}


RECORDINGS = Recordings("costs", "measured costs", (Sizes(),), make_costs, ("sparse/costs.py",))
"""The stored times."""
