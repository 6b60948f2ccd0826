"""Experts, gate and mixture: the mathematics, runs side by side, and what they say of bad input."""

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from moe_tutorial import (
    BackpropagationNet,
    Experts,
    Gate,
    Mixture,
    blend,
    class_decisions,
    expert_outputs,
    favourite_output,
    foot_of_normal,
    gate_line,
    gate_scores,
    mixing_proportions,
    switch,
)
from moe_tutorial.model.experts import OUTPUTS, initial_weights

f64 = torch.float64
sizes = st.integers(1, 4)


@st.composite
def numbers(draw, *shape, largest=5.0):
    values = draw(st.lists(st.floats(-largest, largest), min_size=math.prod(shape), max_size=math.prod(shape)))
    return torch.tensor(values, dtype=f64).reshape(shape)


@st.composite
def models(draw):
    """x, expert weights and biases, gate weights and biases of some size."""
    n, d, k, m = (draw(sizes) for _ in range(4))
    return tuple(draw(numbers(*shape)) for shape in ((n, d), (k, m, d), (k, m), (k, d), (k,)))


@given(models())
@settings(max_examples=50)
def test_outputs_and_proportions_are_those_of_a_plain_loop(model):
    x, weight, bias, v, c = (t.tolist() for t in model)
    o, p = expert_outputs(*model[:3]), mixing_proportions(gate_scores(model[0], *model[3:]))
    y = blend(o, p)
    for n, case in enumerate(x):
        total = [[sum(w * xi for w, xi in zip(row, case)) + b for row, b in zip(rows, bs)] for rows, bs in zip(weight, bias)]
        scores = [sum(w * xi for w, xi in zip(row, case)) + b for row, b in zip(v, c)]
        top = max(scores)
        shares = [math.exp(s - top) for s in scores]
        shares = [s / math.fsum(shares) for s in shares]
        outputs = [[1 / (1 + math.exp(-s)) for s in row] for row in total]
        assert_close(o[n], torch.tensor(outputs, dtype=f64), rtol=1e-12, atol=1e-12)
        assert_close(p[n], torch.tensor(shares, dtype=f64), rtol=1e-12, atol=1e-12)
        mixed = [math.fsum(s * row[m] for s, row in zip(shares, outputs)) for m in range(len(outputs[0]))]
        assert_close(y[n], torch.tensor(mixed, dtype=f64), rtol=1e-12, atol=1e-12)


@given(numbers(5, 3, largest=1e4))
def test_proportions_sum_to_1_over_the_experts_and_depend_on_differences_only(scores):
    p = mixing_proportions(scores)
    assert_close(p.sum(-1), torch.ones(5, dtype=f64))
    assert (p >= 0).all()
    assert_close(mixing_proportions(scores + torch.arange(5, dtype=f64)[:, None]), p)


@given(numbers(3, 2), st.integers(0, 2), st.integers(0, 2), st.floats(-3, 3))
def test_on_a_gate_line_two_proportions_are_equal(weights, i, j, along):
    bias = torch.tensor([0.3, -0.2, 1.0], dtype=f64)
    normal = weights[i] - weights[j]
    if i == j or normal.norm() < 0.1:
        return
    weight, offset = gate_line(weights, bias, i, j)
    foot = foot_of_normal(weight, offset)
    point = foot + along * torch.stack([-weight[1], weight[0]]) / weight.norm()
    p = mixing_proportions(gate_scores(point[None], weights, bias))[0]
    assert_close(p[i], p[j])
    q = mixing_proportions(gate_scores((point + 0.1 * weight / weight.norm())[None], weights, bias))[0]
    assert q[i] >= q[j]  # the positive side is i's


@given(numbers(2), st.floats(-5, 5))
def test_the_foot_is_the_nearest_point_of_the_line(weight, bias):
    if weight.norm() < 0.1:
        return
    bias = torch.tensor(bias, dtype=f64)
    foot = foot_of_normal(weight, bias)
    assert_close(weight @ foot + bias, torch.zeros((), dtype=f64), atol=1e-9, rtol=0)
    along = torch.stack([-weight[1], weight[0]])
    assert_close(foot @ along, torch.zeros((), dtype=f64), atol=1e-9, rtol=0)


