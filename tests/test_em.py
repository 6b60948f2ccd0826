"""Expectation maximisation: its steps are those of libraries, its bound touches, and no iteration lowers the likelihood."""

import math
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression

from moe_tutorial import Mixture, em, mixture_nll, responsibilities, toys, train, vowel_task
from moe_tutorial.training.steps import bound, gate_step, variance_step, weighted_least_squares

f64 = torch.float64
TOY = toys.absolute_value()
VOWELS = vowel_task().train


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(f64)
    yield
    torch.set_default_dtype(before)


def drawn(seed, cases=200, experts=3, inputs=2, outputs=2):
    g = torch.Generator().manual_seed(seed)
    x, d = torch.randn(cases, inputs, generator=g), torch.randn(cases, outputs, generator=g)
    return x, d, torch.softmax(2 * torch.randn(cases, experts, generator=g), -1)


# ---- the bound

@given(st.integers(0, 10_000), st.floats(0.05, 20))
@settings(max_examples=50, deadline=None)
def test_the_bound_is_below_the_likelihood_by_the_divergence_and_touches_it_at_h(seed, variance):
    g = torch.Generator().manual_seed(seed)
    d, o = torch.randn(6, 2, generator=g), 2 * torch.randn(4, 6, 3, 2, generator=g)
    p, q = (torch.softmax(3 * torch.randn(4, 6, 3, generator=g), -1) for _ in range(2))
    h = responsibilities(d, o, p, variance)
    likelihood = -mixture_nll(d, o, p, variance)
    torch.testing.assert_close(bound(d, o, p, h, variance), likelihood, rtol=1e-9, atol=1e-9)
    gap = likelihood - bound(d, o, p, q, variance)
    assert (gap >= -1e-9).all()
    torch.testing.assert_close(gap, (torch.special.xlogy(q, q) - q * h.log()).sum(-1), rtol=1e-8, atol=1e-8)


def test_the_bound_takes_a_variance_for_each_expert_and_h_of_exactly_0():
    d, o, p = torch.zeros(1, 1), torch.tensor([[[1.0], [3.0]]]), torch.tensor([[0.25, 0.75]])
    found = bound(d, o, p, torch.tensor([[1.0, 0.0]]), variance=torch.tensor([0.5, 2.0]))
    assert found.item() == pytest.approx(math.log(0.25) - 0.5 * math.log(0.5) - 0.5 * 1 / 0.5)


def test_at_h_the_bound_has_the_slope_of_the_likelihood():
    d, o, p = torch.randn(5, 2), torch.randn(5, 3, 2).requires_grad_(), torch.softmax(torch.randn(5, 3), -1)
    h = responsibilities(d, o, p).detach()
    one, = torch.autograd.grad(bound(d, o, p, h).sum(), o)
    other, = torch.autograd.grad(-mixture_nll(d, o, p).sum(), o)
    torch.testing.assert_close(one, other)


# ---- the steps are a library's

@pytest.mark.parametrize("seed", range(3))
def test_weighted_least_squares_is_scikit_learn_s(seed):
    x, d, h = drawn(seed)
    weight, bias = weighted_least_squares(x, d, h)
    for k in range(h.shape[1]):
        fitted = LinearRegression().fit(x.numpy(), d.numpy(), sample_weight=h[:, k].numpy())
        torch.testing.assert_close(weight[k], torch.tensor(fitted.coef_), rtol=0, atol=1e-9)
        torch.testing.assert_close(bias[k], torch.tensor(fitted.intercept_), rtol=0, atol=1e-9)


@pytest.mark.parametrize("experts", [2, 3, 5])
def test_the_gate_s_steps_end_at_scikit_learn_s_multinomial_regression(experts):
    x, _, h = drawn(1, experts=experts)
    weight, bias = gate_step(x, h, torch.zeros(experts, 2), torch.zeros(experts), steps=30)
    rows = x.repeat_interleave(experts, 0).numpy()
    names = torch.arange(experts).repeat(len(x)).numpy()
    library = LogisticRegression(C=torch.inf, solver="newton-cg", tol=1e-13, max_iter=1000)
    library.fit(rows, names, sample_weight=h.flatten().numpy())
    torch.testing.assert_close(torch.softmax(x @ weight.mT + bias, -1), torch.tensor(library.predict_proba(x.numpy())),
                               rtol=0, atol=1e-9)


