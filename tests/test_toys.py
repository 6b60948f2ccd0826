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
