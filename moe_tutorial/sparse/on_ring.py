"""The routers on one task whose truth is known, the ring: trained alike."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch
from torch import Tensor

from .. import _checks
from .._threads import one_thread
from ..model.losses import mixture_nll
from ..shapes import WHOLE, Count, CountFrom0, Positive, checked
from ..tasks.toys import ring
from . import balance
from .routers import Router, SoftMoE

BATCHES, TEST_CASES, LATE = 200, 2048, 50
"""Batches that are drawn and come again and again; test cases; steps at the end over which the load is added up."""

PerRun = Annotated[Tensor, "R"]
Counts = Annotated[Tensor, "R K", WHOLE]


@checked
@dataclass(frozen=True, repr=False)
class RingRun:
    """What became of a router on the ring, in R runs.

    >>> from moe_tutorial import ROUTERS
    >>> train_on_ring(ROUTERS["top-k"](8, runs=2), seeds=(0, 1), steps=1).counts.shape
    torch.Size([2, 8])

    error: the mean squared error of y on 2048 test cases. counts: how many of them each expert had. late: how many cases it
    had in the last 50 steps of training. table: of the test cases, with a row for each subtask and a column for the expert
    with the largest weight. unserved: the share of test cases that nobody had. squared_z: the mean square of the logarithm
    of the summed exponentials of the scores. moments, history: steps, and the counts of their batches, `(T, R, K)`. weights:
    of gate and experts, by name.

    Where all experts have a weight in each case, as in Soft MoE, the counts are those of the largest weight.
    """

    error: PerRun
    counts: Counts
    late: Counts
    table: Annotated[Tensor, "R S K", WHOLE]
    unserved: PerRun
    squared_z: PerRun
    moments: tuple = ()
    history: Annotated[Tensor, "T R K", WHOLE] | None = None
    weights: Mapping = field(default_factory=dict)

    @property
    def cv(self):
        """The coefficient of variation of the test cases' load, (R,)."""
        return balance.cv_squared(self.counts).sqrt()

    @property
    def late_cv(self):
        """That of the load of the last 50 training steps together, (R,)."""
        return balance.cv_squared(self.late).sqrt()

    @property
    def max_over_mean(self):
        """How many times its even share of the test cases the busiest expert has, (R,)."""
        return balance.max_over_mean(self.counts)

    @property
    def dead(self):
        """How many experts have less than a tenth of an even share of the test cases, (R,)."""
        return balance.dead_experts(self.counts)

    @property
    def dropped(self):
        """The share of the test cases' choices that would find no room with a capacity factor of 1.25, (R,)."""
        counts = self.counts.double()
        choices = counts.sum(-1, keepdim=True)
        return (counts - 1.25 * choices / self.counts.shape[-1]).clamp(min=0).sum(-1) / choices[..., 0]

    @property
    def information(self):
        """What the expert says about the subtask, as a part of the subtask's entropy, (R,): 1 if it tells the subtask."""
        often = self.table.sum(-1).double()
        entropy = torch.special.entr(often / often.sum(-1, keepdim=True)).sum(-1)
        return balance.mutual_information(self.table) / entropy

    def __repr__(self):
        return (f"RingRun: {len(self.error)} runs, median error {self.error.median():.3f}, mean of dead experts "
                f"{self.dead.mean():.1f} of {self.counts.shape[-1]}")


@functools.lru_cache(maxsize=2)
def _data(seeds, uneven, batch):
    """Training batches and test cases of the tasks: x (R, N, 2), d (R, N, 1), token and subtask (R, N)."""
    drawn = [[ring(cases, uneven, seed, draw) for seed in seeds] for cases, draw in ((BATCHES * batch, 1), (TEST_CASES, 2))]
    training, test = ([torch.stack([getattr(one, name) for one in tasks]) for name in ("x", "d", "token", "subtask")]
                      for tasks in drawn)
    return list(zip(*(values.split(batch, dim=1) for values in training))), test


def _first_weights(router, seeds):
    """The first weights of the gate and of the linear experts, those of a run by its seed alone."""
    def drawn(number, *shape):
        generators = [torch.Generator().manual_seed(9973 * seed + number) for seed in seeds]
        return torch.stack([torch.randn(*shape, generator=one, dtype=torch.float64) for one in generators])

    rows, experts = router.experts * router.slots, router.experts
    found = {"gate.weight": router.begin * drawn(1, rows, 2), "gate.bias": router.begin * drawn(2, rows) + router.shift,
             "experts.weight": 0.5 * drawn(3, experts, 1, 2), "experts.bias": 0.5 * drawn(4, experts, 1)}
    return {name: values.requires_grad_() for name, values in found.items()}


def _answer(router, weights, x, token):
    """The scores, the weights of the experts, the experts' outputs and y."""
    scores = x @ weights["gate.weight"].mT + weights["gate.bias"][..., None, :]
    w = router(scores, x, token)
    if isinstance(router, SoftMoE):
        slots = router.mixed(scores, x).unflatten(-2, (router.experts, router.slots))
        o = (slots @ weights["experts.weight"].mT + weights["experts.bias"][..., None, :]).flatten(-3, -2)
        return scores, w.unflatten(-1, (router.experts, router.slots)).sum(-1), o, w @ o
    o = torch.einsum("rnd,rkmd->rnkm", x, weights["experts.weight"]) + weights["experts.bias"][:, None]
    return scores, w, o, torch.einsum("rnk,rnkm->rnm", w, o)