@pytest.mark.parametrize("output", OUTPUTS)
def test_runs_side_by_side_are_the_runs_alone(output):
    x = torch.rand(7, 2, dtype=f64, generator=torch.Generator().manual_seed(0))
    many = Mixture(3, outputs=2, output=output, seed=[5, 8, 2])
    with torch.no_grad():
        many.gate.weight.copy_(initial_weights((3, 2), [1, 2, 3]))
    o, p = many(x)
    assert o.shape == (3, 7, 3, 2) and p.shape == (3, 7, 3)
    for run, seed in enumerate((5, 8, 2)):
        alone = Mixture(3, outputs=2, output=output, seed=seed)
        with torch.no_grad():
            alone.gate.weight.copy_(many.gate.weight[run])
        for one, all_of_them in zip((*alone(x), alone.blend(x)), (o, p, many.blend(x))):
            assert_close(one, all_of_them[run])


def test_each_run_may_have_inputs_of_its_own():
    x = torch.rand(3, 7, 2, dtype=f64)
    many = Experts(4, seed=range(3))
    assert_close(many(x)[1], Experts(4, seed=1)(x[1]))


def test_softmax_experts_sum_to_1_over_their_outputs():
    o = Experts(3, outputs=4, output="softmax")(torch.rand(5, 2, dtype=f64))
    assert_close(o.sum(-1), torch.ones(5, 3, dtype=f64))


def test_initial_weights_depend_on_their_own_seed_and_stay_in_their_range():
    assert_close(initial_weights((2, 3), [4, 9])[1], initial_weights((2, 3), 9))
    drawn = initial_weights((1000,), 0, spread=0.2)
    assert drawn.dtype == f64 and drawn.abs().max() <= 0.2
    assert drawn.min() < -0.19 and drawn.max() > 0.19 and abs(drawn.mean()) < 0.02


def test_a_mixture_begins_unbiased():
    p = Mixture(8, seed=range(2))(torch.rand(5, 2, dtype=f64))[1]
    assert_close(p, torch.full((2, 5, 8), 1 / 8, dtype=f64))


def test_the_switch_chooses_with_the_proportions():
    p = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]], dtype=f64)
    chosen = switch(p.expand(20_000, 2, 3), torch.Generator().manual_seed(0))
    assert chosen.shape == (20_000, 2) and chosen.dtype == torch.int64
    assert (chosen[:, 1] == 2).all()
    frequency = torch.bincount(chosen[:, 0]) / 20_000
    assert (frequency - p[0]).abs().max() < 4 * math.sqrt(0.25 / 20_000)


def test_class_decisions_of_one_and_of_several_outputs():
    d = torch.tensor([[1.0], [0.0], [1.0]])
    assert class_decisions(torch.tensor([[0.5], [0.49], [0.1]]), d).tolist() == [True, True, False]
    d = torch.eye(3)
    y = torch.tensor([[0.4, 0.3, 0.3], [0.6, 0.2, 0.2], [0.0, 0.1, 0.2]])
    assert class_decisions(y, d).tolist() == [True, False, True]
    assert class_decisions(y.expand(2, 3, 3), d).shape == (2, 3)


def test_gradients_reach_every_parameter():
    mixture = Mixture(3)
    mixture.blend(torch.rand(5, 2, dtype=f64)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in mixture.parameters())


