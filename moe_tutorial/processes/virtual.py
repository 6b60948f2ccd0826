"""Virtual processes: W entries of lists in one interpreter, whose exchange is a transposition."""

from collections.abc import Callable, Sequence
from typing import Annotated

import torch
from torch import Tensor

from .. import _checks
from ..shapes import CountFrom0, checked
from ..sparse import places
from . import steps


def _lists(name, value):
    """Check that it is a list with an entry for each process, at least one."""
    _checks.sequence(name, value)
    if not len(value):
        raise ValueError(f"{name} is empty: it must have an entry for each process")


def _tensors(dims, kind="floating-point numbers"):
    """The check of a list of tensors, one for each process, of these dimensions; the first one may be 0."""

    def check(name, value):
        _lists(name, value)
        for place, one in enumerate(value):
            if isinstance(one, Tensor) and one.dim() == len(dims) and not len(one) and 0 not in one.shape[1:]:
                one = one.new_ones(1, *one.shape[1:])
            _checks.floats(f"{name}[{place}]", one, *dims, runs="", kind=kind)
        if len({(one.dtype, one.shape[1:]) for one in value}) > 1:
            said = ", ".join(f"{tuple(one.shape)} {one.dtype}" for one in value)
            raise ValueError(f"{name} must have rows of one size and one dtype on all processes, got {said}")

    return check


def _parcels(name, value):
    _lists(name, value)
    for sender, parcels in enumerate(value):
        _checks.sequence(f"{name}[{sender}]", parcels)
        if len(parcels) != len(value):
            raise ValueError(f"{name}[{sender}] has {len(parcels)} entries, wanted {len(value)}: each process has a parcel "
                             "for each, an empty one where it has nothing to send")
        for receiver, parcel in enumerate(parcels):
            if not isinstance(parcel, Tensor) or not parcel.dim():
                raise TypeError(f"{name}[{sender}][{receiver}] must be a torch.Tensor of rows, got {_checks.said(parcel)}")


Parcels = Annotated[Sequence, _parcels]
Cases = Annotated[Sequence, _tensors("ND")]
Chosen = Annotated[Sequence, _tensors("Nk", "whole numbers")]
Shares = Annotated[Sequence, _tensors("Nk")]
First = Annotated[Sequence, _tensors("KDH")]
Second = Annotated[Sequence, _tensors("KHM")]


@checked
def exchange(parcels: Parcels, lengths: Sequence | None = None):
    """What each process receives: `received[r][s]` is `parcels[s][r]`, so the exchange is a transposition.

    >>> a, b, c, d = (torch.full((1, 2), float(number)) for number in range(4))
    >>> [[int(parcel[0, 0]) for parcel in received] for received in exchange([[a, b], [c, d]])]
    [[0, 2], [1, 3]]

    parcels: `parcels[s][r]` is what process s sends to process r, rows of any number, none included.
    lengths: how many rows process r expects of process s, `lengths[r][s]`. Real processes have to know it before; here it is
    compared with what comes.

    Nothing is copied, so gradients go back the same way.

    ValueError: the parcels are no square, or others come than expected.
    """
    if lengths is not None:
        come = [[len(parcels[s][r]) for s in range(len(parcels))] for r in range(len(parcels))]
        if not isinstance(lengths, list) or lengths != come:
            raise ValueError(f"lengths must be what comes, {come}, got {_checks.said(lengths)}")
    return [list(received) for received in zip(*parcels)]


