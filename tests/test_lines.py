"""Lines run where their weights put them, and end at the border."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from moe_tutorial.model.lines import along, foot_of_normal, inside

f64 = torch.float64
ACROSS, UP = (0.1, 1.4), (0.5, 3.8)


def line(w1, w2, bias):
    return torch.tensor([w1, w2], dtype=f64), torch.tensor(bias, dtype=f64)


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1.0, 1e200])
@pytest.mark.parametrize("angle", range(0, 360, 45))
def test_the_direction_is_a_quarter_turn_of_the_normal_and_of_length_1(angle, size):
    turn = torch.tensor(angle * torch.pi / 180, dtype=f64)
    weight = size * torch.stack([turn.cos(), turn.sin()])
    assert_close(along(weight), torch.stack([-turn.sin(), turn.cos()]), atol=1e-12, rtol=0)


def test_each_run_and_expert_has_its_direction():
    weights = torch.rand(3, 4, 2, dtype=f64, generator=torch.Generator().manual_seed(0))
    assert_close(along(weights)[2, 1], along(weights[2, 1]))


def test_from_the_foot_one_stays_on_the_line():
    weight, bias = line(-8.0, 1.5, 0.7)
    for far in (-3.0, 0.0, 2.0):
        assert weight @ (foot_of_normal(weight, bias) + far * along(weight)) + bias == pytest.approx(0, abs=1e-12)


small = st.floats(-5, 5).map(lambda value: round(value, 2))


@given(w1=small, w2=small, bias=small)
def test_a_line_crosses_the_border_where_it_and_the_border_are(w1, w2, bias):
    points = inside(*line(w1, w2, bias), ACROSS, UP)
    for x, y in points:
        assert w1 * x + w2 * y + bias == pytest.approx(0, abs=1e-9)
        assert x in ACROSS or y in UP
        assert ACROSS[0] <= x <= ACROSS[1] and UP[0] <= y <= UP[1]
    assert points == sorted(points, key=lambda point: point[1])
    corners = {w1 * x + w2 * y + bias > 0 for x in ACROSS for y in UP}
    if len(corners) == 2:  # with corners on both sides it runs through
        assert len(points) >= 2
    elif all(abs(w1 * x + w2 * y + bias) > 1e-9 for x in ACROSS for y in UP):
        assert not points


@pytest.mark.parametrize(("weights", "crossings"), [
    ((1.0, 0.0, -0.5), [(0.5, 0.5), (0.5, 3.8)]), ((0.0, 1.0, -2.0), [(0.1, 2.0), (1.4, 2.0)]),
    ((1.0, 0.0, -9.0), []), ((0.0, 0.0, 1.0), []),
])
def test_upright_level_and_far_away(weights, crossings):
    assert inside(*line(*weights), ACROSS, UP) == crossings


@pytest.mark.parametrize(("call", "said"), [
    (lambda: along(torch.zeros(2)), "a weight of zero has no decision line"),
    (lambda: along(torch.ones(3)), "weight has shape (3,), wanted (…, 2)"),
    (lambda: inside(torch.ones(4, 2), torch.ones(4), ACROSS, UP), "weight has shape (4, 2), wanted (2,)"),
    (lambda: inside(torch.ones(3), torch.ones(()), ACROSS, UP), "weight has shape (3,), wanted (2,)"),
])
def test_what_is_no_line_in_the_plane_is_refused_in_words(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)
