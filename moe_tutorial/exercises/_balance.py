"""What the exercises of chapter 13 try their answers with, and mistakes in answers that need more than a line."""

import torch


def chosen(scores, k):
    """1 for the k largest of each row, 0 for the others."""
    return torch.zeros_like(scores).scatter(1, scores.topk(k, dim=1).indices, 1.0)


# ---- inputs

def sparse_weights(draw):
    """Weights with zeros: two of five, one of three as they are, an expert that nobody chose, one case."""
    found = []
    for n, experts, k in ((6, 5, 2), (9, 3, 1), (4, 6, 3), (1, 4, 2), (40, 3, 1)):  # many cases: importances far apart
        scores = 2 * draw(n, experts) + 2 * draw(experts)
        found.append((torch.softmax(scores, 1) * chosen(scores, k),))
    alone = torch.softmax(draw(5, 3), 1)
    alone[:, 2] = 0
    return [*found, (alone,)]


def noisy_scores(draw):
    """Scores without and with noise, its spreads, and k."""
    found = []
    for n, experts, k in ((6, 4, 1), (5, 5, 2), (1, 3, 2), (8, 6, 3)):
        scores, spread = draw(n, experts), 0.3 + draw(n, experts).abs()
        found.append((scores, scores + spread * draw(n, experts), spread, k))
    close = torch.tensor([[0.0, 1.0, 1.003, 2.0], [0.5, 0.498, 0.0, 0.504]], dtype=torch.float64)  # nearly equal
    return [*found, (draw(2, 4), close, 0.3 + draw(2, 4).abs(), 1), (draw(2, 4), close, 0.3 + draw(2, 4).abs(), 2)]


def scores_and_k(draw):
    """Scores whose favourites are uneven, and k: one, two, all; one case; large ones."""
    liked = torch.linspace(1, -1, 5, dtype=torch.float64)
    drawn = [(draw(9, 5) + liked, 1), (draw(7, 5) + liked, 2), (4 * draw(6, 3), 1), (draw(5, 4), 3), (draw(1, 4), 2)]
    return [*drawn, (30 * draw(8, 4), 2)]


def scores(draw):
    """Scores of several sizes, one of them 1000, and one case alone."""
    far = 10 * draw(3, 4)
    far[1, 2] = 1000.0
    return [(draw(5, 4),), (3 * draw(4, 6),), (draw(1, 3),), (draw(6, 2) - 2,), (far,)]


def loads(draw):
    """Biases, counts with some above, below and at their mean, and a rate."""
    given = ([10, 2, 4, 0], [3, 3, 3], [1, 0, 0, 7, 2], [100, 140, 60, 99, 101, 100], [0, 1])
    return [(2 * draw(len(counts)), torch.tensor(counts), rate) for counts, rate in zip(given, (0.1, 0.5, 0.001, 0.02, 2.0))]


def biased_scores(draw):
    """Scores as from a sigmoid, biases large enough to matter, and k."""
    shapes = ((6, 4, 2, 0.5), (5, 3, 1, 0.5), (1, 5, 3, 0.5), (7, 6, 2, 0.1), (4, 3, 3, 0.5), (9, 6, 3, 4.0))
    found = [(torch.sigmoid(draw(n, experts)), size * draw(experts), k) for n, experts, k, size in shapes]
    alike = torch.sigmoid(torch.tensor([[0.1, 0.4, -0.3], [0.5, 0.2, -0.2]], dtype=torch.float64))
    for shift, gap in ((-3.0, 0.073), (3.0, 0.0745), (-3.0, 0.07), (3.0, 0.073)):  # that just make up for the scores
        found.append((alike, shift - torch.tensor([0.0, gap, 0.5], dtype=torch.float64), 1))
    return found


def scores_and_room(draw):
    """Scores, and room at each expert: little, so that cases are left out, more than there are cases, one expert."""
    shapes = ((8, 4, 2), (6, 3, 2), (9, 5, 1), (3, 4, 5), (5, 2, 3), (4, 1, 2))
    return [(2 * draw(n, experts), room) for n, experts, room in shapes]


# ---- mistakes

