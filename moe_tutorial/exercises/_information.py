"""Inputs and mistakes that take some lines, of the exercises of chapter 15."""

import torch


def labels(*names, most=4):
    """Whole numbers for so many labels of the same cases: few cases and many, numbers that do not occur, all alike."""
    def drawn(draw):
        found = []
        for n in (12, 30, 7, 2):
            base = (draw.uniform(n) * most).long()
            found.append(tuple((base * (place % 2) + (draw.uniform(n) * 4).long()) for place in range(len(names))))
        same = torch.tensor([0, 3, 3, 1, 0, 3])
        found.append(tuple(same for _ in names))
        found.append(tuple(torch.zeros(5, dtype=torch.int64) for _ in names))
        found.append((torch.arange(12) % 6, torch.arange(12) % 6, torch.arange(12) // 6)[:len(names)])
        far = torch.tensor([9, 0, 9, 4, 0, 9, 4, 4])
        found.append(tuple(far if place == 0 else (torch.arange(8) // (place + 1)) % 3 for place in range(len(names))))
        return found
    return drawn


def entropy(*several):
    counts = torch.stack(several, dim=1).unique(dim=0, return_counts=True)[1]
    q = counts / counts.sum()
    return -(q * q.log()).sum()


def table(a, b):
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    return torch.bincount(a * columns + b, minlength=rows * columns).view(rows, columns).double()


def with_log_of_0(a, b):
    joint = table(a, b) / len(a)
    return (joint * (joint / (joint.sum(1, keepdim=True) * joint.sum(0))).log()).sum()


def with_cells_that_collide(a, b):
    """Pairs are numbered with the rows in the place of the columns, so that different pairs share a number."""
    pairs = a * (a.max() + 1) + b
    return entropy(a) + entropy(b) - entropy(pairs)


def weighed_by_the_product(a, b):
    joint = table(a, b) / len(a)
    alone = joint.sum(1, keepdim=True) * joint.sum(0)
    return (alone * (joint / alone).log()).nan_to_num(neginf=0.0).sum()


def of_counts(a, b):
    joint = table(a, b)
    return (joint * (joint / (joint.sum(1, keepdim=True) * joint.sum(0))).log()).nan_to_num().sum()


def rows_alone(a, b):
    """The mean over the values of b of what a says about being that value or not."""
    return torch.stack([entropy(a) - entropy(a[b == value]) for value in b.unique()]).mean()


def given(a, b, c):
    """I(A; B | C)."""
    return entropy(a, c) + entropy(b, c) - entropy(a, b, c) - entropy(c)


def unweighted(a, b, c):
    parts = [entropy(a[c == value]) + entropy(b[c == value]) - entropy(a[c == value], b[c == value]) for value in c.unique()]
    return torch.stack(parts).mean()


def groups(draw):
    """Experts, characters and draws: many cases, characters that occur once, one character only, all different."""
    found = []
    for n, experts, characters in ((12, 4, 3), (20, 8, 6), (6, 2, 6), (9, 5, 1), (1, 3, 2)):
        found.append(((draw.uniform(n) * experts).long(), (draw.uniform(n) * characters).long(), draw.uniform(n)))
    different, threes = torch.arange(7), torch.arange(9)
    return [*found, (different, different, draw.uniform(7)), (threes, threes // 3 + 2, draw.uniform(9))]


def within(expert, label, draws, way):
    shuffled = expert.clone()
    for value in label.unique():
        cases = torch.where(label == value)[0]
        way(shuffled, expert, cases, draws[cases].argsort())
    return shuffled


def in_order(shuffled, expert, cases, order):
    shuffled[cases[order]] = expert[cases]


def other_way(shuffled, expert, cases, order):
    shuffled[cases] = expert[cases[order]]


def with_putting_back(shuffled, expert, cases, order):
    shuffled[cases] = expert[cases[order // 2]]


def turned(shuffled, expert, cases, order):
    shuffled[cases[order.flip(0)]] = expert[cases]
