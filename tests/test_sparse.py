"""Only k of K experts: weights and their gradients, queues and room, and that all ways to compute give the same y."""

import inspect
import math
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import (
    capacity,
    chosen_experts,
    compute_all,
    compute_by_masks,
    compute_in_buffers,
    compute_in_groups,
    compute_one_hot,
    load_saving,
    places,
    random_experts,
    responsibilities,
    sparse_weights,
    toys,
)
from moe_tutorial.exercises import EXERCISES
from moe_tutorial.sparse import saving, ways

f64 = torch.float64
WITHOUT_ROOM = compute_all, compute_by_masks, compute_in_groups
WITH_ROOM = compute_in_buffers, compute_one_hot


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=f64)


def error(scores, o, d, k, renormalise):
    y = (sparse_weights(scores, k, renormalise)[..., None] * o).sum(-2)
    return (d - y).square().sum()


def by_hand(scores, o, d, k, renormalise):
    w = sparse_weights(scores, k, renormalise)
    y = (w[..., None] * o).sum(-2, keepdim=True)
    g = -2 * (d[:, None] - y)
    if renormalise:
        return w * (g * (o - y)).sum(-1)
    p = torch.softmax(scores, -1)
    return p * ((w > 0) * (g * o).sum(-1) - (g * y).sum(-1))


# ---- weights

def test_weights_are_the_softmax_of_the_chosen_and_exactly_0_elsewhere():
    scores = torch.tensor([[1.0, 3.0, 2.0, -1.0], [0.0, -5.0, 1000.0, 999.0]], dtype=f64)
    p = torch.softmax(scores, -1)
    kept = torch.tensor([[0, 1, 1, 0], [0, 0, 1, 1]], dtype=torch.bool)
    renormalised, as_they_are = sparse_weights(scores, 2), sparse_weights(scores, 2, renormalise=False)
    assert torch.equal(renormalised != 0, kept) and (as_they_are[~kept] == 0).all()
    assert_close(renormalised, p * kept / (p * kept).sum(-1, keepdim=True))
    assert_close(as_they_are, p * kept)
    assert torch.equal(chosen_experts(scores, 2), torch.tensor([[1, 2], [2, 3]]))


@pytest.mark.parametrize("renormalise", [True, False])
def test_with_k_of_all_the_weights_are_the_proportions_also_of_runs(renormalise):
    scores = random(3, 5, 4)
    assert_close(sparse_weights(scores, 4, renormalise), torch.softmax(scores, -1))
    for run in range(3):
        assert torch.equal(sparse_weights(scores, 2, renormalise)[run], sparse_weights(scores[run], 2, renormalise))


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("renormalise", [True, False])
def test_the_gradient_by_hand_is_autograds_and_that_of_differences(k, renormalise):
    scores, o, d = random(5, 4), random(5, 4, 2, seed=1), random(5, 2, seed=2)
    free = scores.clone().requires_grad_()
    slope, = torch.autograd.grad(error(free, o, d, k, renormalise), free)
    assert_close(by_hand(scores, o, d, k, renormalise), slope, atol=1e-12, rtol=1e-12)
    for place in [(0, 0), (1, 3), (4, 2)]:
        moved = torch.zeros_like(scores)
        moved[place] = 1e-6
        ends = (error(scores + sign * moved, o, d, k, renormalise) for sign in (1, -1))
        difference = (next(ends) - next(ends)) / 2e-6
        assert_close(difference, slope[place], atol=1e-7, rtol=1e-7)


def test_one_expert_renormalised_gives_the_gate_a_gradient_of_exactly_0_and_as_it_is_one_to_all_scores():
    scores, o, d = random(50, 8), random(50, 8, 3, seed=1), random(50, 3, seed=2)
    for renormalise in (True, False):
        free = scores.clone().requires_grad_()
        slope, = torch.autograd.grad(error(free, o, d, 1, renormalise), free)
        assert bool((slope == 0).all()) == renormalise and bool((slope != 0).all()) != renormalise


def test_what_the_others_would_have_answered_is_in_no_sparse_gradient():
    scores, o, d = random(6, 4), random(6, 4, 2, seed=1), random(6, 2, seed=2)
    other = torch.where(sparse_weights(scores, 2)[..., None] > 0, o, o + 10)
    for renormalise in (True, False):
        assert torch.equal(by_hand(scores, o, d, 2, renormalise), by_hand(scores, other, d, 2, renormalise))


