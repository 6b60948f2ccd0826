"""Losses, responsibilities and gradients are what 60 digits give, as near as the digits of the dtype allow, at all ends.

Each bound follows what rounding can do to the terms `log p_i - ½ ‖d - o_i‖² / σ²`, and no more.
"""

import itertools
import re

import mpmath
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from moe_tutorial import cooperative_error, expected_error, losses, mixture_nll, responsibilities
from moe_tutorial.interactive import LossExplorer

mp.dps = 60

TINY = {torch.float64: (0.0, 5e-324, 1e-310, 2.3e-308, 1e-200, 1e-30),
        torch.float32: (0.0, 1e-45, 1e-40, 1.2e-38, 1e-20, 1e-8)}
FAR = {torch.float64: 200, torch.float32: 25}  # powers of ten; the squares of the last are beyond the numbers of the dtype


def of_dtype(dtype, *values):
    """A case as numbers of the dtype, which are what the exact values are of."""
    return dtype, *(torch.tensor(value, dtype=torch.float64).to(dtype).tolist() for value in values)


@st.composite
def cases(draw, far=None):
    """A dtype, and one case in numbers that it has: d of M, o of K times M, p of K, and a variance."""
    dtype = draw(st.sampled_from((torch.float64, torch.float32)))
    outputs, experts = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    size = st.one_of(st.just(0.0), st.floats(-3, FAR[dtype] if far is None else far).map(lambda power: 10.0**power))
    number = st.builds(lambda value, sign: sign * value, size, st.sampled_from((-1, 1)))
    d = [draw(number) for _ in range(outputs)]
    o = [[draw(number) for _ in range(outputs)] for _ in range(experts)]
    if draw(st.booleans()):
        o[0] = list(d)  # an expert that is right
    shares = [draw(st.one_of(st.sampled_from(TINY[dtype]), st.floats(0.01, 1))) for _ in range(experts)]
    large = sum(share for share in shares if share >= 0.01)
    if not large:
        shares[-1] = large = 1.0
    p = [share / large if share >= 0.01 else share for share in shares]
    variance = 10.0 ** draw(st.floats(-6, 6))
    return of_dtype(dtype, d, o, p, variance)


def tensors(dtype, d, o, p):
    return [torch.tensor([values], dtype=dtype) for values in (d, o, p)]


class Exact:
    """The terms of one case in 60 digits, each with what rounding in the dtype may do to it."""

    def __init__(self, dtype, d, o, p, variance):
        about = torch.finfo(dtype)
        self.eps, self.max, self.tiny = mpf(about.eps), mpf(about.max), mpf(about.tiny)
        self.d, self.p, self.variance = [mpf(v) for v in d], [mpf(v) for v in p], mpf(variance)
        self.o = [[mpf(v) for v in row] for row in o]
        self.units = 4 * (len(d) + len(p) + 4) * self.eps
        self.residuals = [[a - b for a, b in zip(self.d, row)] for row in self.o]
        self.squared = [sum(r * r for r in row) for row in self.residuals]
        self.constant = len(d) * mp.log(self.variance) / 2
        self.low, self.high = [], []  # of the logarithm of each term; minus infinity where the proportion is 0
        for p_i, squared in zip(self.p, self.squared):
            log_p, part = mp.log(p_i) if p_i else -mp.inf, squared / (2 * self.variance)
            off = self.units * ((abs(log_p) if p_i else 0) + part) + self.tiny / self.variance
            self.low.append(log_p - part - off)
            self.high.append(log_p - part + off)

    def largest(self):
        return max(*self.squared, *(value / self.variance for value in self.squared))

    def sum_of(self, logarithms):
        return mp.fsum(mp.exp(value) for value in logarithms)

    def nll(self):
        """The least and the largest E of eq. 1.3 that rounding allows."""
        ends = [self.constant - mp.log(self.sum_of(terms)) for terms in (self.high, self.low)]
        off = self.units * (abs(self.constant) + max(map(abs, ends)) + 1)
        return ends[0] - off, ends[1] + off

    def h(self, i):
        """The least and the largest h_i; below the smallest normal number everything down to 0 is as good."""
        others = [[value for j, value in enumerate(terms) if j != i] for terms in (self.low, self.high)]
        ends = []
        for own, rest in ((self.low[i], others[1]), (self.high[i], others[0])):
            ends.append(mp.exp(own) / (mp.exp(own) + self.sum_of(rest)) if own > -mp.inf else mpf(0))
        low, high = ends[0] * (1 - self.units), ends[1] * (1 + self.units)
        return (low if low > self.tiny / self.eps else mpf(0)), (high if self.p[i] == 0 else high + self.tiny / self.eps)

    def by_logarithm(self):
        """What rounding does to an h that is the exponential of a term less the logarithm of the sum, as autograd has it."""
        return 4 * self.eps * abs(mp.log(self.sum_of(self.low)))

    def force(self, i, m, more=0):
        """The least and the largest size of the gradient of eq. 1.5 at one output. more: what else rounding may do."""
        arm, units = abs(self.residuals[i][m]) / self.variance, self.units + more
        low, high = self.h(i)
        return low * arm * (1 - units), high * arm * (1 + units) + self.tiny

    def residual(self, m):
        """The blend's residual, and what rounding may do to it."""
        parts = [p * row[m] for p, row in zip(self.p, self.o)]
        return self.d[m] - mp.fsum(parts), self.units * (abs(self.d[m]) + mp.fsum(map(abs, parts))) + self.tiny