def test_a_bernoulli_expert_ends_at_scikit_learn_s_logistic_regression():
    g = torch.Generator().manual_seed(3)
    x = torch.randn(150, 2, generator=g)
    d = (torch.rand(150, 1, generator=g) < torch.sigmoid(x @ torch.tensor([[1.0], [-2.0]]) + 0.5)).double()
    alone = Mixture(1, seed=0)
    em(alone, x, d, iterations=30, likelihood="bernoulli")
    library = LogisticRegression(C=torch.inf, solver="newton-cg", tol=1e-13, max_iter=1000).fit(x.numpy(), d[:, 0].numpy())
    torch.testing.assert_close(alone.experts.weight[0].detach(), torch.tensor(library.coef_), rtol=0, atol=1e-6)
    p = torch.sigmoid(x @ alone.experts.weight[0, 0].detach() + alone.experts.bias[0].detach())
    torch.testing.assert_close(p, torch.tensor(library.predict_proba(x.numpy())[:, 1]), rtol=0, atol=1e-9)


def test_a_variance_is_the_weighted_mean_of_the_squares_and_not_below_its_floor():
    d, o = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.zeros(2, 2, 2)
    h = torch.tensor([[0.75, 1.0], [0.25, 0.0]])
    assert variance_step(d, o, h, floor=0.01).tolist() == [0.25 * 25 / 2, 0.01]


# ---- corners

def test_an_expert_without_cases_keeps_its_weights_and_harms_no_other():
    far = Mixture(2, inputs=1, output="linear", seed=0)
    with torch.no_grad():
        far.gate.bias[1] = -1e4  # its proportion is exactly 0
    kept = far.experts.weight[1].clone()
    history = em(far, TOY.x, TOY.d, iterations=3, learn_variance=True)
    assert torch.equal(far.experts.weight[1], kept) and history.loss.isfinite().all()


def test_cases_that_do_not_decide_a_line_give_its_smallest_and_leave_other_runs_alone():
    x, d = torch.ones(4, 1), torch.tensor([[1.0], [3.0], [1.0], [3.0]])
    weight, bias = weighted_least_squares(x, d, torch.ones(4, 1))
    assert weight.item() == pytest.approx(1) and bias.item() == pytest.approx(1)
    x = torch.linspace(-1, 1, 6)[:, None]
    h = torch.ones(2, 6, 1)
    h[0, 1:] = 0  # run 0 has one case only
    weight, bias = weighted_least_squares(x, 2 * x + 1, h)
    assert torch.allclose(weight[1], torch.tensor(2.0)) and torch.allclose(bias[1], torch.tensor(1.0))
    assert (weight[0, 0] @ x[0] + bias[0, 0]).item() == pytest.approx(-1)


def test_one_expert_is_least_squares_in_one_iteration():
    one = Mixture(1, inputs=1, output="linear")
    em(one, TOY.x, TOY.d, iterations=1)
    weight, bias = weighted_least_squares(TOY.x, TOY.d, torch.ones(100, 1))
    torch.testing.assert_close(one.experts.weight, weight)
    torch.testing.assert_close(one.experts.bias, bias)


