"""What goes wrong with several processes, on purpose: `launch` starts it with the name of a mishap.

It befalls rank 1, after all have trained for a step, and then comes another step.
"""

import os
import signal
import sys
import time

import torch

from . import steps, worker
from .between import dist, exchange_in, joined


def killed(step):
    """A process is killed, as by a system that is short of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def leaves(step):
    """A process ends itself with exit code 7."""
    os._exit(7)


def raises(step):
    """A process meets an error."""
    raise ValueError("this expert has a fault")


def absent(step):
    """A process does not come to an exchange, and waits for something else."""
    wait_for_ever()


def deaf(step):
    """A process does not end when it is asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_for_ever()


def fresh(step):
    """A process without cases gives a new empty tensor in place of its experts' answers, and misses the exchanges back."""
    step(lambda rows, arrived, first, second: torch.cat(list(rows)).new_empty(0, second.shape[-1]))
    wait_for_ever()  # for its next exchange, which nobody joins


def none(step):
    """Nothing happens."""


def endless(step):
    """Nothing happens, and the training does not end."""
    while True:
        step()


MISHAPS = {function.__name__: function for function in (killed, leaves, raises, absent, deaf, fresh, none, endless)}


def wait_for_ever():
    while True:
        time.sleep(1)


def train(compute=steps.compute):
    """A training step in which the experts of process 1 get no case; `compute` are its experts."""
    rank, processes = dist.get_rank(), dist.get_world_size()
    given = worker.mine(worker.problem(to_two=True), rank, processes)
    x, gate, first, second = known = worker.known_to_autograd(given)
    chosen, share = steps.route(x, gate, 2)
    exchange = exchange_in()
    rows, sent = steps.dispatch([x], [chosen], worker.EXPERTS, processes, exchange)
    answers = compute(rows[0], sent.arrived[0], first, second)
    y, = steps.combine([answers], sent, [chosen], [share], exchange)
    torch.autograd.grad((given[1] - y).square().sum(), known, allow_unused=True)


def main(mishap, timeout=20.0):
    with joined(timeout=timeout) as (rank, _):
        train()
        if rank == 1 or mishap == "endless":
            MISHAPS[mishap](train)
        train()
        if rank == 0:
            print("done")


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:3]))