def between(value, ends, what):
    assert ends[0] <= mpf(value) <= ends[1], f"{what} is {value!r}, wanted {mp.nstr(ends[0], 20)} to {mp.nstr(ends[1], 20)}"


def by_autograd(loss, d, o, p, *variance):
    """The loss of one case and its gradients by o and p, all finite."""
    o, p = o.clone().requires_grad_(), p.clone().requires_grad_()
    value = loss(d, o, p, *variance)
    gradients = torch.autograd.grad(value.sum(), (o, p))
    assert all(gradient.isfinite().all() for gradient in gradients)
    return value.item(), gradients[0][0].tolist(), gradients[1][0].tolist()


VANISHED = of_dtype(torch.float64, [0.0], [[1e5], [-1e5]], [0.5, 0.5], 1e-6)  # no term is a number of the dtype


@settings(max_examples=400)
@given(cases())
@example(VANISHED)
@example(of_dtype(torch.float64, [0.0], [[0.0], [100.0]], [0.0, 1.0], 1.0))
@example(of_dtype(torch.float32, [0.0], [[0.0], [20.0]], [0.0, 1.0], 1.0))
@example(of_dtype(torch.float32, [0.0], [[0.0], [20.0]], [1e-45, 1.0], 1.0))
@example(of_dtype(torch.float64, [0.0], [[0.0], [100.0]], [5e-324, 1.0], 1.0))
@example(of_dtype(torch.float64, [0.0], [[0.0], [-1.0], [0.0], [-100.0]], [0.0, 1e-310, 5e-324, 1.0], 1.0))
def test_eq_1_3_its_responsibilities_and_its_gradients(case):
    dtype, d, o, p, variance = case
    exact, given_ = Exact(*case), tensors(dtype, d, o, p)
    assume(exact.sum_of(exact.low) > 0)
    try:
        error, forces, by_p = by_autograd(mixture_nll, *given_, variance)
        h = responsibilities(*given_, variance)[0].tolist()
        by_hand = losses.mixture_nll_gradient(*given_, variance)[0].tolist()
    except OverflowError:
        assert 4 * exact.largest() > exact.max
        return
    between(error, exact.nll(), "E")
    for i, m in itertools.product(range(len(p)), range(len(d))):
        between(h[i], exact.h(i), f"h of expert {i}")
        assert p[i] or h[i] == 0 == by_hand[i][m] == forces[i][m]
        for name, force, more in (("by hand", by_hand[i][m], 0), ("by autograd", forces[i][m], exact.by_logarithm())):
            between(abs(force), exact.force(i, m, more), f"the gradient {name} of output {m} of expert {i}")
            assert not force or (force < 0) == (exact.residuals[i][m] > 0)
        if p[i] >= exact.tiny:
            (low, high), units = exact.h(i), exact.units + exact.by_logarithm()
            between(-by_p[i], (low / exact.p[i] * (1 - units), high / exact.p[i] * (1 + units)), "∂E/∂p")


@settings(max_examples=200)
@given(cases())
def test_eq_1_2_and_its_gradient(case):
    dtype, d, o, p, _ = case
    exact, given_ = Exact(*case), tensors(dtype, d, o, p)
    try:
        error, by_o, by_p = by_autograd(expected_error, *given_)
    except OverflowError:
        assert 4 * exact.largest() > exact.max or 4 * max(exact.squared) > exact.max
        return
    by_hand = losses.expected_error_gradient(*given_)[0].tolist()
    value = mp.fsum(p_i * squared for p_i, squared in zip(exact.p, exact.squared))
    off = exact.units * value + exact.tiny
    between(error, (value - off, value + off), "E")
    for i, m in itertools.product(range(len(p)), range(len(d))):
        gradient = -2 * exact.p[i] * exact.residuals[i][m]
        off = exact.units * abs(gradient) + exact.tiny * max(1, abs(exact.residuals[i][m]))
        between(by_hand[i][m], (gradient - off, gradient + off), "the gradient by hand")
        between(by_o[i][m], (gradient - off, gradient + off), "the gradient by autograd")
        off = exact.units * exact.squared[i] + exact.tiny
        between(by_p[i], (exact.squared[i] - off, exact.squared[i] + off), "∂E/∂p")


