"""Inputs and mistakes that take some lines, of the exercises of chapters 14 and 15."""

import torch


def cases_and_layers(draw):
    """Cases, a gate and experts: k from 1 to K, one case, an expert without cases, all to one expert."""
    found = []
    for n, experts, k in ((7, 3, 2), (6, 4, 1), (5, 3, 3), (1, 4, 2), (9, 5, 2), (8, 2, 1)):
        found.append((draw(n, 3), 2 * draw(experts, 3), draw(experts, 3, 4), draw(experts, 4, 3), k))
    x, v, first, second, _ = found[0]
    one = torch.stack([torch.ones(3), torch.zeros(3), -torch.ones(3)]).double()
    return [*found, (x.abs() + 0.1, one + v / 50, first, second, 1)]


def answer(x, first, second):
    return torch.relu(x @ first) @ second


def by_expert(x, v, first, second, k, weigh=None, before=False, way=None):
    """The layer, with a change: other weights, weights before the experts, or another way to put the answers together."""
    p = torch.softmax(x @ v.T, dim=1)
    chosen = p.topk(k, dim=1).indices
    share = (weigh or (lambda p, chosen: p.gather(1, chosen)))(p, chosen)
    y = torch.zeros_like(x)
    for i in range(len(v)):
        case, choice = torch.where(chosen == i)
        weight = share[case, choice, None]
        out = answer(weight * x[case], first[i], second[i]) if before else weight * answer(x[case], first[i], second[i])
        if way == "assign":
            y[case] = out
        else:
            y[case] += out
    return y


def renormalised(p, chosen):
    share = p.gather(1, chosen)
    return share / share.sum(1, keepdim=True)


def over_the_cases(p, chosen):
    share = p.gather(1, chosen)
    return share / share.sum(0, keepdim=True)


def of_the_scores(x, v, first, second, k):
    scores = x @ v.T
    return by_expert(x, v, first, second, k, lambda p, chosen: scores.gather(1, chosen))


def in_the_order_of_experts(x, v, first, second, k):
    p = torch.softmax(x @ v.T, dim=1)
    share, chosen = p.topk(k, dim=1)
    order = chosen.flatten().argsort(stable=True)
    out = torch.stack([share.flatten()[place] * answer(x[place // k], first[chosen.flatten()[place]],
                                                       second[chosen.flatten()[place]]) for place in order])
    return out.view(len(x), k, -1).sum(1)


def layers_with_padding(draw):
    """Scores of several layers without ties, which cases are text, and k: much padding, none, one layer, k = K."""
    found = []
    for count, n, experts, k, text in ((2, 6, 3, 1, 4), (3, 8, 4, 2, 5), (1, 5, 3, 1, 5), (2, 4, 3, 3, 2), (2, 7, 5, 2, 1)):
        keep = torch.arange(n) < text
        found.append((2 * draw(count, n, experts) - 3 * (~keep[:, None] * torch.arange(experts)), keep, k))
    far = torch.tensor([[[9.0, 0.0], [8.0, 0.0], [0.0, 7.0]], [[0.0, 9.0], [0.0, 8.0], [7.0, 0.0]]]).double()
    return [*found, (far, torch.tensor([True, True, False]), 1), (far, torch.tensor([True, True, True]), 1)]


def one_layer(scores, k, per_choice=True, choices=None, soft=False):
    """Switch's loss of a layer, or one with a mistake."""
    p = torch.softmax(scores, dim=1)
    kept = torch.zeros_like(p).scatter(1, p.topk(choices or k, dim=1).indices, 1.0)
    f = p.mean(0) if soft else kept.sum(0) / (kept.sum() if per_choice else len(p))
    return scores.shape[1] * (f * p.mean(0)).sum()


def over_layers(scores, keep, k, **change):
    return torch.stack([one_layer(layer[keep], k, **change) for layer in scores]).mean()


def joined(scores, keep, k):
    return one_layer(scores[:, keep].flatten(0, 1), k)


def divided_by_all(scores, keep, k):
    """The padding is left out of the sums, and counted when they are divided."""
    return over_layers(scores, keep, k) * (keep.sum() / len(keep)) ** 2


def crowds(draw):
    """The expert of each case, how many there are, and a factor: room for all, for few, half a place, one queue."""
    found = [(draw(n, experts).argmax(1), experts, factor) for n, experts, factor in
             ((12, 3, 1.0), (16, 4, 1.25), (9, 3, 0.5), (10, 4, 1.0), (7, 2, 1.5), (1, 4, 1.0), (15, 4, 2.0))]
    return [*found, (torch.zeros(8, dtype=torch.int64), 4, 1.0), (torch.tensor([1, 1, 0, 1, 1, 2, 1]), 3, 1.1)]


def places(chosen):
    return torch.stack([(chosen[:n] == chosen[n]).sum() for n in range(len(chosen))])
