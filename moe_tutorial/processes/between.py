"""Real processes: an exchange over torch.distributed, which the same steps take in place of the virtual one."""

import os
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

LAUNCHED_BY = "MOE_TUTORIAL_LAUNCHED_BY"
"""The variable of the environment with the number of the process that called `launch`."""


class AllToAll(torch.autograd.Function):
    """Rows to every process of a group, and from every one.

    send, receive: how many rows go to each process and come from each.
    """

    @staticmethod
    def forward(ctx, rows, send, receive, group):
        ctx.send, ctx.receive, ctx.group = send, receive, group
        arrived = rows.new_empty(sum(receive), *rows.shape[1:])
        dist.all_to_all_single(arrived, rows.contiguous(), receive, send,
                               group=group)
        return arrived

    @staticmethod
    def backward(ctx, slope):
        back = AllToAll.apply(slope, ctx.receive, ctx.send, ctx.group)
        return back, None, None, None


def exchange_in(group=None):
    """The exchange of one real process with those of its group.

    Its lists have one entry: only one process lives here.
    """

    def exchange(parcels, lengths):
        (parcels,), (lengths,) = parcels, lengths
        send = [len(parcel) for parcel in parcels]
        rows = torch.cat(list(parcels))
        arrived = AllToAll.apply(rows, send, lengths, group)
        return [list(arrived.split(lengths))]

    return exchange


@contextmanager
def joined(backend="gloo", timeout=20.0):
    """A context in which this process, started by `launch`, is one of all: its rank and their number.

    backend: "gloo" between processors, "nccl" between GPUs, whose tensors have to be there.
    timeout: seconds after which an exchange that somebody does not join raises; torch's own are 30 minutes.

    The process ends with the block, after all others have come to its end, or at once where it raises. It is not left to
    Python to take the groups down: under torch 2.6 a process waited for itself there, for ever.

    RuntimeError: this build of torch does not have the backend.
    """
    if not is_there(backend):
        raise RuntimeError(f"this build of torch has no {backend}, which the processes are to talk through")
    if LAUNCHED_BY in os.environ:
        threading.Thread(target=_end_with, args=(int(os.environ[LAUNCHED_BY]),), daemon=True).start()
    torch.set_num_threads(1)
    dist.init_process_group(backend, timeout=timedelta(seconds=timeout))
    try:
        yield dist.get_rank(), dist.get_world_size()
        dist.barrier()
    except Exception:
        sys.excepthook(*sys.exc_info())
        _leave(1)
    _leave(0)


def _leave(status):
    """End this process, without anything that Python or torch would do then."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    time.sleep(0.1)  # until the others have read what was sent last
    os._exit(status)


def is_there(backend):
    """Whether this build of torch has a backend, "gloo" or "nccl"."""
    return dist.is_available() and bool(getattr(dist, f"is_{backend}_available")())


def loopback():
    """The interface through which processes of one machine talk, by its name here."""
    return "lo0" if sys.platform == "darwin" else "lo"


def _end_with(starter):
    """End this process when the one that called `launch` has ended, as a notebook whose kernel is started anew."""
    try:
        while True:
            os.kill(starter, 0)  # sends nothing, and fails where nobody is
            time.sleep(0.5)
    except ProcessLookupError:
        os._exit(1)