@settings(max_examples=200)
@given(cases())
def test_eq_1_1_and_its_gradient(case):
    dtype, d, o, p, _ = case
    exact, given_ = Exact(*case), tensors(dtype, d, o, p)
    residuals = [exact.residual(m) for m in range(len(d))]
    try:
        error, by_o, _ = by_autograd(cooperative_error, *given_)
    except (OverflowError, AssertionError):  # the gradient by p has the outputs themselves as factors
        largest = max([abs(v) for v in exact.d] + [abs(v) for row in exact.o for v in row])
        assert 16 * largest**2 > exact.max
        return
    by_hand = losses.cooperative_error_gradient(*given_)[0].tolist()
    between(error, (mp.fsum(max(0, abs(r) - off) ** 2 for r, off in residuals) * (1 - exact.units) - exact.tiny,
                    mp.fsum((abs(r) + off) ** 2 for r, off in residuals) * (1 + exact.units) + exact.tiny), "E")
    for i, m in itertools.product(range(len(p)), range(len(d))):
        gradient, off = -2 * exact.p[i] * residuals[m][0], 2 * exact.p[i] * residuals[m][1] * (1 + exact.units)
        off += exact.units * abs(gradient) + exact.tiny * max(1, abs(residuals[m][0]))
        between(by_hand[i][m], (gradient - off, gradient + off), "the gradient by hand")
        between(by_o[i][m], (gradient - off, gradient + off), "the gradient by autograd")


@settings(max_examples=200)
@given(cases(far=4), st.lists(st.floats(-1000, 30), min_size=4, max_size=4))
def test_the_gradient_at_the_gates_scores_is_p_minus_h(case, scores):
    """Also where a proportion is 0. Where it is not 0 and has lost digits, the gradient is only finite."""
    dtype, d, o, p, variance = case
    scores = torch.tensor([scores[: len(p)]], dtype=dtype, requires_grad=True)
    p = torch.softmax(scores, -1)
    exact = Exact(dtype, d, o, p[0].tolist(), variance)
    value = mixture_nll(*tensors(dtype, d, o, [0.0])[:2], p, variance)
    (gradient,) = torch.autograd.grad(value.sum(), scores)
    assert gradient.isfinite().all()
    if all(p_i == 0 or p_i >= exact.tiny for p_i in exact.p):
        for i, one in enumerate(gradient[0].tolist()):
            (low, high), off = exact.h(i), 8 * exact.units
            between(one, (exact.p[i] - high - off, exact.p[i] - low + off), f"the gradient at score {i}")


ENDS = [(d, o, p, variance)
        for d in (-2.0, 6.0) for o in ([-2.0, -2.0, 6.0], [6.0, 0.5, -2.0])
        for p in ([0.0, 0.0, 1.0], [1e-9, 0.4, 0.6 - 1e-9]) for variance in (0.04, 25.0)]


@pytest.mark.parametrize(("d", "o", "p", "variance"), ENDS)
def test_the_loss_explorer_in_a_page_at_the_ends_of_its_sliders(shown, d, o, p, variance):
    page, wrong = shown(LossExplorer(d, o, p, variance))
    rows = page.locator(".moe-live table tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('th, td')].map(cell => cell.textContent))")
    number = lambda text: float(re.sub("[−+]", lambda sign: {"−": "-"}.get(sign[0], ""), text))  # noqa: E731
    exact = Exact(torch.float64, [d], [[value] for value in o], p, variance)
    half = mpf("0.000501")  # a cell has three decimals
    low, high = exact.nll()
    between(number(rows[-1][-1]), (low - half, high + half), "E")
    for k, row in enumerate(rows[1:-1]):
        low, high = exact.h(k)
        between(number(row[3]), (low - half, high + half), f"h of expert {k}")
        low, high = exact.force(k, 0)
        between(abs(number(row[-1])), (low - half, high + half), f"the force on expert {k}")
    assert wrong == []


def test_the_bounds_are_narrow_where_nothing_is_lost():
    """Or else they would hold nothing."""
    exact = Exact(torch.float64, [1.0], [[0.0], [0.5]], [0.5, 0.5], 1.0)
    for low, high in (exact.nll(), exact.h(0), exact.force(1, 0)):
        assert high - low < 1e-13 * abs(mpmath.mpf(high))
