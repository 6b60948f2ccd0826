"""Wrong answers that take some lines, of the exercises with many; those that need the reference answer stand beside it."""

import torch

SMALL = 1e-12, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-15, 1e-16, 1e-20, 1e-30, 1e-100, 1e-300
"""Numbers that people put in the place of a 0."""


# ---- eq. 1.3 of squared distances and proportions

def with_a_small_number(small):
    return lambda squared, p: -((p * torch.exp(-0.5 * squared)).sum(dim=-1) + small).log()


def never_below(small):
    return lambda squared, p: -(p * torch.exp(-0.5 * squared)).sum(dim=-1).clamp(min=small).log()


def loss_never_closed(small):
    return lambda squared, p: -torch.logsumexp((p + small).log() - 0.5 * squared, dim=-1)


def moved_by_the_nearest(squared, p):
    nearest = squared.min(dim=-1, keepdim=True).values
    return 0.5 * nearest[:, 0] - (p * torch.exp(-0.5 * (squared - nearest))).sum(dim=-1).log()


# ---- responsibilities

def less(h):
    """From responsibilities to the gradient at the gate's total inputs, with the same mistake in it."""
    return lambda d, o, p: p - h(d, o, p)


def prior_forgotten(d, o, p):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return torch.softmax(-0.5 * squared, dim=-1)


def prior_without_the_logarithm(d, o, p):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return torch.softmax(p - 0.5 * squared, dim=-1)


def not_divided(d, o, p):
    return p * torch.exp(-0.5 * (d[:, None] - o).square().sum(dim=-1))


def zero_by_zero(d, o, p):
    joint = not_divided(d, o, p)
    return joint / joint.sum(dim=-1, keepdim=True)


def half_forgotten(d, o, p):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return torch.softmax(p.log() - squared, dim=-1)


def square_forgotten(d, o, p):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return torch.softmax(p.log() - 0.5 * squared.sqrt(), dim=-1)


def over_the_cases(d, o, p):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return torch.softmax(p.log() - 0.5 * squared, dim=0)


def mean_over_the_outputs(d, o, p):
    squared = (d[:, None] - o).square().mean(dim=-1)
    return torch.softmax(p.log() - 0.5 * squared, dim=-1)


def zero_for_nan(d, o, p):
    return zero_by_zero(d, o, p).nan_to_num(nan=0.0)


def small_denominator(small):
    def answer(d, o, p):
        joint = not_divided(d, o, p)
        return joint / (joint.sum(dim=-1, keepdim=True) + small)
    return answer


def never_closed(small):
    def answer(d, o, p):
        return torch.softmax((p + small).log() - 0.5 * (d[:, None] - o).square().sum(dim=-1), dim=-1)
    return answer


def clamped(d, o, p):
    return torch.softmax(p.clamp(min=1e-12).log() - 0.5 * (d[:, None] - o).square().sum(dim=-1), dim=-1)


def the_winner_takes_all(d, o, p):
    return torch.nn.functional.one_hot(logarithm_of_h(d, o, p).argmax(dim=-1), p.shape[-1])


def logarithm_of_h(d, o, p):
    return torch.log_softmax(p.log() - 0.5 * (d[:, None] - o).square().sum(dim=-1), dim=-1)


# ---- one step of a mixture without inputs

def by_the_blend(d, o, scores, step_size):
    p = torch.softmax(scores, dim=0)
    residual = d[:, None] - (p * o).sum()
    to_o, to_scores = (-2 * p * residual).mean(0), (-2 * residual * p * (o - (p * o).sum())).mean(0)
    return torch.stack([o - step_size * to_o, scores - step_size * to_scores])


def vanishing_exponentials(d, o, scores, step_size):
    misfit = d[:, None] - o
    p = torch.softmax(scores, dim=0)
    weighted = p * torch.exp(-misfit.square() / 2)
    h = weighted / weighted.sum(dim=1, keepdim=True)
    return torch.stack([o + step_size * (h * misfit).mean(0), scores - step_size * (p - h).mean(0)])


def without_the_half(factor):
    def answer(d, o, scores, step_size):
        misfit = d[:, None] - o
        h = torch.softmax(torch.log_softmax(scores, dim=0) - misfit.square(), dim=1)
        to_scores = (torch.softmax(scores, dim=0) - h).mean(0)
        return torch.stack([o + factor * step_size * (h * misfit).mean(0), scores - step_size * to_scores])
    return answer


def of_the_expected_error(factor):
    def answer(d, o, scores, step_size):
        misfit, p = d[:, None] - o, torch.softmax(scores, dim=0)
        to_o = (-2 * p * misfit).mean(0)
        to_scores = (p * (misfit.square() - (p * misfit.square()).sum(1, keepdim=True))).mean(0)
        return torch.stack([o - factor * step_size * to_o, scores - factor * step_size * to_scores])
    return answer


# ---- proportions and errors of runs

def more_than(least):
    return lambda p: (p.amax(dim=1) > least).sum(dim=-1)


def counted_above(errors, criterion):
    above = errors > criterion
    return above.sum(dim=0).double().where(~above.all(dim=0), torch.nan)


def for_good(errors, criterion):
    last_above = (torch.arange(1, len(errors) + 1)[:, None] * (errors > criterion)).max(dim=0).values
    return last_above.double().where(last_above < len(errors), torch.nan)


def strictly_below(errors, criterion):
    below = errors < criterion
    return below.double().argmax(dim=0).double().where(below.any(dim=0), torch.nan)