X, W, B = torch.rand(5, 2), torch.rand(3, 1, 2), torch.rand(3, 1)
V, C = torch.rand(3, 2), torch.rand(3)
OUT, P = torch.rand(5, 3, 1), torch.full((5, 3), 1 / 3)
NAN = torch.full((5, 2), torch.nan)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: expert_outputs([[1.0]], W, B), TypeError, "x must be a torch.Tensor, got list"),
        (lambda: expert_outputs(X.long(), W, B), TypeError, "x must hold floating-point numbers, got torch.int64"),
        (lambda: expert_outputs(X.double(), W, B), TypeError, "same dtype, got x torch.float64, weight torch.float32"),
        (lambda: expert_outputs(X[:, :1], W, B), ValueError, "x has shape (5, 1), wanted (…, N, 2)"),
        (lambda: expert_outputs(X[0], W, B), ValueError, "x has shape (2,), wanted (…, N, 2)"),
        (lambda: expert_outputs(X[:0], W, B), ValueError, "x is empty: its shape is (0, 2)"),
        (lambda: expert_outputs(NAN, W, B), ValueError, "x must be finite, got nan at index (0, 0)"),
        (lambda: expert_outputs(X, W / 0, B), ValueError, "weight must be finite"),
        (lambda: expert_outputs(X, W, B[:2]), ValueError, "bias has shape (2, 1), wanted (…, 3, 1)"),
        (lambda: expert_outputs(X, W.expand(4, 3, 1, 2), B), ValueError, "got weight (4,), bias ()"),
        (lambda: expert_outputs(X.expand(2, 5, 2), W.expand(4, 3, 1, 2), B.expand(4, 3, 1)),
         ValueError, "got x (2,), weight (4,)"),
        (lambda: expert_outputs(X.expand(2, 5, 2), W, B), ValueError, "got x (2,), weight ()"),
        (lambda: expert_outputs(X, W, B, output="tanh"), ValueError, "unknown output 'tanh': choose one of 'sigmoid'"),
        (lambda: foot_of_normal(torch.zeros(2), torch.ones(())), ValueError, "a weight of zero has no decision line"),
        (lambda: foot_of_normal(torch.ones(3, 2), torch.ones(2)), ValueError, "got weight (3,), bias (2,)"),
        (lambda: gate_scores(X, V[:, :1], C), ValueError, "weight has shape (3, 1), wanted (…, K, 2)"),
        (lambda: gate_scores(X, V, C[:2]), ValueError, "bias has shape (2,), wanted (…, 3)"),
        (lambda: gate_scores(X, V.expand(2, 3, 2), C), ValueError, "got weight (2,), bias ()"),
        (lambda: mixing_proportions(torch.tensor([[torch.inf, 0.0]])), ValueError, "scores must be finite, got inf"),
        (lambda: mixing_proportions(torch.rand(3)), ValueError, "scores has shape (3,), wanted (…, N, K)"),
        (lambda: gate_line(V, C, 0, 3), IndexError, "there is no expert 3: the gate has 3"),
        (lambda: gate_line(V, C, -1, 0), IndexError, "there is no expert -1"),
        (lambda: gate_line(V, C, 1, 1), ValueError, "between two experts, got 1 twice"),
        (lambda: switch(P - 0.5), ValueError, "p must not be negative, got -0.167"),
        (lambda: switch(2 * P), ValueError, "p must sum to 1"),
        (lambda: blend(OUT, P[:, :2]), ValueError, "p has shape (5, 2), wanted (…, 5, 3)"),
        (lambda: blend(OUT, P[:4]), ValueError, "p has shape (4, 3), wanted (…, 5, 3)"),
        (lambda: blend(OUT, torch.softmax(torch.rand(5, 3), dim=0)), ValueError, "sum to 1 over its last dimension"),
        (lambda: blend(OUT.expand(2, 5, 3, 1), P), ValueError, "got o (2,), p ()"),
        (lambda: blend(OUT.double(), P), TypeError, "same dtype, got o torch.float64, p torch.float32"),
        (lambda: class_decisions(torch.rand(5, 1), torch.rand(5, 1)), ValueError, "d must hold 0 and 1 only"),
        (lambda: class_decisions(torch.rand(5, 2), torch.ones(5, 1)), ValueError, "d has shape (5, 1), wanted (…, 5, 2)"),
        (lambda: Experts(0), ValueError, "experts must be at least 1, got 0"),
        (lambda: Experts(2.0), TypeError, "experts must be an int, got 2.0 (float)"),
        (lambda: Experts(2, inputs=0), ValueError, "inputs must be at least 1, got 0"),
        (lambda: Experts(2, outputs=True), TypeError, "outputs must be an int, got True (bool)"),
        (lambda: Experts(2, output="relu"), ValueError, "unknown output 'relu'"),
        (lambda: Experts(2, seed=[]), ValueError, "seed holds no seeds"),
        (lambda: Experts(2, spread=0), ValueError, "spread must be above 0 and finite, got 0"),
        (lambda: Gate(0), ValueError, "experts must be at least 1, got 0"),
        (lambda: Gate(2, runs=(0,)), ValueError, "runs[0] must be at least 1, got 0"),
        (lambda: Mixture(0), ValueError, "experts must be at least 1, got 0"),
    ],
)
def test_bad_input_is_refused_in_words(call, kind, said):
    with pytest.raises(kind) as error:
        call()
    assert said in str(error.value)


