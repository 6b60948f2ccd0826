"""The steps of a layer whose experts lie on W processes, without checks. The checked ones for readers are in `virtual`.

`here` are the processes that live in this interpreter: all W of them where they are virtual, or a single one where each has
an interpreter of its own. Arguments are lists with an entry for each process here, results as well. What crosses from one
process to another goes through `exchange(parcels, lengths)` and nowhere else, so that the same code does both.

exchange: takes `parcels[s][r]`, the rows that process s here sends to process r, and how many rows each process here gets
from each, `lengths[r][s]`; gives `received[r][s]`.
"""

from dataclasses import dataclass

import torch

from ..sparse import ways


@dataclass(frozen=True)
class Sent:
    """What each process here has to remember of a dispatch, lists with an entry for each.

    order: its choices in the order of their experts, `(n · k,)`. rows: how many rows went to each process.
    arrived: how many came, from each process for each of its own experts, `(W, K / W)`.
    """

    order: list
    rows: list
    arrived: list


def route(x, gate, k):
    """The experts chosen for each case `(n, k)`, the first choice first, and their shares; gate `(D, K)`; n may be 0.

    With k = 1 the share is the proportion of all, as it is: renormalised it would be 1, and the gate would not learn.
    """
    p = torch.softmax(x @ gate, dim=-1)
    chosen = p.detach().argsort(dim=-1, descending=True, stable=True)[:, :k]
    share = p.gather(1, chosen)
    return chosen, share if k == 1 else share / share.sum(-1, keepdim=True)


def dispatch(x, chosen, experts, processes, exchange):
    """Each case to the processes of its experts: the rows that arrive on each process here, by sender, and what was `Sent`.

    Two exchanges: first how many cases there are for each expert, then the cases.
    """
    order = [one.reshape(-1).argsort(stable=True) for one in chosen]
    counts = [torch.bincount(one.reshape(-1), minlength=experts).view(processes, -1) for one in chosen]
    equal = [[experts // processes] * processes for _ in x]
    arrived = [torch.stack(received).view(processes, -1) for received in exchange([list(one) for one in counts], equal)]
    sent = Sent(order, [one.sum(1).tolist() for one in counts], arrived)
    parcels = [one.index_select(0, by // whose.shape[1]).split(rows)
               for one, by, whose, rows in zip(x, order, chosen, sent.rows)]
    return exchange(parcels, [one.sum(1).tolist() for one in arrived]), sent


def compute(rows, arrived, first, second):
    """The answers of a process's experts to rows that came by sender, and from each sender by expert; in that order.

    That is chapter 12's layer, with one choice a row. Without rows the answers are empty and still follow from x and the
    experts: whoever has nothing to compute has to join the backward exchanges.
    """
    whose = torch.arange(len(first)).repeat(len(arrived)).repeat_interleave(arrived.reshape(-1))
    x = torch.cat(list(rows))
    return ways.in_groups(x, whose[:, None], x.new_ones(len(x), 1), first, second)


def combine(answers, sent, chosen, share, exchange):
    """The answers back to the processes of their cases, weighed and added up: y of each process here."""
    parcels = [one.split(arrived.sum(1).tolist()) for one, arrived in zip(answers, sent.arrived)]
    y = []
    for received, order, one, weight in zip(exchange(parcels, sent.rows), sent.order, chosen, share):
        out = torch.cat(list(received)) * weight.reshape(-1).index_select(0, order)[:, None]
        y.append(out.new_zeros(len(one), out.shape[1]).index_add(0, order // one.shape[1], out))
    return y


def layer(x, chosen, share, first, second, processes, exchange):
    """Dispatch, compute, combine: y of each process here."""
    rows, sent = dispatch(x, chosen, processes * len(first[0]), processes, exchange)
    answers = [compute(*given) for given in zip(rows, sent.arrived, first, second)]
    return combine(answers, sent, chosen, share, exchange)