class CountedExchange:
    """An exchange that counts what goes through it, in calls and in bytes.

    >>> counted = CountedExchange()
    >>> _ = counted([[torch.ones(3, 2), torch.ones(1, 2)], [torch.ones(0, 2), torch.ones(2, 2)]])
    >>> counted
    CountedExchange: 1 calls, 48 bytes of rows, 8 of them to others, 0 back, 0 of counts

    through: the exchange that does it. rank: of the first process here.

    rows: bytes of floating-point numbers that were handed over. to_others: those of them for another process. back: bytes of
    their gradients, which go the other way. counts: bytes of whole numbers.
    """

    @checked
    def __init__(self, through: Callable = exchange, rank: CountFrom0 = 0):
        self.through, self.rank = through, rank
        self.calls = self.rows = self.to_others = self.back = self.counts = 0

    def __call__(self, parcels, lengths=None):
        self.calls += 1
        for sender, sent in enumerate(parcels, self.rank):
            for receiver, parcel in enumerate(sent):
                size = parcel.numel() * parcel.element_size()
                if parcel.is_floating_point():
                    self.rows += size
                    self.to_others += size * (sender != receiver)
                else:
                    self.counts += size
        received = self.through(parcels, lengths)
        for parcel in (parcel for parcels in received for parcel in parcels if parcel.requires_grad):
            parcel.register_hook(self._count_back)
        return received

    def _count_back(self, slope):
        self.back += slope.numel() * slope.element_size()

    def __repr__(self):
        return (f"CountedExchange: {self.calls} calls, {self.rows} bytes of rows, {self.to_others} of them to others, "
                f"{self.back} back, {self.counts} of counts")


@checked
def compute_on_processes(x: Cases, chosen: Chosen, share: Shares, first: First, second: Second,
                         through: Callable = exchange):
    """The answers of a layer whose experts lie on several processes, here virtual ones: y of each process.

    >>> from moe_tutorial import random_experts
    >>> first, second = random_experts(4, inputs=2, hidden=8, outputs=3)
    >>> x, chosen, share = torch.ones(6, 2).double(), torch.arange(6)[:, None] % 4, torch.ones(6, 1).double()
    >>> y = compute_on_processes(x.split(3), chosen.split(3), share.split(3), first.split(2), second.split(2))
    >>> [tuple(one.shape) for one in y]
    [(3, 3), (3, 3)]

    All are lists with an entry for each process. x `(n, D)`: its cases, maybe none. chosen and share `(n, k)`: of all K
    experts the chosen ones, and how much they count. first `(K / W, D, H)` and second `(K / W, H, M)`: the experts of the
    process; process 0 has the first ones.
    through: the exchange, such as a `CountedExchange`.

    Gives what `compute_in_groups` gives for all cases in one process, and the same gradients.

    ValueError: entries that do not fit together, an expert that is not there, or the same one twice in a case.
    """
    given = {"x": x, "chosen": chosen, "share": share, "first": first, "second": second}
    for name, value in given.items():
        if len(value) != len(x):
            raise ValueError(f"{name} has {len(value)} entries and x has {len(x)}: there must be one for each process")
    for place in range(len(x)):
        _fits(place, *(value[place] for value in given.values()))
    experts = len(x) * len(first[0])
    if any(map(len, x)):
        places(torch.cat(list(chosen)), experts)  # says which expert is not there, or is chosen twice
    return steps.layer(list(x), [one.long() for one in chosen], share, first, second, len(x), _held(through))


def _held(through):
    """The exchange, held to what it has to give."""

    def held(parcels, lengths):
        try:
            received = through(parcels, lengths)
        except TypeError as error:
            raise TypeError(f"through must take parcels and lengths, as exchange does, got "
                            f"{_checks.said(through)}") from error
        try:
            come = [[len(parcel) for parcel in one] for one in received]
        except TypeError:
            come = None
        if come != lengths:
            raise ValueError(f"through must give each process the rows that are sent to it, {lengths} of them, got "
                             f"{come or _checks.said(received)}")
        return received

    return held


def _fits(place, x, chosen, share, first, second):
    """Whether what one process has fits together."""
    for name, shape, wanted in (("chosen", chosen.shape[:1], x.shape[:1]), ("share", share.shape, chosen.shape),
                                ("first", first.shape[1:2], x.shape[1:]), ("second", second.shape[:2], first.shape[::2])):
        if shape != wanted:
            raise ValueError(f"{name}[{place}] does not fit to the others: it has {tuple(shape)} where they have "
                             f"{tuple(wanted)}; x[{place}] {tuple(x.shape)}, chosen {tuple(chosen.shape)}, share "
                             f"{tuple(share.shape)}, first {tuple(first.shape)}, second {tuple(second.shape)}")
    if not len(first):
        raise ValueError(f"first[{place}] is empty: each process has at least one expert")
    if not x.dtype == share.dtype == first.dtype == second.dtype:
        raise TypeError(f"all must have the same dtype, got x {x.dtype}, share {share.dtype}, first {first.dtype}, second "
                        f"{second.dtype}")