def with_k_minus_1(weights):
    return weights.sum(0).var() / weights.sum(0).mean() ** 2 if weights.shape[1] > 1 else torch.zeros(())


def of_counts(weights):
    counts = (weights > 0).double().sum(0)
    return counts.var(correction=0) / counts.mean() ** 2


def one_threshold(place):
    """The load with the k-th (place 0) or the next largest noisy score (1) as everybody's threshold."""
    def load(scores, noisy, spread, k):
        order = noisy.sort(dim=1, descending=True).values
        return torch.special.ndtr((scores - order[:, k - 1 + place, None]) / spread).sum(0)
    return load


def thresholds(scores, noisy, k, swapped=False):
    order = noisy.sort(dim=1, descending=True).values
    inside = chosen(noisy, k) > 0
    return torch.where(inside != swapped, order[:, k, None], order[:, k - 1, None])


def noisy_in_the_numerator(scores, noisy, spread, k):
    return torch.special.ndtr((noisy - thresholds(scores, noisy, k)) / spread).sum(0)


def swapped_thresholds(scores, noisy, spread, k):
    return torch.special.ndtr((scores - thresholds(scores, noisy, k, swapped=True)) / spread).sum(0)


def without_the_spread(scores, noisy, spread, k):
    return torch.special.ndtr(scores - thresholds(scores, noisy, k)).sum(0)


def counted(scores, noisy, spread, k):
    return chosen(noisy, k).sum(0)


def renormalised(scores, k):
    return torch.softmax(scores.masked_fill(chosen(scores, k) == 0, -torch.inf), 1)


def with_chosen_weights(scores, k):
    return scores.shape[1] * (chosen(scores, k).mean(0) / k * renormalised(scores, k).mean(0)).sum()


def with_raw_scores(scores, k):
    return scores.shape[1] * (chosen(scores, k).mean(0) / k * scores.mean(0)).sum()


def of_proportions_alone(scores, k):
    return scores.shape[1] * torch.softmax(scores, 1).mean(0).square().sum()


def importance_for_counts(scores, k):
    return scores.shape[1] * (renormalised(scores, k).mean(0) * torch.softmax(scores, 1).mean(0)).sum()


def f_that_sums_to_k(scores, k):
    return scores.shape[1] * (chosen(scores, k).mean(0) * torch.softmax(scores, 1).mean(0)).sum()


def mean_over_experts(scores, k):
    return (chosen(scores, k).mean(0) / k * torch.softmax(scores, 1).mean(0)).mean()


def against_the_share(bias, counts, rate):
    return bias + rate * torch.sign(1 / len(counts) - counts)


def by_the_difference(bias, counts, rate):
    return bias + rate * (counts.double().mean() - counts)


def against_the_median(bias, counts, rate):
    return bias + rate * torch.sign(counts.double().median() - counts)


def biased(score, bias, k):
    return chosen(score + bias, k)


def weighed_with_the_bias(score, bias, k):
    w = (score + bias) * biased(score, bias, k)
    return w / w.sum(1, keepdim=True)


def softmax_of_the_biased(score, bias, k):
    return torch.softmax((score + bias).masked_fill(biased(score, bias, k) == 0, -torch.inf), 1)


def divided_by_all(score, bias, k):
    return score * biased(score, bias, k) / score.sum(1, keepdim=True)


def as_it_is(score, bias, k):
    return score * biased(score, bias, k)


def without_the_bias(score, bias, k):
    return divided(score * chosen(score, k))


def divided(w):
    return w / w.sum(1, keepdim=True)


def cases_choose(scores, room):
    p = torch.softmax(scores, 1)
    return p * chosen(p, min(room, scores.shape[1]))


def over_the_cases(scores, room):
    p = torch.softmax(scores, 0)
    return p * chosen(p.T, min(room, len(scores))).T


def by_the_scores(scores, room):
    return torch.softmax(scores, 1) * chosen(scores.T, min(room, len(scores))).T


def parts_of_a_case(scores, room):
    p = torch.softmax(scores, 1)
    return divided(p * chosen(p.T, min(room, len(scores))).T)


def chosen_and_counted(scores, room):
    return chosen(torch.softmax(scores, 1).T, min(room, len(scores))).T