def test_the_favourite_answers_alone():
    o = torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]])
    p = torch.tensor([[0.4, 0.6], [0.9, 0.1]])
    assert favourite_output(o, p).tolist() == [[2.0], [3.0]]
    assert favourite_output(o.expand(3, 2, 2, 1), p.expand(3, 2, 2)).shape == (3, 2, 1)
    with pytest.raises(ValueError, match="p must sum to 1"):
        favourite_output(o, 2 * p)


@pytest.mark.parametrize(("seed", "kind", "said"), [
    ("3", TypeError, "seed must be a whole number, got '3' (str)"), (1.5, TypeError, "got 1.5 (float)"),
    (None, TypeError, "got None (NoneType)"), (True, TypeError, "got True (bool)"), ([], ValueError, "seed holds no seeds"),
    ([[1, 2], [3]], TypeError, "each of seed must be a whole number, got [1, 2] (list)"),
    (b"12", TypeError, "got b'12' (bytes)"), (-1, ValueError, "must be from 0 to 2**64 - 1, got -1"),
    (["a"], TypeError, "each of seed must be a whole number, got 'a' (str)"),
    (2**64, ValueError, "got 18446744073709551616"), ({"a": 1}, TypeError, "got {'a': 1} (dict)"),
])
def test_what_is_no_seed_is_refused_in_words(seed, kind, said):
    for build in (Mixture, Experts, BackpropagationNet):
        with pytest.raises(kind) as error:
            build(2, seed=seed)
        assert said in str(error.value)


def test_seeds_may_be_of_python_numpy_or_torch():
    for one in (numpy.int64(3), torch.tensor(3)):
        assert torch.equal(Mixture(2, seed=one).experts.weight, Mixture(2, seed=3).experts.weight)
    for several in (range(3), (0, 1, 2), numpy.arange(3), torch.arange(3), iter([0, 1, 2])):
        assert torch.equal(Mixture(2, seed=several).experts.weight, Mixture(2, seed=[0, 1, 2]).experts.weight)


def test_a_foot_is_found_for_very_long_and_very_short_weights():
    for size in (1e-200, 1.0, 1e200):
        assert_close(foot_of_normal(size * torch.tensor([3.0, 4.0]).double(), size * torch.tensor(5.0).double()),
                     torch.tensor([-0.6, -0.8]).double())


def test_an_input_too_large_for_the_dtype_is_said():
    with pytest.raises(OverflowError, match="gate_scores cannot be computed in torch.float32: .* beyond 3.4e\\+38"):
        gate_scores(1e30 * torch.ones(1, 2), 1e30 * torch.ones(3, 2), torch.zeros(3))


def test_a_row_that_names_no_class_or_two_is_refused():
    for row in ([0.0, 0.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match=r"each row of d must name one class: one 1 and zeros besides, got \["):
            class_decisions(torch.rand(2, 2), torch.tensor([[0.0, 1.0], row]))


@pytest.mark.parametrize("numbers", [(True, 0), (0.5, 1), ("0", 1), (None, 0)])
def test_an_expert_has_a_whole_number(numbers):
    with pytest.raises(TypeError, match="must be a whole number, got"):
        gate_line(V, C, *numbers)