def _counts(w):
    """How many cases each expert has; where all have a weight in each case, how many in which it is the largest."""
    if (w != 0).all():
        return torch.nn.functional.one_hot(w.argmax(-1), w.shape[-1]).sum(-2)
    return (w != 0).sum(-2)


@checked
def train_on_ring(router: Router, uneven: bool = False, seeds: Sequence[int] = range(10), steps: Count = 1500,
                  batch: Count = 256, step_size: Positive = 0.05, variance: Positive | None = None,
                  look: CountFrom0 = 0) -> RingRun:
    """Train linear experts and a linear gate on the ring with a router, a task for each seed, all side by side.

    >>> from moe_tutorial import ROUTERS
    >>> train_on_ring(ROUTERS["top-k"](8, runs=2), seeds=(0, 1), steps=1)
    RingRun: 2 runs, median error 5.477, mean of dead experts 3.0 of 8

    router: one with as many runs as there are seeds. uneven: whether the subtasks come with different frequencies. seeds: of
    the tasks, the data and the first weights, which are the same for all routers.

    Adam, whose step falls to nothing in the second half. The loss is the mean squared error of y and what the router adds;
    with a `variance` it is eq. 1.3, for a router that computes all experts. look: keep the load of every so many steps.

    ValueError: a router of another number of runs; a variance without all experts; steps that lead beyond the numbers.
    """
    seeds = _checks.several_seeds("seeds", seeds)
    if router.runs != (len(seeds),):
        raise ValueError(f"router has runs {router.runs}, and there are {len(seeds)} seeds")
    if variance is not None and router.k < router.experts:
        raise ValueError(f"variance is {variance}, of eq. 1.3, which needs all experts, and router computes {router.k} of "
                         f"{router.experts}")
    with one_thread():
        return _train(router, uneven, seeds, steps, batch, step_size, variance, look)


def _train(router, uneven, seeds, steps, batch, step_size, variance, look):
    batches, (x_test, d_test, token_test, subtask_test) = _data(seeds, uneven, batch)
    weights = _first_weights(router, seeds)
    parameters = [*weights.values(), *router.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=step_size)
    late, history = torch.zeros(len(seeds), router.experts, dtype=torch.int64), {}
    router.train()
    for step in range(steps):
        x, d, token, _ = batches[step % BATCHES]
        optimizer.param_groups[0]["lr"] = step_size * min(1.0, 2.02 - 2 * step / steps)
        _, w, o, y = _answer(router, weights, x, token)
        loss = (d - y).square().mean((1, 2)) if variance is None else torch.stack(
            [mixture_nll(*one, variance=float(variance)).mean() for one in zip(d, o, w)])
        optimizer.zero_grad()
        (loss + router.loss).sum().backward()
        optimizer.step()
        if not all(one.isfinite().all() for one in parameters):
            raise ValueError(f"step_size is {step_size}: with it the weights are no finite numbers after {step + 1} steps")
        if step >= steps - LATE:
            late += _counts(w)
        if look and step % look == 0:
            history[step] = _counts(w)
    router.eval()
    with torch.no_grad():
        size = batch if isinstance(router, SoftMoE) else TEST_CASES  # its answers depend on how many are asked together
        parts = [_answer(router, weights, x, token) for x, token in zip(x_test.split(size, 1), token_test.split(size, 1))]
        scores, w, y = (torch.cat([part[number] for part in parts], dim=1) for number in (0, 1, 3))
    counts = _counts(w)
    favourite = torch.nn.functional.one_hot(w.argmax(-1), router.experts)
    table = torch.nn.functional.one_hot(subtask_test, 8).mT @ favourite
    return RingRun(
        error=(d_test - y).square().mean((1, 2)), counts=counts, late=late, table=table,
        unserved=(w == 0).all(-1).double().mean(-1),
        squared_z=torch.logsumexp(scores, dim=-1).square().mean(-1), moments=tuple(history),
        history=torch.stack([*history.values()]) if history else None,
        weights={name: values.detach() for name, values in weights.items()})


@checked
def hash_table(kind: Literal["random", "balanced", "subtasks"], uneven: bool = False, experts: Count = 8,
               seeds: Sequence[int] = range(10)) -> Annotated[Tensor, "R V", WHOLE]:
    """Tables of the ring's 64 tokens for the router "hash", one for each seed.

    >>> hash_table("subtasks", seeds=(0,))[0, :17].tolist()
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2]

    kind: "random"; "balanced", the more frequent tokens first, each to the expert with the least to do; "subtasks", which
    knows the truth, and is no router but what one could be.
    """
    tables = []
    for seed in _checks.several_seeds("seeds", seeds):
        generator = torch.Generator().manual_seed(seed)
        if kind == "subtasks":
            table = torch.arange(64) // 8 % experts
        elif kind == "random":
            table = torch.randint(experts, (64,), generator=generator)
        else:
            often = ring(1, uneven, seed).frequency.repeat_interleave(8) / 8
            order = torch.randperm(64, generator=generator)  # who is first among equals
            load, table = torch.zeros(experts, dtype=torch.float64), torch.zeros(64, dtype=torch.int64)
            for token in order[often[order].argsort(descending=True, stable=True)].tolist():
                table[token] = load.argmin()
                load[table[token]] += often[token]
        tables.append(table)
    return torch.stack(tables)
