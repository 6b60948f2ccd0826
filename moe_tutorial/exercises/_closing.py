"""Inputs and mistakes of the exercises of chapter 17."""

import torch


def read_texts(draw):
    """Proportions, and the logarithms of what experts said: one character, two experts, a long text, an uneven beginning."""
    found = []
    for length, experts, size in ((6, 3, 1.0), (1, 4, 1.0), (9, 2, 2.0), (5, 5, 0.3)):
        found.append((torch.softmax(draw(experts), 0), torch.nn.functional.logsigmoid(size * draw(length, experts) - 1)))
    return [*found, (torch.tensor([0.9, 0.1]).double(), -3 - draw(600, 2).square())]


def before(said):
    return torch.cat([torch.zeros_like(said[:1]), said.cumsum(0)[:-1]])


def with_the_character(p, said):
    return torch.softmax(p.log() + said.cumsum(0), dim=1)


def only_the_last(p, said):
    return torch.softmax(p.log() + torch.cat([torch.zeros_like(said[:1]), said[:-1]]), dim=1)


def without_the_prior(p, said):
    return torch.softmax(before(said), dim=1)


def prior_each_time(p, said):
    return torch.softmax((torch.arange(len(said))[:, None] + 1) * p.log() + before(said), dim=1)


def products(p, said):
    together = p * before(said).exp()
    return together / together.sum(1, keepdim=True)


def not_normalised(p, said):
    return p * before(said).exp()


def over_the_text(p, said):
    return torch.softmax(p.log() + before(said), dim=0)


def averaged(p, said):
    return torch.softmax(p.log() + before(said) / torch.arange(len(said)).clamp(min=1)[:, None], dim=1)


def mixed_scores(draw):
    """Scores and proportions: one expert, one case, two characters, a proportion of 0, experts that are sure, far scores."""
    found = [(size * draw(n, experts, words), torch.softmax(draw(n, experts), 1)) for n, experts, words, size in
             ((4, 3, 5, 2.0), (1, 2, 3, 1.0), (3, 1, 4, 1.0), (5, 4, 2, 3.0))]
    sure = torch.tensor([[[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]]]).double()
    uneven, one, far = (torch.tensor([p]).double() for p in ((0.7, 0.3), (1.0, 0.0), (0.4, 0.6)))
    return [*found, (sure + draw(1, 2, 3) / 10, uneven), (sure + draw(1, 2, 3) / 10, one), (sure + 1000, far)]


def scores_blended(scores, p):
    return torch.softmax(torch.einsum("nk,nkv->nv", p, scores), dim=-1)


def softmax_over_experts(scores, p):
    return torch.einsum("nk,nkv->nv", p, torch.softmax(scores, dim=1))


def without_proportions(scores, p):
    return torch.softmax(scores, dim=-1).mean(1)


def favourite_alone(scores, p):
    return torch.softmax(scores, dim=-1)[torch.arange(len(p)), p.argmax(1)]


def logarithms_blended(scores, p):
    return torch.einsum("nk,nkv->nv", p, torch.log_softmax(scores, dim=-1)).exp()


def logarithm_of_the_blend(scores, p):
    return torch.einsum("nk,nkv->nv", p, torch.softmax(scores, dim=-1)).log()
