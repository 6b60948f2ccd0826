"""Inputs, mistakes that take some lines, and what is watched, of the exercises of chapter 12."""

import torch


def scores_and_numbers(draw):
    """Scores without ties: one case, k = 1, k = K, scores of 1000; both kinds of weights."""
    sizes = (4, 5, 2), (3, 4, 1), (2, 3, 3), (1, 6, 3)
    drawn = [(draw(n, experts), k, renormalise) for n, experts, k in sizes for renormalise in (True, False)]
    far = torch.tensor([[1000.0, 999.0, -1000.0], [-1000.0, -999.5, -998.0]], dtype=torch.float64) + draw(2, 3) / 10
    return [*drawn, (far, 2, True), (far, 2, False)]


def choices(draw):
    """Chosen experts: one, two and all; an expert that nobody chose; all to one; one case."""
    drawn = [(draw(n, experts).argsort(dim=-1)[:, :k], experts)
             for n, experts, k in ((6, 3, 1), (7, 4, 2), (5, 3, 3), (9, 5, 2), (1, 4, 2))]
    alone = torch.full((4, 1), 1)
    return [*drawn, (alone, 3), (torch.tensor([[0], [0], [1], [0], [1], [2]]), 3)]


def answers_of_cases(draw):
    """Answers, case and share of each choice, and the inputs: cases with two, with one and with none."""
    found = []
    for case, n in (([2, 0, 1, 0, 2, 1], 3), ([3, 1, 1, 0], 5), ([1, 1], 2), ([0], 1), ([4, 2, 0, 4, 1, 2, 0], 6)):
        found.append((2 * draw(len(case), 3), torch.tensor(case), torch.sigmoid(draw(len(case))), draw(n, 3)))
    return found


def errors_of_one(draw):
    """Desired and given outputs and scores without ties: several outputs, one, one case, two experts, large scores."""
    shapes = ((4, 3, 2, 1.0), (5, 4, 1, 1.0), (1, 2, 3, 1.0), (3, 5, 2, 4.0))
    return [(draw(n, m), draw(n, k, m), size * draw(n, k)) for n, k, m, size in shapes]


def layers(draw):
    """Inputs, choices, shares and experts: an expert without cases, all to one, one choice, all of them, one case."""
    found = []
    for n, experts, k in ((6, 3, 2), (8, 5, 1), (5, 3, 3), (1, 4, 2), (4, 6, 2)):
        chosen = draw(n, experts).argsort(dim=-1)[:, :k]
        found.append((draw(n, 2), chosen, torch.sigmoid(draw(n, k)), draw(experts, 2, 4), draw(experts, 4, 3)))
    x, _, _, first, second = found[0]
    return [*found, (x, torch.full((6, 1), 1), torch.sigmoid(draw(6, 1)), first, second)]


def is_chosen(scores, k):
    return torch.zeros_like(scores, dtype=torch.bool).scatter(1, scores.topk(k, dim=1).indices, True)


def softmax_of_softmax(scores, k, renormalise):
    p = torch.softmax(scores, dim=1)
    if renormalise:
        return torch.softmax(p.masked_fill(~is_chosen(scores, k), -torch.inf), dim=1)
    return p * is_chosen(scores, k)


def zero_for_minus_infinity(scores, k, renormalise):
    if renormalise:
        return torch.softmax(scores * is_chosen(scores, k), dim=1)
    return torch.softmax(scores, dim=1) * is_chosen(scores, k)


def once_for_the_batch(scores, k, renormalise):
    kept = is_chosen(scores.mean(dim=0, keepdim=True), k).expand_as(scores)
    if renormalise:
        return torch.softmax(scores.masked_fill(~kept, -torch.inf), dim=1)
    return torch.softmax(scores, dim=1) * kept


def in_order(queued, experts):
    onehot = torch.nn.functional.one_hot(queued, experts)
    return (onehot.cumsum(dim=0) * onehot).sum(dim=1) - 1


def along_the_experts(chosen, experts):
    onehot = torch.nn.functional.one_hot(chosen.T.flatten(), experts)
    return ((onehot.cumsum(dim=1) * onehot).sum(dim=1) - 1).view(chosen.shape[1], -1).T


def whole_line(chosen, experts):
    onehot = torch.nn.functional.one_hot(chosen.T.flatten(), experts)
    return (onehot.cumsum(dim=0).sum(dim=1) - 1).view(chosen.shape[1], -1).T


def column_by_column(chosen, experts):
    return torch.stack([in_order(column, experts) for column in chosen.T], dim=1)


def from_the_end(chosen, experts):
    return in_order(chosen.T.flatten().flip(0), experts).flip(0).view(chosen.shape[1], -1).T


def overwritten(out, case, share, x):
    y = torch.zeros_like(x)
    for choice, n in enumerate(case.tolist()):
        y[n] = share[choice] * out[choice]
    return y


def input_for_the_dropped(out, case, share, x):
    y = torch.zeros_like(x).index_add(0, case, share[:, None] * out)
    here = torch.zeros(len(x), dtype=torch.bool)
    here[case] = True
    return torch.where(here[:, None], y, x)


def log_of_exponentials(out, case, share, x):
    return torch.zeros_like(x).index_add(0, case, share[:, None] * out.exp()).log()


def mean_of_choices(out, case, share, x):
    count = torch.bincount(case, minlength=len(x)).clamp(min=1)
    return torch.zeros_like(x).index_add(0, case, share[:, None] * out) / count[:, None]


def calls_autograd(calls, cases):
    if any(name in ("grad", "backward") for name, _ in calls):
        return "autograd computes them here, and this exercise is to write them down without it."


def parts_of_switch(d, o, scores):
    p = torch.softmax(scores, dim=1)
    favourite = scores.argmax(dim=1, keepdim=True)
    kept = torch.zeros_like(p).scatter(1, favourite, 1.0)
    y = ((p * kept)[:, :, None] * o).sum(dim=1)
    return p, kept, y - d, y


def as_if_all_were_computed(d, o, scores):
    p, _, g, y = parts_of_switch(d, o, scores)
    return p * ((g[:, None] * o).sum(dim=2) - (g * y).sum(dim=1, keepdim=True))


def cooperative(d, o, scores):
    p = torch.softmax(scores, dim=1)
    y = (p[:, :, None] * o).sum(dim=1)
    return p * ((y - d)[:, None] * (o - y[:, None])).sum(dim=2)


def of_the_weights(d, o, scores):
    _, kept, g, _ = parts_of_switch(d, o, scores)
    return kept * (g[:, None] * o).sum(dim=2)


def last_choice_stays(x, chosen, share, first, second):
    y = x.new_zeros(len(x), second.shape[2])
    for i in range(len(first)):
        case, choice = torch.where(chosen == i)
        y[case] = share[case, choice, None] * (torch.relu(x[case] @ first[i]) @ second[i])
    return y


def without_the_kink(x, chosen, share, first, second):
    return sum(share[:, j, None] * torch.einsum("nd,ndh,nhm->nm", x, first[chosen[:, j]], second[chosen[:, j]])
               for j in range(chosen.shape[1]))


def computes_more_rows(calls, cases):
    products = {"matmul", "mm", "bmm", "addmm", "baddbmm", "einsum", "linear", "__matmul__", "__rmatmul__"}
    needed = sum(chosen.numel() * (first.shape[2] + second.shape[2]) for _, chosen, _, first, second in cases)
    if sum(numbers for name, numbers in calls if name in products) > needed:
        return "experts are computed for cases that did not choose them; wanted are as many rows as there are choices."
