"""The synthetic tasks are what they say."""

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import toys


def test_the_absolute_value_is_two_straight_lines():
    task = toys.absolute_value(50)
    assert task.x.shape == task.d.shape == (50, 1) and task.x.dtype == torch.float64
    assert task.subtask.tolist() == [0] * 25 + [1] * 25
    assert_close(task.d[:25], -4 * task.x[:25])
    assert_close(task.d[25:], 4 * task.x[25:])
    assert (task.x != 0).all() and task.x.min() == -1 and task.x.max() == 1


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: toys.absolute_value(7), ValueError, "cases must be even, got 7"),
        (lambda: toys.absolute_value(0), ValueError, "cases must be at least 1, got 0"),
        (lambda: toys.absolute_value(10.0), TypeError, "cases must be an int, got 10.0 (float)"),
    ],
)
def test_bad_input_is_refused_in_words(call, kind, said):
    with pytest.raises(kind) as error:
        call()
    assert said in str(error.value)


def test_a_zigzag_has_pieces_of_one_width_and_slopes_by_turns():
    task = toys.zigzag(pieces=3, cases=300, noise=0.0)
    assert task.subtask.bincount().tolist() == [100, 100, 100]
    for piece, slope in ((0, 6), (1, -6), (2, 6)):
        own = task.subtask == piece
        x, d = task.x[own, 0], task.d[own, 0]
        assert torch.allclose(d.diff() / x.diff(), torch.tensor(float(slope), dtype=torch.float64))
    assert toys.zigzag(seed=1).d.std() == toys.zigzag(seed=1).d.std() != toys.zigzag(seed=2).d.std()


def test_three_segments_have_the_noise_they_say():
    task = toys.three_segments(cases=30_000)
    lines = torch.tensor([[3.0, 2.0], [-3.0, 0.0], [0.0, 1.5]], dtype=torch.float64)[task.subtask]
    rest = task.d[:, 0] - lines[:, 0] * task.x[:, 0] - lines[:, 1]
    for piece, deviation in enumerate((0.05, 0.15, 0.4)):
        assert abs(rest[task.subtask == piece].std().item() / deviation - 1) < 0.03