def test_ties_go_to_the_smaller_number_alike_in_all_cases():
    for experts in (4, 8, 64):
        chosen = chosen_experts(torch.zeros(100, experts), 2)
        assert torch.equal(chosen, torch.tensor([[0, 1]]).expand(100, 2))
        assert ((sparse_weights(torch.zeros(100, experts), 2) > 0).sum(-1) == 2).all()


@pytest.mark.parametrize("call", [lambda s, k: chosen_experts(s, k), lambda s, k: sparse_weights(s, k)])
def test_what_cannot_be_chosen_is_said(call):
    with pytest.raises(ValueError, match="k is 5, but scores has only 4 experts"):
        call(torch.zeros(2, 4), 5)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        call(torch.zeros(2, 4), 0)
    with pytest.raises(ValueError, match=r"scores must be finite, got nan at index \(1, 2\)"):
        call(torch.tensor([[0.0, 1, 2], [0, 1, math.nan]]), 1)
    with pytest.raises(ValueError, match="scores must be finite, got -inf"):
        call(torch.full((2, 3), -torch.inf), 1)
    with pytest.raises(ValueError, match=r"scores is empty: its shape is \(0, 3\)"):
        call(torch.zeros(0, 3), 1)


# ---- queues

def slowly(chosen):
    """Places, one after the other: all first choices, then all second ones."""
    found, served = torch.zeros_like(chosen), {}
    for choice in range(chosen.shape[1]):
        for case in range(len(chosen)):
            expert = int(chosen[case, choice])
            found[case, choice] = served.setdefault(expert, 0)
            served[expert] += 1
    return found


@pytest.mark.parametrize(("cases", "experts", "k"), [(6, 3, 1), (40, 5, 2), (17, 4, 4), (1, 3, 2), (30, 64, 3)])
def test_places_are_those_of_one_after_the_other(cases, experts, k):
    chosen = chosen_experts(random(cases, experts), k)
    assert torch.equal(places(chosen, experts), slowly(chosen))
    assert torch.equal(places(chosen.int(), experts), slowly(chosen))
    onehot = torch.nn.functional.one_hot(chosen.T.reshape(-1), experts)
    assert torch.equal(((onehot.cumsum(0) * onehot).sum(-1) - 1).view(k, cases).T, places(chosen, experts))


def test_all_cases_to_one_expert_stand_in_one_queue():
    assert torch.equal(places(torch.full((5, 1), 2), 4)[:, 0], torch.arange(5))


@pytest.mark.parametrize(("arguments", "wanted"), [
    ((1000, 8, 2, 1.25), 313), ((100, 10, 1, 1.1), 11), ((10, 4, 1, 1.0), 3), ((7, 4, 4, 2.0), 7), ((5, 8, 1, 1e-12), 1),
    ((5, 8, 1, 1e300), 5), ((2048, 8, 1, 1.0), 256),
])
def test_capacity(arguments, wanted):
    assert capacity(*arguments) == wanted


def test_what_cannot_be_queued_is_said():
    for call, said in (
        (lambda: capacity(10, 4, 5), "k is 5, but there are only 4 experts"),
        (lambda: capacity(10, 4, 1, 0.0), "factor must be above 0 and finite, got 0.0"),
        (lambda: capacity(0, 4), "cases must be at least 1, got 0"),
        (lambda: places(torch.tensor([[0], [3]]), 3), "chosen must hold the numbers of experts, from 0 to 2, got 3"),
        (lambda: places(torch.tensor([[0], [-1]]), 3), "chosen must hold the numbers of experts, from 0 to 2, got -1"),
        (lambda: places(torch.tensor([[0, 1], [1, 1]]), 3), r"chosen must hold different experts in a case, got \[1, 1\]"),
        (lambda: places(torch.zeros(0, 1).long(), 3), r"chosen is empty"),
    ):
        with pytest.raises(ValueError, match=said):
            call()


def test_a_fair_gate_drops_what_the_formula_says():
    generator = torch.Generator().manual_seed(0)
    for cases, experts, wanted, within in ((1024, 8, 0.033, 0.004), (256, 8, 0.066, 0.008), (1024, 64, 0.099, 0.005)):
        room = capacity(cases, experts)
        dropped = [(places(torch.randint(experts, (cases, 1), generator=generator), experts) >= room).double().mean()
                   for _ in range(200)]
        assert abs(float(torch.stack(dropped).mean()) - wanted) < within
        assert abs(math.sqrt((experts - 1) / cases / (2 * math.pi)) - wanted) < 0.001


