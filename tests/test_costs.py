"""The counted arithmetic is what is computed, and computing the favourite only is the favourite's output."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import costs, load_costs


@pytest.mark.parametrize("experts, computed, inputs, hidden, wanted", [
    (4, 4, 2, 0, 8 + 8 + 4),
    (4, 1, 2, 0, 8 + 2),
    (3, 2, 5, 7, 15 + 2 * (35 + 7) + 2),
])
def test_multiplications(experts, computed, inputs, hidden, wanted):
    assert costs.multiplications(experts, computed, inputs, hidden) == wanted


def test_more_experts_cannot_be_computed_than_there_are():
    with pytest.raises(ValueError, match="computed is 5, but there are only 4 experts"):
        costs.multiplications(4, 5, inputs=2)
    with pytest.raises(ValueError, match="computed must be at least 1"):
        costs.multiplications(4, 0, inputs=2)


def test_the_favourite_alone_and_the_blend_case_by_case():
    gate, first, second = costs.random_mixture(5, inputs=3, hidden=4)
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    every, favourite = costs.blend_of_all(x, gate, first, second), costs.favourite_only(x, gate, first, second)
    for case in range(20):
        scores = gate @ x[case]
        o = torch.stack([torch.sigmoid(second[k] @ torch.sigmoid(x[case] @ first[k])) for k in range(5)])
        assert_close(every[case], torch.softmax(scores, 0) @ o)
        assert_close(favourite[case], o[scores.argmax()])


def test_what_is_stored_are_multiples_of_one_expert(tmp_path):
    measured = {1: {"blend_of_all": 0.004, "favourite_only": 0.005}, 64: {"blend_of_all": 0.4321, "favourite_only": 0.008}}
    assert costs.multiples(measured) == {"1": [1.0, 1.2], "64": [110.0, 2.0]}
    store = replace(costs.RECORDINGS, settings=(costs.Sizes(experts=(1, 2)),), folder=tmp_path)
    store.compute(workers=0)
    stored = costs.load_costs(store)
    assert list(stored) == [1, 2] and stored[1][0] == 1.0 and all(value > 0 for times in stored.values() for value in times)
    assert list(load_costs()) == list(costs.EXPERTS) and load_costs()[1][0] == 1.0


def test_measuring_leaves_the_number_of_threads_alone():
    threads = torch.get_num_threads()
    measured = costs.measure(experts=(1, 2))
    assert torch.get_num_threads() == threads
    assert all(seconds > 0 for times in measured.values() for seconds in times.values())
