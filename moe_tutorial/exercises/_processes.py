"""Inputs, mistakes that take some lines, and what is watched, of the exercises of chapter 16."""

import torch


def arrivals(draw):
    """Rows by sender, counts, experts: several processes and experts, one of each, a sender and an expert without rows."""
    found = []
    for counts in ([[1, 2], [2, 1]], [[2, 0, 1], [0, 0, 3], [1, 1, 0]], [[3]], [[0, 2]], [[1], [2]],
                   [[4, 1], [0, 0], [2, 3]]):
        table = torch.tensor(counts)
        found.append((draw(int(table.sum()), 3), table, draw(table.shape[1], 3, 4), draw(table.shape[1], 4, 2)))
    return found


def of_each_row(counts):
    """The expert that each row is for."""
    processes, experts = counts.shape
    return torch.arange(experts).repeat(processes).repeat_interleave(counts.flatten())


def cut(rows, sizes, first, second):
    """The rows as they are, cut into pieces of these sizes, one for each expert."""
    pieces = rows.split(sizes.tolist())
    return torch.cat([torch.relu(piece @ one) @ other for piece, one, other in zip(pieces, first, second)])


def as_they_came(rows, counts, first, second):
    return cut(rows, counts.sum(0), first, second)


def left_sorted(rows, counts, first, second):
    return cut(rows[of_each_row(counts).argsort(stable=True)], counts.sum(0), first, second)


def sorted_once_more(rows, counts, first, second):
    by = of_each_row(counts).argsort(stable=True)
    return cut(rows[by], counts.sum(0), first, second)[by]


def senders_for_experts(rows, counts, first, second):
    whose = torch.arange(counts.shape[1]).repeat(len(counts)).repeat_interleave(counts.T.flatten())
    return each_row(rows, whose, first, second)


def each_row(rows, whose, first, second):
    return torch.einsum("ah,ahm->am", torch.relu(torch.einsum("ad,adh->ah", rows, first[whose])), second[whose])


def returned(draw):
    """Answers in the order of experts, choices and shares: one choice, several, one case, many, an expert for all."""
    found = []
    for n, experts, k in ((5, 4, 2), (6, 3, 1), (1, 4, 3), (4, 3, 3), (7, 8, 2), (60, 3, 2)):
        found.append((draw(n * k, 3), draw(n, experts).argsort(dim=-1)[:, :k], torch.sigmoid(draw(n, k))))
    return [*found, (draw(4, 2), torch.full((4, 1), 1), torch.sigmoid(draw(4, 1)))]


def put(answers, case, share, n):
    return answers.new_zeros(n, answers.shape[1]).index_add(0, case, share[:, None] * answers)


def by_remainder(answers, chosen, share):
    order = chosen.flatten().argsort(stable=True)
    return put(answers, order % len(chosen), share.flatten()[order], len(chosen))


def shares_as_they_lie(answers, chosen, share):
    order = chosen.flatten().argsort(stable=True)
    return put(answers, order // chosen.shape[1], share.flatten(), len(chosen))


def answers_as_they_lie(answers, chosen, share):
    return (share[:, :, None] * answers.view(*chosen.shape, -1)).sum(1)


def without_shares(answers, chosen, share):
    order = chosen.flatten().argsort(stable=True)
    return put(answers, order // chosen.shape[1], torch.ones_like(share).flatten(), len(chosen))


def last_one_stays(answers, chosen, share):
    order = chosen.flatten().argsort(stable=True)
    y = answers.new_zeros(len(chosen), answers.shape[1])
    for row, choice in enumerate(order.tolist()):
        y[choice // chosen.shape[1]] = share.flatten()[choice] * answers[row]
    return y


def steps(draw):
    """Cases, choices, a common number and experts: two processes, several, one, one case each, an expert for nobody."""
    found = []
    for processes, n in ((2, 3), (4, 2), (3, 5), (2, 1), (1, 4)):
        chosen = torch.randint(processes, (processes, n), generator=draw.generator)
        common = (-1 if n == 2 else 1) * (1 + draw.uniform(1)[0])
        found.append((3 * draw(processes, n), 2 * draw(processes, n), chosen, common, draw(processes)))
    x, d, chosen, common, expert = found[2]
    return [*found, (x, d, torch.zeros_like(chosen), common, expert)]


def summed(x, d, chosen, common, expert, of_all=True, reduced=torch.sum, experts=1.0):
    """A training step with one of the mistakes in it."""
    copies, expert = common.repeat(len(x)).requires_grad_(), expert.clone().requires_grad_()
    y = copies[:, None] * x * expert[chosen]
    loss = (d - y).square().sum() / (x.numel() if of_all else x.shape[1])
    of_copies, of_experts = torch.autograd.grad(loss, [copies, expert])
    return torch.cat([reduced(of_copies).view(1), of_experts * experts])


def idle(draw):
    """Rows that came, what is desired, an expert, and the cases of all processes: some rows, one, and none."""
    return [(draw(n, 3), draw(n, 2), draw(3, 4), draw(4, 2), cases)
            for n, cases in ((4, 12), (1, 5), (0, 7), (6, 6), (0, 2))]


def slope_of_loss(rows, d, first, second, loss):
    first = first.clone().requires_grad_()
    return torch.autograd.grad(loss(d - torch.relu(rows @ first) @ second), first)[0]


def of_my_rows(rows, d, first, second, cases):
    return slope_of_loss(rows, d, first, second, lambda misfit: misfit.square().sum() / len(rows))


def mean_of_numbers(rows, d, first, second, cases):
    return slope_of_loss(rows, d, first, second, lambda misfit: misfit.square().mean())


def not_divided(rows, d, first, second, cases):
    return slope_of_loss(rows, d, first, second, lambda misfit: misfit.square().sum())


def invented_row(rows, d, first, second, cases):
    if not len(rows):
        rows, d = rows.new_ones(1, rows.shape[1]), d.new_zeros(1, d.shape[1])
    return slope_of_loss(rows, d, first, second, lambda misfit: misfit.square().sum() / cases)


def takes_too_few_slopes(calls, cases):
    if sum(name in ("grad", "backward") for name, _ in calls) < len(cases):
        return ("a process without rows takes no slope here. A 0 that is written by hand is the right number, and yet the "
                "process would miss the exchanges back, for which the others wait.")


def loads(draw):
    """Rows for each expert, and processes: two, four, one, as many as experts; somebody without rows."""
    found = [(torch.randint(1, 40, (experts,), generator=draw.generator), processes)
             for experts, processes in ((8, 4), (8, 2), (6, 3), (4, 4), (6, 1))]
    counts = found[0][0].clone()
    counts[2:] = 0
    return [*found, (counts, 4)]


def strided(counts, processes):
    rows = counts.view(-1, processes).sum(0)
    return rows.max() / rows.double().mean()
