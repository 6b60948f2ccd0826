"""What each real process runs to compare itself with one process that has everything; `launch` starts it.

Rank 0 prints what was found, as JSON: ranks print in any order, so one speaks for all.
"""

import json
from datetime import timedelta
from pathlib import Path

import torch

from ..sparse import compute_in_groups, random_experts
from . import steps
from .between import dist, exchange_in, joined, loopback
from .virtual import CountedExchange

CASES, EXPERTS, INPUTS, HIDDEN = 64, 8, 16, 32


def problem(cases=CASES, inputs=INPUTS, hidden=HIDDEN, to_two=False):
    """x and d `(N, D)`, a gate `(D, K)`, and experts. to_two: the gate sends every case to experts 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    x, d = (torch.randn(cases, inputs, generator=generator, dtype=torch.float64) for _ in range(2))
    gate = torch.randn(inputs, EXPERTS, generator=generator, dtype=torch.float64)
    if to_two:
        x, gate = x.abs(), torch.tensor([1.0, 0.5] + [-1.0] * (EXPERTS - 2)).double().repeat(inputs, 1)
    return x, d, gate, *random_experts(EXPERTS, inputs, hidden, inputs)


def in_one_process(given, k):
    """y, the loss, and its slopes by x, gate, first and second, with all cases and all experts in one process."""
    x, gate, first, second = known_to_autograd(given)
    chosen, share = steps.route(x, gate, k)
    y = compute_in_groups(x, chosen, share, first, second)
    loss = (given[1] - y).square().sum() / len(x)
    return y, loss, torch.autograd.grad(loss, [x, gate, first, second])


def known_to_autograd(given):
    """x, gate, first and second of x, d, gate, first and second."""
    return [one.clone().requires_grad_() for one in (given[0], *given[2:])]


def in_this_process(given, k, group, mean_over_mine=False):
    """y, loss and slopes of a step, for the cases and experts here."""
    rank, processes = dist.get_rank(group), dist.get_world_size(group)
    given_here = mine(given, rank, processes)
    x, gate, first, second = known = known_to_autograd(given_here)
    chosen, share = steps.route(x, gate, k)
    y, = steps.layer([x], [chosen], [share], [first], [second],
                     processes, exchange_in(group))
    cases = len(x) if mean_over_mine else len(given[0])  # or of all
    loss = (given_here[1] - y).square().sum() / cases
    slopes = torch.autograd.grad(loss, known)
    dist.all_reduce(slopes[1], group=group)  # each has a copy of the gate
    dist.all_reduce(loss.detach(), group=group)
    return y, loss, slopes


def mine(given, rank, processes):
    """A process has its part of the cases and of the experts, and the whole gate."""
    x, d, gate, first, second = given
    x, d, first, second = (part(one, rank, processes) for one in (x, d, first, second))
    return x, d, gate, first, second


def part(whole, rank, processes):
    """The part of the rows that a process has."""
    return whole.chunk(processes)[rank]


def compare(k, to_two, group):
    """The largest difference between one process and several, in y, the loss and all slopes, on any process."""
    given = problem(to_two=to_two)
    rank, processes = dist.get_rank(group), dist.get_world_size(group)
    y, loss, slopes = in_one_process(given, k)
    part_y, part_loss, part_slopes = in_this_process(given, k, group)
    wanted = [part(y, rank, processes), loss, part(slopes[0], rank, processes), slopes[1],
              *(part(one, rank, processes) for one in slopes[2:])]
    worst = max(float((one - other).abs().max()) for one, other in zip((part_y, part_loss, *part_slopes), wanted))
    return largest(worst, group)


def largest(number, group):
    """The largest of the numbers that the processes of a group have."""
    number = torch.tensor(number, dtype=torch.float64)
    dist.all_reduce(number, op=dist.ReduceOp.MAX, group=group)
    return float(number)


def times_too_large(group):
    """How many times too large the slopes of the experts are, if each process divides its loss by its own cases only."""
    given = problem()
    rank, processes = dist.get_rank(group), dist.get_world_size(group)
    right = part(in_one_process(given, 2)[2][2], rank, processes)
    wrong = in_this_process(given, 2, group, mean_over_mine=True)[2][2]
    return largest(float((wrong / right)[right.abs() > 1e-6].median()), group)


def bytes_a_case(k, group, cases=1024, inputs=64, repeat=1):
    """Bytes a case, of float32, that a forward pass hands to the exchange, and those of them that go to others; and what
    the kernel counted on the loopback device, or None where it does not say."""
    rank, processes = dist.get_rank(group), dist.get_world_size(group)
    given = [one.float() for one in problem(cases, inputs, inputs)]
    x, _, gate, first, second = mine(given, rank, processes)
    exchange = CountedExchange(exchange_in(group), rank)
    chosen, share = steps.route(x, gate, k)
    dist.barrier(group)
    before = on_loopback()
    for _ in range(repeat):
        steps.layer([x], [chosen], [share], [first], [second], processes, exchange)
    dist.barrier(group)
    after = on_loopback()
    counted = torch.tensor([exchange.rows, exchange.to_others], dtype=torch.float64) / cases / repeat
    dist.all_reduce(counted, group=group)
    kernel = (after - before) / cases / repeat if before and after > before else None
    return {"processes": processes, "k": k, "inputs": inputs, "rows": float(counted[0]), "to others": float(counted[1]),
            "kernel": kernel}


def on_loopback():
    """Bytes that the kernel sent over the loopback device since it began, or 0 where it does not say."""
    counter = Path(f"/sys/class/net/{loopback()}/statistics/tx_bytes")
    return int(counter.read_text()) if counter.exists() else 0


def main():
    with joined() as (rank, processes):
        two, everyone = dist.new_group([0, 1], timeout=timedelta(seconds=20)), dist.group.WORLD
        found: dict = {"equal": [], "bytes": []}
        for group in (two, everyone):
            if group is two and rank > 1:
                continue
            for k in (1, 2):
                for to_two in (False, True):
                    found["equal"].append({"processes": dist.get_world_size(group), "k": k, "to two": to_two,
                                           "difference": compare(k, to_two, group)})
                found["bytes"].append(bytes_a_case(k, group))
        found["bytes"].append(bytes_a_case(2, everyone, cases=4096, inputs=256, repeat=10))
        found["times too large"] = times_too_large(everyone)
        if rank == 0:
            print(json.dumps(found))


if __name__ == "__main__":
    main()