# ---- the same y

def layer(cases=40, experts=5, k=2, dtype=f64):
    x, scores = random(cases, 3).to(dtype), random(cases, experts, seed=1).to(dtype)
    chosen = chosen_experts(scores, k)
    return x, chosen, sparse_weights(scores, k).gather(1, chosen), *(w.to(dtype) for w in random_experts(experts, 3, 7, 4))


def case_by_case(x, chosen, share, first, second):
    rows = [sum(share[n, j] * (torch.relu(x[n] @ first[e]) @ second[e]) for j, e in enumerate(chosen[n].tolist()))
            for n in range(len(x))]
    return torch.stack(rows)


@pytest.mark.parametrize("dtype", [f64, torch.float32])
@pytest.mark.parametrize(("cases", "experts", "k"), [(40, 5, 2), (40, 5, 1), (6, 4, 4), (1, 3, 1), (5, 64, 2)])
def test_all_ways_give_the_same_y(cases, experts, k, dtype):
    given = layer(cases, experts, k, dtype)
    wanted = case_by_case(*given)
    for way in WITHOUT_ROOM:
        assert_close(way(*given), wanted)
    for way in WITH_ROOM:
        assert_close(way(*given, room=cases), wanted)
        assert_close(way(*given, room=10**9), wanted)


@pytest.mark.parametrize("room", [1, 3, 11])
def test_who_finds_no_room_adds_0(room):
    x, chosen, share, first, second = layer()
    kept = places(chosen, 5) < room
    wanted = case_by_case(x, chosen, share * kept, first, second)
    for way in WITH_ROOM:
        assert_close(way(x, chosen, share, first, second, room), wanted)


def test_all_cases_to_one_expert_and_too_little_room():
    x, _, _, first, second = layer()
    chosen, share = torch.full((40, 1), 3), torch.ones(40, 1, dtype=f64)
    for way in WITH_ROOM:
        y = way(x, chosen, share, first, second, room=8)
        assert_close(y[:8], torch.relu(x[:8] @ first[3]) @ second[3])
        assert (y[8:] == 0).all()


@pytest.mark.parametrize("way", [*WITHOUT_ROOM, *WITH_ROOM], ids=lambda way: way.__name__)
def test_the_gradients_are_the_same_and_an_expert_without_cases_has_one_of_0(way):
    x, chosen, share, first, second = layer(k=1)
    chosen[chosen == 2] = 1  # nobody goes to expert 2
    slopes = []
    for one in (compute_all, way):
        free = [t.clone().requires_grad_() for t in (x, share, first, second)]
        y = one(free[0], chosen, *free[1:], *([40] if one in WITH_ROOM else []))
        slopes.append(torch.autograd.grad(y.square().sum(), free))
    for one, other in zip(*slopes):
        assert_close(one, other)
    assert (slopes[1][2][2] == 0).all() and (slopes[1][3][2] == 0).all()


@pytest.mark.parametrize("way", [*WITHOUT_ROOM, *WITH_ROOM], ids=lambda way: way.__name__)
def test_experts_that_are_not_there_and_choices_made_twice_are_said(way):
    x, chosen, share, first, second = layer()
    more = [4] if way in WITH_ROOM else []
    with pytest.raises(ValueError, match="from 0 to 4, got 5"):
        way(x, chosen.clamp(min=4) + 1, share, first, second, *more)
    with pytest.raises(ValueError, match="different experts in a case, got"):
        way(x, torch.zeros_like(chosen), share, first, second, *more)
    with pytest.raises(ValueError, match="x is empty"):
        way(x[:0], chosen[:0], share[:0], first, second, *more)


def test_in_groups_computes_no_more_rows_than_were_chosen(monkeypatch):
    rows = []
    relu = torch.relu
    monkeypatch.setattr(torch, "relu", lambda t: rows.append(t.shape[0]) or relu(t))
    given = layer()
    for way, wanted in ((compute_in_groups, 80), (compute_by_masks, 80)):
        rows.clear()
        way(*given)
        assert sum(rows) == wanted


# ---- what the exercises of chapter 12 say

