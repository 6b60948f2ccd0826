"""The losses are the paper's formulas, stay finite where the formulas do not, and have the gradients of 1.4 and 1.5."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from moe_tutorial import cooperative_error, expected_error, losses, mixture_nll, responsibilities

f64 = torch.float64
LOSSES = {"1.1": cooperative_error, "1.2": expected_error, "1.3": mixture_nll}
GRADIENTS = {"1.1": losses.cooperative_error_gradient, "1.2": losses.expected_error_gradient,
             "1.3": losses.mixture_nll_gradient}


@st.composite
def cases(draw, largest=3.0, runs=()):
    """d, o and p of some size; p has no entry near 0."""
    n, k, m = (draw(st.integers(1, 4)) for _ in range(3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    d = largest * (2 * torch.rand(n, m, dtype=f64, generator=generator) - 1)
    o = largest * (2 * torch.rand(*runs, n, k, m, dtype=f64, generator=generator) - 1)
    p = torch.softmax(2 * torch.randn(*runs, n, k, dtype=f64, generator=generator), dim=-1)
    return d, o, p


def by_the_formula(equation, d, o, p, variance=1.0):
    """The equation for one case, in plain numbers: d a list of M, o K lists of M, p a list of K."""
    squared = [math.fsum((a - b) ** 2 for a, b in zip(d, expert)) for expert in o]
    if equation == "1.1":
        blend = [math.fsum(pi * expert[m] for pi, expert in zip(p, o)) for m in range(len(d))]
        return math.fsum((a - b) ** 2 for a, b in zip(d, blend))
    if equation == "1.2":
        return math.fsum(pi * e for pi, e in zip(p, squared))
    density = math.fsum(pi * math.exp(-e / (2 * variance)) * variance ** (-len(d) / 2) for pi, e in zip(p, squared))
    return -math.log(density)


@pytest.mark.parametrize("equation", LOSSES)
@given(data=cases())
@settings(max_examples=30)
def test_each_loss_is_the_formula_case_by_case(equation, data):
    d, o, p = data
    values = LOSSES[equation](d, o, p)
    assert values.shape == (len(d),)
    for n in range(len(d)):
        wanted = by_the_formula(equation, d[n].tolist(), o[n].tolist(), p[n].tolist())
        assert values[n].item() == pytest.approx(wanted, rel=1e-10, abs=1e-12)


@given(cases(), st.floats(0.05, 20))
@settings(max_examples=30)
def test_the_variance_is_that_of_the_gaussians(data, variance):
    d, o, p = data
    values = mixture_nll(d, o, p, variance)
    for n in range(len(d)):
        wanted = by_the_formula("1.3", d[n].tolist(), o[n].tolist(), p[n].tolist(), variance)
        assert values[n].item() == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_with_its_constant_1_3_is_a_density_that_integrates_to_1():
    """Over one output, numerically: this fails for a variance in the wrong place or a missing ½."""
    d = torch.linspace(-60, 60, 24001, dtype=f64)[:, None]
    o = torch.tensor([[-2.0], [1.0], [3.0]], dtype=f64).expand(len(d), 3, 1)
    p = torch.tensor([0.2, 0.5, 0.3], dtype=f64).expand(len(d), 3)
    for variance in (0.25, 1.0, 4.0):
        density = torch.exp(-mixture_nll(d, o, p, variance)) / math.sqrt(2 * math.pi)
        assert torch.trapezoid(density, d[:, 0]).item() == pytest.approx(1, abs=1e-9)


def test_a_worked_example():
    """Two experts, d = 1, outputs 0 and 1, one half each, worked out by hand."""
    d, o, p = torch.ones(1, 1), torch.tensor([[[0.0], [1.0]]]), torch.tensor([[0.5, 0.5]])
    assert cooperative_error(d, o, p).item() == pytest.approx(0.25)
    assert expected_error(d, o, p).item() == pytest.approx(0.5)
    assert mixture_nll(d, o, p).item() == pytest.approx(-math.log(0.5 * math.exp(-0.5) + 0.5))
    odds = math.exp(0.5)  # the good expert's density over the other's
    assert responsibilities(d, o, p)[0].tolist() == pytest.approx([1 / (1 + odds), odds / (1 + odds)])
    assert losses.expected_error_gradient(d, o, p).flatten().tolist() == [-1, 0]
    assert losses.mixture_nll_gradient(d, o, p).flatten().tolist() == pytest.approx([-1 / (1 + odds), 0])


@given(cases(), st.floats(0.1, 10))
@settings(max_examples=30)
def test_responsibilities_are_the_posterior(data, variance):
    d, o, p = data
    h = responsibilities(d, o, p, variance)
    assert_close(h.sum(-1), torch.ones(len(d), dtype=f64))
    likelihood = torch.exp(-0.5 * (d[:, None] - o).square().sum(-1) / variance)
    wanted = p * likelihood / (p * likelihood).sum(-1, keepdim=True)
    assert_close(h, wanted)
    best = likelihood.argmax(-1, keepdim=True)
    assert (h.gather(-1, best) >= p.gather(-1, best) - 1e-12).all()  # the best-fitting expert's share never falls


@pytest.mark.parametrize("equation", LOSSES)
@given(data=cases())
@settings(max_examples=30)
def test_gradients_by_hand_by_autograd_and_by_finite_differences(equation, data):
    d, o, p = data
    by_hand = GRADIENTS[equation](d, o, p)
    o = o.clone().requires_grad_()
    (by_autograd,) = torch.autograd.grad(LOSSES[equation](d, o, p).sum(), o)
    assert_close(by_hand, by_autograd, rtol=1e-8, atol=1e-12)
    loss = LOSSES[equation]
    for index in [(0, 0, 0), tuple(size - 1 for size in o.shape)]:
        # The error of this five-point rule is of the fourth order in the step.
        step, moved = 1e-3, o.detach().clone()
        values = {}
        for times in (-2, -1, 1, 2):
            moved[index] = o.detach()[index] + times * step
            values[times] = loss(d, moved, p)[index[0]].item()
        slope = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * step)
        assert by_hand[index].item() == pytest.approx(slope, rel=1e-8, abs=1e-8)


@given(cases(), st.floats(0.1, 10))
@settings(max_examples=20)
def test_the_gradient_of_1_3_with_a_variance(data, variance):
    d, o, p = data
    by_hand = losses.mixture_nll_gradient(d, o, p, variance)
    o = o.clone().requires_grad_()
    (by_autograd,) = torch.autograd.grad(mixture_nll(d, o, p, variance).sum(), o)
    assert_close(by_hand, by_autograd, rtol=1e-8, atol=1e-12)


@given(cases(runs=(2,)), st.lists(st.floats(0.1, 10), min_size=8, max_size=8))
@settings(max_examples=30)
def test_a_variance_for_each_expert(data, variances):
    d, o, p = data
    runs, cases_, experts, outputs = o.shape
    variance = torch.tensor(variances, dtype=f64)[: runs * experts].reshape(runs, experts)
    values, h = mixture_nll(d, o, p, variance), responsibilities(d, o, p, variance)
    for run, n in itertools.product(range(runs), range(cases_)):
        terms = [p[run, n, k].item() * variance[run, k].item() ** (-outputs / 2)
                 * math.exp(-sum((d[n] - o[run, n, k]).square().tolist()) / (2 * variance[run, k].item()))
                 for k in range(experts)]
        assert values[run, n].item() == pytest.approx(-math.log(math.fsum(terms)), rel=1e-9, abs=1e-9)
        assert h[run, n].tolist() == pytest.approx([term / math.fsum(terms) for term in terms], rel=1e-9, abs=1e-300)
    by_hand, o = losses.mixture_nll_gradient(d, o, p, variance), o.clone().requires_grad_()
    (by_autograd,) = torch.autograd.grad(mixture_nll(d, o, p, variance).sum(), o)
    assert_close(by_hand, by_autograd, rtol=1e-8, atol=1e-12)
    same = variance[:, :1].expand(runs, experts)
    assert_close(mixture_nll(d, o.detach(), p, same), mixture_nll(d, o.detach(), p, same[:, 0]))
    assert_close(mixture_nll(d, o[0].detach(), p[0], variance[0]), values[0])


@given(cases(runs=(3,)))
@settings(max_examples=20)
def test_runs_side_by_side_are_the_runs_alone(data):
    d, o, p = data
    variance = torch.tensor([0.5, 1.0, 3.0], dtype=f64)
    for function in (*LOSSES.values(), *GRADIENTS.values(), responsibilities):
        for run in range(3):
            assert_close(function(d, o, p)[run], function(d, o[run], p[run]))
    for function in (mixture_nll, responsibilities, losses.mixture_nll_gradient):
        for run in range(3):
            assert_close(function(d, o, p, variance)[run], function(d, o[run], p[run], variance[run]))


@given(st.floats(-300, 0), st.floats(0, 6), st.floats(0, 6), st.integers(1, 3))
def test_tiny_proportions_and_huge_errors_stay_finite(p_exponent, first, second, outputs):
    small = 10.0**p_exponent / 2
    p = torch.tensor([[small, 1 - small]], dtype=f64).requires_grad_()
    o = torch.tensor([10**first, -(10**second)], dtype=f64)[None, :, None].expand(1, 2, outputs).clone().requires_grad_()
    d = torch.zeros(1, outputs, dtype=f64)
    for loss in LOSSES.values():
        value = loss(d, o, p)
        assert value.isfinite().all()
        assert all(g.isfinite().all() for g in torch.autograd.grad(value.sum(), (o, p)))
    assert responsibilities(d, o, p).sum().item() == pytest.approx(1)


def test_a_proportion_of_exactly_0_gives_no_nan():
    p = torch.tensor([[0.0, 1.0]], dtype=f64).requires_grad_()
    o = torch.tensor([[[0.0], [5.0]]], dtype=f64).requires_grad_()
    value = mixture_nll(torch.zeros(1, 1, dtype=f64), o, p)
    assert value.item() == pytest.approx(12.5)
    assert all(g.isfinite().all() for g in torch.autograd.grad(value.sum(), (o, p)))


@given(st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.0, 1.0]))
def test_with_one_sigmoid_output_competition_is_bounded(p, first, second, target):
    """Derived: errors are at most 1, so `h_i/p_i` of two experts differ by at most the square root of e."""
    proportions = torch.tensor([[p, 1 - p]], dtype=f64)
    o = torch.tensor([[[first], [second]]], dtype=f64)
    ratio = responsibilities(torch.full((1, 1), target, dtype=f64), o, proportions) / proportions
    assert ratio.max() / ratio.min() <= math.exp(0.5) * (1 + 1e-12)


D, OUT, P = torch.rand(5, 2), torch.rand(5, 3, 2), torch.full((5, 3), 1 / 3)


@pytest.mark.parametrize("function", [*LOSSES.values(), *GRADIENTS.values(), responsibilities])
@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ((D.long(), OUT, P), TypeError, "d must hold floating-point numbers, got torch.int64"),
        ((D.double(), OUT, P), TypeError, "same dtype"),
        ((D.tolist(), OUT, P), TypeError, "d must be a torch.Tensor, got list"),
        ((D, OUT, 2 * P), ValueError, "p must sum to 1"),
        ((D, OUT, P - torch.tensor([0.5, 0.0, -0.5])), ValueError, "p must not be negative"),
        ((D, OUT, P[:, :2]), ValueError, "p has shape (5, 2), wanted (…, 5, 3)"),
        ((D[:, :1], OUT, P), ValueError, "d has shape (5, 1), wanted (5, 2)"),
        ((D[:1], OUT, P), ValueError, "d has shape (1, 2), wanted (5, 2)"),
        ((D[:0], OUT[:0], P[:0]), ValueError, "is empty"),
        ((D / 0, OUT, P), ValueError, "d must be finite, got inf"),
        ((D, OUT * torch.nan, P), ValueError, "o must be finite, got nan at index (0, 0, 0)"),
        ((D, OUT.expand(2, 5, 3, 2), P), ValueError, "got o (2,), p ()"),
        ((D.expand(2, 5, 2), OUT, P), ValueError, "wanted (5, 2): every run has the same d"),
    ],
)
def test_bad_input_is_refused_in_words(function, arguments, kind, said):
    with pytest.raises(kind) as error:
        function(*arguments)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("variance", "said"),
    [(0.0, "variance must be above 0 and finite, got 0.0"), (-1.0, "got -1.0"), (math.inf, "got inf"),
     (torch.tensor([1.0, 2.0]), "variance has shape (2,), wanted (…, 3)"),
     (torch.ones(4, 3, 1), "variance has shape (4, 3, 1), wanted () or (3,)")],
)
def test_a_bad_variance_is_refused_in_words(variance, said):
    with pytest.raises(ValueError) as error:
        mixture_nll(D, OUT, P, variance)
    assert said in str(error.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("far", [1.0, 14.0, 38.0, 1000.0])
def test_an_expert_with_a_proportion_of_0_has_no_part_in_the_case(dtype, far):
    """However near its output is, and however far those of the others."""
    d, p = torch.zeros(1, 1, dtype=dtype), torch.tensor([[0.0, 0.5, 0.5]], dtype=dtype)
    o = torch.tensor([[[0.0], [far], [-far]]], dtype=dtype)
    scores = torch.tensor([[-torch.inf, 0.0, 0.0]], dtype=dtype, requires_grad=True)
    o.requires_grad_()
    assert_close(losses.mixture_nll(d, o, p), losses.mixture_nll(d, o[:, 1:], p[:, 1:]))
    assert losses.responsibilities(d, o, p).tolist() == [[0.0, 0.5, 0.5]]
    losses.mixture_nll(d, o, torch.softmax(scores, -1)).sum().backward()
    assert o.grad.isfinite().all() and scores.grad.tolist() == [[0.0, 0.0, 0.0]]
    if dtype == torch.float64 or far < 15:  # float32 has no digits left behind so large an E
        assert_close(o.grad, losses.mixture_nll_gradient(d, o.detach(), p))


@pytest.mark.parametrize("small", [1e-310, 5e-324])
def test_the_smallest_proportions_count_as_what_they_are(small):
    d, o = torch.zeros(1, 1).double(), torch.tensor([[[0.0], [100.0]]]).double()
    p = torch.tensor([[small, 1.0]], dtype=torch.float64, requires_grad=True)
    error = losses.mixture_nll(d, o, p)
    assert_close(error.item(), -math.log(small))
    error.sum().backward()
    assert p.grad.isfinite().all()


def test_squares_beyond_the_numbers_of_the_dtype_are_said():
    d, o, p = torch.zeros(1, 1), torch.full((1, 2, 1), 1e30), torch.full((1, 2), 0.5)
    for loss in (losses.mixture_nll, losses.expected_error, losses.cooperative_error, losses.responsibilities):
        with pytest.raises(OverflowError, match=f"{loss.__name__} cannot be computed in torch.float32"):
            loss(d, o, p)