def test_two_experts_do_not_oscillate():
    x, h = torch.linspace(-1, 1, 20)[:, None], torch.sigmoid(torch.linspace(2, -1, 20))[:, None]
    h = torch.cat([h, 1 - h], -1)
    weight, bias = gate_step(x, h, torch.zeros(2, 1), torch.zeros(2), steps=8)
    assert (torch.softmax(x @ weight.mT + bias, -1) - h).abs().max() < 1e-9


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_no_start_of_the_gate_lowers_the_bound(size):
    g = torch.Generator().manual_seed(0)
    x, _, h = drawn(5)
    weight, bias = size * torch.randn(8, 3, 2, generator=g), size * torch.randn(8, 3, generator=g)
    h = h.expand(8, *h.shape).contiguous()

    def value(weight, bias):
        return (h * torch.log_softmax(x @ weight.mT + bias[:, None], -1)).sum((-1, -2))

    before = value(weight, bias)
    for _ in range(5):
        weight, bias = gate_step(x, h, weight, bias)
        after = value(weight, bias)
        assert after.isfinite().all() and (after >= before - 1e-9 * before.abs()).all()
        before = after


# ---- the whole

@pytest.mark.parametrize("settings", [
    {"output": "linear"}, {"output": "linear", "learn_variance": True},
    {"output": "linear", "learn_variance": True, "shared": True},
    {"output": "sigmoid"}, {"output": "sigmoid", "variance": 0.1}, {"output": "sigmoid", "likelihood": "bernoulli"}])
def test_no_iteration_lowers_the_likelihood(settings):
    settings = dict(settings)
    output = settings.pop("output")
    x, d = (TOY.x, TOY.d) if output == "linear" else (VOWELS.x, VOWELS.d)
    history = em(Mixture(4, inputs=x.shape[1], output=output, seed=range(10)), x, d, iterations=40, **settings)
    assert (history.loss.diff(dim=0) <= 1e-9).all()


def test_with_a_penalty_what_is_climbed_is_the_likelihood_less_the_penalty():
    history = em(Mixture(4, seed=range(5)), VOWELS.x, VOWELS.d, iterations=60, likelihood="bernoulli", penalty=0.1)
    gate = torch.cat([history.weights["gate.weight"], history.weights["gate.bias"][..., None]], -1)
    climbed = -len(VOWELS) * history.loss - 0.05 * gate.square().sum((-1, -2))
    assert (climbed.diff(dim=0) >= -1e-7).all()


def test_it_is_the_same_likelihood_that_train_descends():
    m = Mixture(3, inputs=1, output="linear", seed=range(2))
    history = em(m, TOY.x, TOY.d, iterations=5)
    torch.testing.assert_close(history.loss[-1], mixture_nll(TOY.d, *m(TOY.x)).mean(-1).detach())
    assert history.weights["experts.weight"].shape == (6, 2, 3, 1, 1) and history.proportions.shape == (6, 2, 3)


def test_a_mixture_without_runs_is_one_run_and_stays_one():
    alone, among = Mixture(3, seed=4), Mixture(3, seed=(2, 4))
    for m in (alone, among):
        em(m, VOWELS.x, VOWELS.d, iterations=10, variance=0.25)
    torch.testing.assert_close(alone.experts.weight, among.experts.weight[1])
    assert alone.gate.bias.shape == (3,)


def test_a_run_that_reaches_the_criterion_stops_and_keeps_its_weights():
    m = Mixture(4, seed=range(4))
    history = em(m, VOWELS.x, VOWELS.d, iterations=80, likelihood="bernoulli", stop_at=0.08)
    assert history.converged.all() and len(set(history.stopped.tolist())) > 1
    error = (m.blend(VOWELS.x) - VOWELS.d).square().sum(-1).mean(-1)
    torch.testing.assert_close(error.detach(), history.squared_error[-1])
    for run, stopped in enumerate(history.stopped.tolist()):
        assert history.squared_error[stopped, run] <= 0.08 < history.squared_error[stopped - 1, run]


def test_in_ten_to_fifteen_iterations_it_is_where_the_gradient_is_after_2500_epochs():
    m, other = (Mixture(2, inputs=1, output="linear", seed=range(25)) for _ in range(2))
    history = em(m, TOY.x, TOY.d, iterations=25)
    far = train(other, TOY.x, TOY.d, step_size=2.0, epochs=2500, record_every=2500)
    assert (history.loss[-1] <= far.loss[-1]).sum() >= 24