def test_the_numbers_of_the_slope_of_a_lonely_score():
    scores, o, d = (torch.tensor(t, dtype=f64) for t in ([[1.0, 0.0]], [[[3.0], [1.0]]], [[1.0]]))
    slopes = [float(by_hand(scores, o, d, *how)[0, 0]) for how in ((1, True), (1, False), (2, True))]
    p = torch.softmax(scores, -1)
    slopes.append(float((p - responsibilities(d, o, p))[0, 0]))
    exercise = EXERCISES["gate_gradient_of_one"]
    wrong = {wrong.answer for wrong in exercise.wrong}
    assert slopes[0] == exercise.reference == 0
    assert all(min(abs(slope - said) for said in wrong) < 0.001 for slope in slopes[1:])
    assert "which is 1.41" in exercise.explanation and round(slopes[1], 2) == 1.41


def test_the_places_of_the_first_exercise_are_the_packages():
    assert capacity(1000, 8, 2, 1.25) == EXERCISES["places_of_an_expert"].reference


# ---- times

def test_the_stored_times_say_what_the_chapter_says():
    large = {experts: times for (experts, _), times in load_saving("large").items()}
    assert large[16]["all"] >= 4 * large[16]["groups"] and large[16]["all"] >= 10
    assert large[64]["groups"] <= 3 * large[4]["groups"]
    assert "all" not in large[32] and "all" not in large[64]
    assert min(times["one-hot"] for times in large.values()) > 50
    fewer = {cases: times["one-hot"] for (_, cases), times in load_saving("fewer cases").items()}
    assert fewer[2048] > 8 * fewer[256]


def test_times_are_multiples_of_one_expert_and_every_way_is_measured(tmp_path):
    assert saving.multiples({"one expert": 0.004, "groups": 0.00613}) == {"one expert": 1.0, "groups": 1.5}
    small = saving.Layer((2, 4), inputs=2, hidden=3, cases=(20,))
    store = replace(saving.RECORDINGS, settings=(saving.Layers((small, replace(small, backward=True))),), folder=tmp_path)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        store.compute(workers=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    forward, backward = store.load()[store.settings[0]]
    assert [(experts, cases) for experts, cases, _ in forward] == [(2, 20), (4, 20)]
    assert set(forward[0][2]) == {"one expert", "all", "masks", "groups", "buffers", "one-hot", "gate"}
    assert set(backward[0][2]) == {"one expert", "all", "masks", "groups"}


def test_what_is_measured_is_what_is_checked_and_gives_the_same_y():
    calls = saving.calls(saving.Layer((4,), chosen=2, inputs=3, hidden=5, cases=(16,)), 4, 16)
    y = calls["all"]()
    for way in ("masks", "groups"):
        assert_close(calls[way](), y)
    assert_close(calls["buffers"](), calls["one-hot"]())
    for checked, plain in zip((*WITHOUT_ROOM, *WITH_ROOM), (ways.everyone, ways.by_masks, ways.in_groups, ways.in_buffers,
                                                            ways.one_hot)):
        assert f"ways.{plain.__name__}(" in inspect.getsource(inspect.unwrap(checked))


# ---- the ring

@pytest.mark.parametrize("uneven", [False, True])
def test_the_ring_is_what_it_says(uneven):
    task = toys.ring(4000, uneven=uneven, seed=3)
    assert sorted(task.subtask.unique().tolist()) == list(range(8)) and torch.equal(task.token // 8, task.subtask)
    assert_close(task.middle.norm(dim=-1), torch.full((8,), 3.0, dtype=f64))
    wanted = (task.slope[task.subtask] * (task.x - task.middle[task.subtask])).sum(-1) + task.level[task.subtask]
    noise = task.d[:, 0] - wanted
    assert abs(float(noise.std()) - 0.1) < 0.005 and abs(float(noise.mean())) < 0.005
    counted = torch.bincount(task.subtask, minlength=8) / 4000
    assert (counted - task.frequency).abs().max() < 0.03
    assert (counted.max() > 0.3) == uneven and ((task.frequency == 0.125).all()) != uneven
    spread = torch.stack([task.x[task.token == token].std(0) for token in range(64)])
    assert abs(float(spread.mean()) - 0.1) < 0.01


def test_another_draw_of_the_ring_has_other_cases_of_the_same_task():
    one, other, task = toys.ring(50, seed=1), toys.ring(50, seed=1, draw=1), toys.ring(50, seed=2)
    assert torch.equal(one.slope, other.slope) and not torch.equal(one.x, other.x)
    assert torch.equal(one.x, toys.ring(50, seed=1).x) and not torch.equal(one.slope, task.slope)
    assert repr(one) == "Ring: 50 cases of 8 subtasks, x (50, 2), d (50, 1)"
