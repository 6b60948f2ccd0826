"""Five ways to compute k experts for each case, without checks: these are what `saving` measures.

All take x `(N, D)`, the experts that each case chose `(N, k)`, their shares `(N, k)`, and the experts' weights, first
`(K, D, H)` and second `(K, H, M)`; all give y `(N, M)`. The checked ones for readers are in `dispatch`.
"""

import torch


def places(chosen):
    """The place of each choice in the queue of its expert, `(N, k)`: all first choices come before all second ones."""
    queued = chosen.T.reshape(-1)
    order = torch.argsort(queued, stable=True)
    experts = queued[order]
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order)) - torch.searchsorted(experts, experts)
    return place.view(chosen.shape[1], -1).T


def weights(chosen, share, experts):
    """The shares in a table with a column for each expert, `(N, K)`."""
    return share.new_zeros(len(share), experts).scatter(1, chosen, share)


def everyone(x, chosen, share, first, second):
    hidden = torch.relu(torch.matmul(x, first))  # (K, N, H)
    return torch.einsum("nk,knm->nm", weights(chosen, share, len(first)), torch.matmul(hidden, second))


def by_masks(x, chosen, share, first, second):
    y = x.new_zeros(len(x), second.shape[-1])
    for expert in range(len(first)):
        case, choice = torch.where(chosen == expert)
        if len(case):
            out = torch.relu(x[case] @ first[expert]) @ second[expert]
            y.index_add_(0, case, share[case, choice, None] * out)
    return y


def in_groups(x, chosen, share, first, second):
    k = chosen.shape[1]
    queued = chosen.reshape(-1)
    order = torch.argsort(queued, stable=True)
    case = order // k
    counts = torch.bincount(queued, minlength=len(first)).tolist()
    groups = x.index_select(0, case).split(counts)
    out = torch.cat([torch.relu(group @ first[expert]) @ second[expert] for expert, group in enumerate(groups)])
    out = out * share.reshape(-1).index_select(0, order)[:, None]
    return x.new_zeros(len(x), out.shape[1]).index_add_(0, case, out)


def in_buffers(x, chosen, share, first, second, room):
    place = places(chosen)
    kept = place < room
    case = torch.arange(len(x))[:, None].expand_as(chosen)[kept]
    cell = (chosen * room + place)[kept]
    buffer = x.new_zeros(len(first) * room, x.shape[1]).index_copy_(0, cell, x.index_select(0, case))
    out = torch.bmm(torch.relu(torch.bmm(buffer.view(len(first), room, -1), first)), second).flatten(0, 1)
    y = x.new_zeros(len(x), second.shape[-1])
    return y.index_add_(0, case, share[kept][:, None] * out.index_select(0, cell))


def one_hot(x, chosen, share, first, second, room):
    place = places(chosen)
    cells = len(first) * room
    cell = torch.where(place < room, chosen * room + place, cells)  # the last one is thrown away
    empty = x.new_zeros(len(x), cells + 1)
    send, combine = empty.scatter(1, cell, 1.0)[:, :-1], empty.scatter(1, cell, share)[:, :-1]
    buffer = (send.T @ x).view(len(first), room, -1)
    out = torch.bmm(torch.relu(torch.bmm(buffer, first)), second).flatten(0, 1)
    return combine @ out