def test_a_variance_to_begin_from_is_one_number_or_one_for_each_run_or_for_each_expert():
    def after(variance):
        m = Mixture(3, inputs=1, output="linear", seed=range(2))
        em(m, TOY.x, TOY.d, iterations=3, variance=variance)
        return m.experts.weight.detach()

    each = torch.tensor([[0.5, 0.5, 0.5], [2.0, 2.0, 2.0]])
    torch.testing.assert_close(after(each), after(each[:, 0]))
    torch.testing.assert_close(after(each)[0], after(0.5)[0])
    each[0, 1] = 4.0
    assert not torch.allclose(after(each)[0], after(0.5)[0])


# ---- bad input

LINEAR = Mixture(2, inputs=1, output="linear")


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=0), ValueError, "iterations must be"),
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=3, floor=0.0), ValueError, "floor must be above 0"),
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=3, likelihood="poisson"), ValueError, "likelihood"),
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=3, likelihood="bernoulli"), ValueError, "is for sigmoid experts"),
    (lambda: em(Mixture(2, inputs=1), TOY.x, TOY.d, iterations=3, likelihood="bernoulli"), ValueError,
     "needs targets of 0 and 1, got values from"),
    (lambda: em(Mixture(2, inputs=1, outputs=2, output="softmax"), TOY.x, TOY.d, iterations=3), ValueError,
     "is for linear and sigmoid experts, got output 'softmax'"),
    (lambda: em(LINEAR, TOY.x * torch.nan, TOY.d, iterations=3), ValueError, "x must be finite, got nan"),
    (lambda: em(LINEAR, TOY.x, TOY.d[:50], iterations=3), ValueError, "d has shape (50, 1), wanted (100"),
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=3, shared=True), ValueError, "needs learn_variance=True"),
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=3, learn_variance="no"), TypeError, "must be True or False, got 'no'"),
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=3, penalty=-1.0), ValueError, "penalty must not be negative"),
    (lambda: em(LINEAR, TOY.x, TOY.d, iterations=3, penalty="1"), TypeError, "penalty must be a number, got '1'"),
    (lambda: gate_step(TOY.x, torch.ones(100, 2), torch.zeros(2, 1), torch.zeros(2), penalty=-1), ValueError,
     "penalty must not be negative"),
    (lambda: bound(torch.zeros(2, 1), torch.zeros(2, 2, 1), torch.full((2, 2), 0.5), torch.full((2, 3), 0.5)),
     ValueError, "wanted"),
])
def test_bad_input_is_refused_in_words(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert says in str(caught.value)


def test_an_iteration_that_lowers_the_likelihood_is_a_fault_with_the_run_s_number(monkeypatch):
    module = sys.modules["moe_tutorial.training.em"]  # the room has the function of this name
    monkeypatch.setattr(module, "climbed_gate", lambda x, pairs, h, weights, steps, penalty:
                        weights + torch.tensor([0.0, 50.0])[:, None, None])
    m = Mixture(2, inputs=1, output="linear", seed=range(2))
    with pytest.raises(RuntimeError, match="iteration 1 lowered what it climbs in run"):
        em(m, TOY.x, 4 * TOY.x, iterations=2, penalty=1.0)


@pytest.mark.parametrize("frozen", ["experts", "gate"])
@pytest.mark.parametrize("output", ["linear", "sigmoid"])
def test_what_is_frozen_stays(frozen, output):
    m = Mixture(3, inputs=1, output=output, seed=range(2))
    getattr(m, frozen).requires_grad_(False)
    before = {name: value.clone() for name, value in m.named_parameters()}
    em(m, TOY.x, TOY.d / 4, iterations=3)
    for name, value in m.named_parameters():
        assert torch.equal(value, before[name]) == name.startswith(frozen)
    m.experts.bias.requires_grad_(not m.experts.weight.requires_grad)
    alone = "biases alone only where their weights are 0" if frozen == "experts" else "mixture's experts one requires a grad"
    with pytest.raises(ValueError, match=alone):
        em(m, TOY.x, TOY.d / 4, iterations=1)
