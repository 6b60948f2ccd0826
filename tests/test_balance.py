"""Keeping all busy: losses against autograd, differences and draws; prices; routers; and what the stored comparison says."""

import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import (
    ROUTERS,
    Router,
    balanced_assignment,
    blend,
    cv_squared,
    dead_experts,
    expert_counts,
    hash_table,
    importance_loss,
    load_loss,
    load_routers,
    max_over_mean,
    mutual_information,
    sinkhorn,
    smooth_load,
    sparse_weights,
    switch_loss,
    train_on_ring,
    update_bias,
    z_loss,
)
from moe_tutorial.sparse.compared import MISTAKEN

f64 = torch.float64


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=f64)


def slope_of(function, values):
    free = values.clone().requires_grad_()
    return torch.autograd.grad(function(free).sum(), free)[0]


def differences(function, values, step=1e-6):
    found = torch.zeros_like(values)
    for place in itertools.product(*map(range, values.shape)):
        moved = torch.zeros_like(values)
        moved[place] = step
        found[place] = (function(values + moved) - function(values - moved)).sum() / (2 * step)
    return found


# ---- losses

def test_importance_by_hand_is_autograds_and_that_of_differences():
    w = sparse_weights(random(6, 4), 4)
    importance = w.sum(0)
    q = importance / importance.sum()
    assert_close(importance_loss(w), 4 * q.square().sum() - 1)
    by_hand = 2 * 4 / importance.sum() * (q - q.square().sum())
    slope = slope_of(importance_loss, w)
    assert_close(slope, by_hand.expand(6, 4), atol=1e-12, rtol=1e-12)
    assert_close(differences(importance_loss, w), slope, atol=1e-7, rtol=1e-7)


def test_importance_is_from_0_to_k_minus_1_with_the_variance_of_all():
    assert importance_loss(torch.full((3, 5), 0.2, dtype=f64)) < 1e-30
    assert importance_loss(torch.eye(5, dtype=f64)[:1].expand(7, 5)) == 4
    assert importance_loss(torch.ones(3, 1)) == 0  # one expert: not NaN


def test_at_total_collapse_importance_has_no_gradient_and_switch_has_one():
    scores = torch.tensor([7.0, 0.0, 0.0, 0.0], dtype=f64) + 0.1 * random(50, 4)
    assert slope_of(lambda s: importance_loss(sparse_weights(s, 1, renormalise=False)), scores).abs().max() <= 1e-12
    assert slope_of(switch_loss, scores).abs().max() >= 1e-5


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_smooth_load_is_the_probability_of_being_chosen_with_other_noise_of_its_own(k):
    scores, spread = random(1, 4), torch.tensor([[0.5, 1.0, 0.3, 2.0]], dtype=f64)
    noisy = scores + spread * random(1, 4, seed=1)
    anew = random(200_000, 4, seed=2)
    for i in range(4):
        drawn = noisy.expand(200_000, 4).clone()
        drawn[:, i] = scores[0, i] + spread[0, i] * anew[:, i]
        share = (sparse_weights(drawn, k)[:, i] > 0).double().mean()
        assert abs(smooth_load(scores, noisy, spread, k)[i] - share) < 0.005


def test_the_load_loss_has_the_slope_of_differences():
    scores, noisy, spread = random(5, 4), random(5, 4) + 0.3 * random(5, 4, seed=1), random(5, 4, seed=2).exp()
    for function, at in ((lambda s: load_loss(s, noisy, spread, 2), scores),
                         (lambda s: load_loss(scores, s, spread, 2), noisy),
                         (lambda s: load_loss(scores, noisy, s, 2), spread)):
        assert_close(differences(function, at), slope_of(function, at), atol=1e-7, rtol=1e-6)
    load = smooth_load(scores, noisy, spread, 2)
    assert_close(load_loss(scores, noisy, spread, 2), ((load - load.mean()) ** 2).mean() / load.mean() ** 2)


@pytest.mark.parametrize("k", [1, 2])
def test_switch_by_hand_is_autograds_and_that_of_differences(k):
    scores = random(6, 4)
    p, f = torch.softmax(scores, -1), expert_counts(sparse_weights(scores, k)).double() / (6 * k)
    assert_close(switch_loss(scores, k), 4 * (f * p.mean(0)).sum())
    slope = slope_of(lambda s: switch_loss(s, k), scores)
    assert_close(slope, 4 / 6 * p * (f - (p * f).sum(-1, keepdim=True)), atol=1e-12, rtol=1e-12)
    assert_close(differences(lambda s: switch_loss(s, k), scores), slope, atol=1e-7, rtol=1e-7)


def test_what_switch_says_of_collapse_evenness_and_less_than_1():
    sure = torch.full((8, 4), -60.0, dtype=f64)
    collapsed, even = sure.clone(), sure.clone()
    collapsed[:, 2], even[range(8), [0, 1, 2, 3] * 2] = 60.0, 60.0
    assert_close(switch_loss(collapsed), torch.tensor(4.0, dtype=f64))
    assert_close(switch_loss(even), torch.tensor(1.0, dtype=f64))
    # 90 cases prefer expert 0 by a hair, 10 prefer expert 1 by much: f = (.9, .1, 0, 0), P = (.234, .325, .221, .221).
    by_a_hair = torch.tensor([[0.26, 0.25, 0.245, 0.245]] * 90 + [[0.0, 1.0, 0.0, 0.0]] * 10, dtype=f64)
    assert switch_loss(by_a_hair.clamp(min=1e-12).log()) < 0.98


def test_layers_are_not_to_be_joined():
    one = torch.full((100, 4), 0.01, dtype=f64)
    layers = torch.stack([one.index_fill(1, torch.tensor([i]), 0.97) for i in range(4)]).log()
    assert_close(switch_loss(layers).mean(), torch.tensor(3.88, dtype=f64))
    assert_close(switch_loss(layers.flatten(0, 1)), torch.tensor(1.0, dtype=f64))


def test_z_by_hand_is_autograds_and_that_of_differences():
    scores = 3 * random(5, 4)
    z = scores.exp().sum(-1, keepdim=True).log()
    assert_close(z_loss(scores), z.square().mean())
    slope = slope_of(z_loss, scores)
    assert_close(slope, 2 / 5 * z * torch.softmax(scores, -1), atol=1e-12, rtol=1e-12)
    assert_close(differences(z_loss, scores), slope, atol=1e-6, rtol=1e-7)
    assert z_loss(torch.full((2, 4), -math.log(4), dtype=f64)) < 1e-30 < z_loss(torch.zeros(2, 4, dtype=f64))
    assert_close(z_loss(torch.tensor([[1000.0, 0.0]], dtype=f64)), torch.tensor(1e6, dtype=f64))


def test_runs_in_front_are_runs_each_for_itself():
    scores, noisy, spread = random(3, 6, 4), random(3, 6, 4, seed=1), random(3, 6, 4, seed=2).exp()
    w = sparse_weights(scores, 2)
    counts = expert_counts(w)
    for run in range(3):
        for whole, alone in ((importance_loss(w), importance_loss(w[run])),
                             (switch_loss(scores, 2), switch_loss(scores[run], 2)),
                             (load_loss(scores, noisy, spread, 2), load_loss(scores[run], noisy[run], spread[run], 2)),
                             (z_loss(scores), z_loss(scores[run])), (cv_squared(counts), cv_squared(counts[run])),
                             (balanced_assignment(scores), balanced_assignment(scores[run])),
                             *zip(sinkhorn(scores), sinkhorn(scores[run]))):
            assert_close(whole[run], alone)


# ---- measures and the bias

def test_measures_of_a_load_and_of_a_table():
    counts = torch.tensor([[10, 2, 4, 0], [4, 4, 4, 4]])
    assert_close(cv_squared(counts), torch.tensor([14 / 16, 0.0], dtype=f64))
    assert max_over_mean(counts).tolist() == [2.5, 1.0] and dead_experts(counts).tolist() == [1.0, 0.0]
    assert dead_experts(torch.tensor([20, 15, 4, 1])) == 0 and dead_experts(torch.tensor([29, 8, 2, 1]), below=0.25) == 2
    assert expert_counts(torch.tensor([[0.01, 0.99, 0.0], [0.0, 1.0, 0.0]])).tolist() == [1, 2, 0]
    table = torch.tensor([[6, 1, 0], [2, 3, 4]])
    joint = table / table.sum()
    product = joint.sum(1, keepdim=True) * joint.sum(0)
    there = joint > 0
    by_hand = (joint[there] * (joint / product)[there].log()).sum().double()
    assert_close(mutual_information(table), by_hand, rtol=1e-6, atol=0)
    assert mutual_information(torch.tensor([[3, 0], [5, 0]])) == 0  # all at one expert: 0, not NaN
    assert_close(mutual_information(torch.eye(8, dtype=torch.int64)), torch.tensor(math.log(8), dtype=f64))


def test_the_bias_goes_up_for_who_has_too_little_and_none_has_a_gradient():
    moved = update_bias(torch.zeros(4, dtype=f64), torch.tensor([10, 2, 4, 0]), 0.1)
    assert moved.tolist() == [-0.1, 0.1, 0.0, 0.1]
    router = ROUTERS["biases"](4, k=2)
    router(random(7, 4).requires_grad_()).sum().backward()
    assert list(router.parameters()) == [] and list(router.state_dict()) == ["bias"] and not router.bias.requires_grad


@pytest.mark.parametrize(("call", "said"), [
    (lambda: switch_loss(torch.zeros(0, 4)), "scores is empty"),
    (lambda: z_loss(torch.zeros(0, 4)), "scores is empty"),
    (lambda: switch_loss(torch.zeros(3, 4), 5), "k is 5, but scores has only 4"),
    (lambda: switch_loss(torch.tensor([[0.0, math.nan]])), "scores must be finite, got nan at index (0, 1)"),
    (lambda: z_loss(torch.tensor([[0.0, -math.inf]])), "scores must be finite"),
    (lambda: smooth_load(*[torch.ones(2, 3)] * 3, 3), "k is 3, but must be smaller"),
    (lambda: load_loss(torch.ones(2, 3), torch.ones(2, 3), torch.zeros(2, 3), 1), "spread must be above 0"),
    (lambda: importance_loss(torch.zeros(2, 3)), "weights are 0 for all"),
    (lambda: importance_loss(-torch.ones(2, 3)), "weights must not be negative"),
    (lambda: cv_squared(torch.tensor([0, 0])), "counts are all 0"),
    (lambda: update_bias(torch.zeros(2), torch.tensor([1, -1])), "counts must not be negative"),
    (lambda: ROUTERS["top-k"](4, k=5), "k is 5, but there are only 4"),
    (lambda: ROUTERS["top-k"](4)(torch.zeros(2, 3)), "scores have shape (2, 3), wanted (N, 4)"),
    (lambda: ROUTERS["top-k"](4, runs=2)(torch.zeros(2, 4)), "wanted (2, N, 4)"),
    (lambda: ROUTERS["noisy top-k"](4, k=4), "must be smaller"),
    (lambda: ROUTERS["noisy top-k"](4)(torch.zeros(2, 4)), "x is missing"),
    (lambda: ROUTERS["BASE"](4, k=2), "k is 2, but Base sends a case to one expert"),
    (lambda: ROUTERS["hash"](4, table=torch.tensor([4])), "from 0 to 3"),
    (lambda: ROUTERS["hash"](4, table=torch.tensor([3]))(torch.zeros(2, 4)), "token is missing"),
    (lambda: ROUTERS["hash"](4, table=torch.tensor([3]))(torch.zeros(1, 4), token=torch.tensor([1])), "token must be"),
    (lambda: train_on_ring(ROUTERS["top-k"](4), seeds=(0, 1)), "router has runs (), and there are 2 seeds"),
])
def test_what_cannot_be_is_said(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)


# ---- one problem: prices

N, K = 256, 8
LIKED = random(N, K) + torch.linspace(1.5, -1.5, K, dtype=f64)  # expert 0 is liked best


def dual(bias):
    return (LIKED + bias).amax(-1).sum() - N / K * bias.sum()


def follow(rate, steps):
    bias, values = torch.zeros(K, dtype=f64), []
    for _ in range(steps):
        values.append(dual(bias))
        bias = update_bias(bias, torch.bincount((LIKED + bias).argmax(-1), minlength=K), rate)
    return bias, torch.stack([*values, dual(bias)])


def test_an_assignment_is_the_best_of_all():
    scores = random(6, 3)
    best = max(sum(scores[n, i] for n, i in enumerate(who)) for who in itertools.product(range(3), repeat=6)
               if all(who.count(i) == 2 for i in range(3)))
    found = balanced_assignment(scores)
    assert_close(scores.gather(1, found[:, None]).sum(), best)
    assert torch.bincount(balanced_assignment(random(10, 4)), minlength=4).max() == 3  # 10 / 4, rounded up


def test_the_sign_rule_descends_bases_dual_and_ends_at_its_assignment():
    base = balanced_assignment(LIKED)
    primal = LIKED.gather(1, base[:, None]).sum()
    assert abs(primal - 356.42) < 0.01
    bias, values = follow(0.01, 300)
    assert (values >= primal - 1e-9).all() and values[-1] - primal < 0.01
    assert ((LIKED + bias).argmax(-1) == base).double().mean() >= 0.99
    # The slope of the dual is load minus even share, by differences at a point without ties.
    load = torch.bincount((LIKED + bias / 2).argmax(-1), minlength=K).double()
    assert_close(differences(dual, bias / 2), load - N / K, atol=1e-6, rtol=1e-6)


def test_the_reversed_sign_climbs():
    _, values = follow(-0.01, 300)
    assert (values.diff() >= -1e-9).all() and values[-1] > values[0] + 100


def test_sinkhorn_has_the_same_prices_when_it_is_cold():
    plan, prices = sinkhorn(LIKED, 0.1, 500)
    assert_close(plan.sum(1), torch.ones(N, dtype=f64))
    assert_close(plan.sum(0), torch.full((K,), N / K, dtype=f64), atol=1e-4, rtol=0)
    assert (plan.argmax(-1) == balanced_assignment(LIKED)).double().mean() >= 0.98
    bias, _ = follow(0.01, 300)
    assert (prices - (bias - bias.mean())).abs().max() < 0.1
    far, _ = sinkhorn(torch.tensor([[1000.0, 999.0], [0.0, 1000.0], [5.0, 4.0], [3.0, -900.0]], dtype=f64), iterations=100)
    assert_close(far.sum(1), torch.ones(4, dtype=f64))


# ---- routers

MADE = {"noisy top-k": {"k": 2}, "biases": {"k": 2}, "ReLU": {"k": 2}, "hash": {"table": torch.arange(12) % 4}}
X, TOKEN = random(3, 12, 2, seed=5), torch.arange(12).expand(3, 12)


def make(name, **more):
    return ROUTERS[name](4, **MADE.get(name, {}), **more)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ROUTERS)
def test_a_router_gives_weights_that_are_0_for_all_but_k(name, training):
    scores = random(3, 12, 4).requires_grad_()
    router = make(name, runs=3).train(training)
    w = router(scores, X, TOKEN)
    assert w.shape == scores.shape and (w >= 0).all() and router.loss.shape == (3,)
    if name in ("expert choice", "Soft MoE", "ReLU"):
        return
    assert ((w != 0).sum(-1) == router.k).all()
    if name == "BASE" and training:
        assert (expert_counts(w) == 3).all()
    if name != "hash":
        alone = make(name, runs=0).train(training)
        if name != "noisy top-k" or not training:
            assert_close(alone(scores[1], X[1], TOKEN[1]), w[1])


def test_what_each_router_weighs_by():
    scores = random(12, 4)
    p = torch.softmax(scores, -1)
    assert_close(make("top-k")(scores), sparse_weights(scores, 1, renormalise=False))
    assert_close(ROUTERS["top-k"](4, k=2, renormalise=True)(scores), sparse_weights(scores, 2))
    switch = ROUTERS["Switch"](4, alpha=0.5, z=0.1)
    assert_close(switch(scores), sparse_weights(scores, 1, renormalise=False))
    assert_close(switch.loss, 0.5 * switch_loss(scores) + 0.1 * z_loss(scores))
    assert_close(make("noisy top-k").eval()(scores), sparse_weights(scores, 2))
    base = balanced_assignment(scores)
    assert_close(make("BASE")(scores).sum(-1), p.gather(1, base[:, None])[:, 0])
    assert_close(make("BASE").eval()(scores), sparse_weights(scores, 1, renormalise=False))
    assert_close(make("hash")(scores, token=torch.arange(12)), torch.eye(4, dtype=f64).repeat(3, 1))
    biases = make("biases")
    biases.bias = torch.tensor([9.0, 0.0, 0.0, 0.0], dtype=f64)
    w = biases(scores)
    assert (w[:, 0] > 0).all()
    assert_close(w, p * (w > 0) / (p * (w > 0)).sum(-1, keepdim=True))  # the bias chose and is not in the weights
    assert_close(biases.bias[0], torch.tensor(8.99, dtype=f64))
    before = biases.eval().bias.clone()
    biases(scores)
    assert torch.equal(before, biases.bias)  # only training moves it


def test_noise_and_its_two_losses():
    scores, x = random(200, 4), random(200, 2, seed=1)
    router = make("noisy top-k", seed=3)
    w = router(scores, x)
    spread = torch.full((200, 4), math.log(2) + 0.01, dtype=f64)
    noisy = scores + spread * torch.randn(200, 4, generator=torch.Generator().manual_seed(3), dtype=f64)
    assert_close(w, sparse_weights(noisy, 2))
    assert_close(router.loss, 0.1 * (importance_loss(w) + load_loss(scores, noisy, spread, 2)))
    assert len(list(router.parameters())) == 2


def test_expert_choice_has_an_even_load_and_leaves_some_cases_out():
    w = ROUTERS["expert choice"](4)(random(40, 4))
    assert (expert_counts(w) == 10).all() and (w == 0).all(-1).any() and (w > 0).sum(-1).max() > 1
    assert (ROUTERS["expert choice"](4, k=4)(random(3, 4)) > 0).all()  # no more places than cases


def test_soft_moe_asked_for_one_case_is_the_blend_of_1991():
    router, x, scores = make("Soft MoE"), random(1, 2), random(1, 4)
    weight, bias = random(4, 3, 2, seed=1), random(4, 3, seed=2)
    slots = router.mixed(scores, x)
    o = torch.einsum("kd,kmd->km", slots, weight) + bias
    assert_close(router(scores) @ o, blend(torch.einsum("nd,kmd->nkm", x, weight) + bias, torch.softmax(scores, -1)))


def test_relu_is_dead_where_all_scores_are_negative_and_its_loss_is_a_thermostat():
    router = make("ReLU")
    scores = torch.full((5, 4), -1.0, dtype=f64, requires_grad=True)
    w = router(scores)
    w.sum().backward()
    assert (w == 0).all() and (scores.grad == 0).all() and router.strength < 1e-8
    before = router.strength.clone()
    router(torch.ones(5, 4, dtype=f64))
    assert router.strength > before


def test_of_equal_scores_all_cases_choose_alike():
    for name in ("top-k", "Switch", "biases"):
        w = make(name)(torch.zeros(30, 4, dtype=f64))
        assert len(w.unique(dim=0)) == 1


def changes(name, training):
    """In what part of the kept cases the weights differ when the other half of the batch is exchanged."""
    kept, moved = random(64, 4, seed=1), []
    for draw in range(5):
        router = make(name, seed=1).train(training)
        scores = [torch.cat([kept, random(64, 4, seed=10 * draw + half)]) for half in (2, 3)]
        given = [(one, torch.zeros(128, 2, dtype=f64), torch.arange(128) % 12) for one in scores]
        if name == "Soft MoE":
            seen = [router(one) @ router.mixed(one, one[:, :2]) for one in scores]
        else:
            seen = []
            for one in given:
                router = make(name, seed=1).train(training)
                seen.append(router(*one))
        moved.append(((seen[0] - seen[1])[:64].abs() > 1e-9).any(-1).double().mean())
    return float(sum(moved) / len(moved))


@pytest.mark.parametrize("name", ROUTERS)
def test_whose_answer_depends_on_the_others(name):
    at_test, training = changes(name, False), changes(name, True)
    assert (at_test > 0) == (name in ("expert choice", "Soft MoE")) and (at_test in (0.0, 1.0) or name == "expert choice")
    assert (training > 0) == (name in ("expert choice", "Soft MoE", "BASE", "Sinkhorn"))


def test_a_router_of_ones_own_can_be_trained():
    class First(Router):
        def route(self, scores, x, token):
            return torch.nn.functional.pad(torch.ones_like(scores[..., :1]), (0, self.experts - 1))

    found = train_on_ring(First(3, runs=2), seeds=(0, 1), steps=5, look=2)
    assert found.dead.tolist() == [2, 2] and found.moments == (0, 2, 4) and found.history.shape == (3, 2, 3)
    assert found.late.sum() == 2 * 5 * 256 and (found.information < 1e-12).all()


def test_a_run_does_not_depend_on_those_beside_it():
    two, one = (train_on_ring(ROUTERS["Switch"](8, runs=len(seeds)), seeds=seeds, steps=30).error
                for seeds in ((3, 5), (5,)))
    assert_close(two[1:], one)


def test_the_mistakes_are_what_they_are_called():
    scores = random(12, 4)
    wrong = MISTAKEN["counts against a share"](4, k=2)
    w = wrong(scores)
    assert (wrong.bias[expert_counts(w) > 0] < 0).all()
    wrong = MISTAKEN["bias also weighs"](4, k=2)
    wrong.bias = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=f64)
    w = wrong(scores)
    score = torch.softmax(scores, -1) + torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=f64)
    assert_close(w, score * (w > 0) / (score * (w > 0)).sum(-1, keepdim=True))


# ---- the stored comparison

EVEN, UNEVEN = (load_routers(uneven) for uneven in (False, True))


def test_a_stored_row_is_what_training_gives():
    router = ROUTERS["hash"](8, runs=10, table=hash_table("subtasks"))  # no choice that a last bit could turn
    assert_close(train_on_ring(router).error, EVEN["truth"].error, rtol=1e-6, atol=0)


def test_balanced_tables_know_the_frequencies():
    table = hash_table("balanced", uneven=True)
    assert table.shape == (10, 64)
    assert UNEVEN["hash, balanced"].cv.mean() <= 0.12 < UNEVEN["hash, random"].cv.mean()


def test_without_balance_experts_die_and_a_loss_that_is_large_enough_keeps_them():
    plain = EVEN["top-1"]
    assert 1.5 <= plain.dead.mean() <= 4 and (plain.dead >= 1).sum() >= 8 and plain.history.shape == (30, 10, 8)
    for stored in (EVEN, UNEVEN):
        switch = stored["Switch 1"]
        assert switch.dead.mean() <= 0.2 and switch.max_over_mean.mean() <= 1.6
        assert switch.error.median() < min(0.35, stored["top-1"].error.median())
    assert EVEN["Switch .01"].dead.mean() >= 1.5


def test_noise_needs_its_losses():
    noisy, alone = EVEN["noisy top-2"], EVEN["noise alone"]
    assert noisy.error.median() <= 0.14 and UNEVEN["noisy top-2"].error.median() <= 0.16 and noisy.dead.mean() <= 0.5
    assert alone.dead.mean() >= 1.5


def test_biases_are_even_on_average_and_the_reversed_sign_kills():
    assert EVEN["biases"].late_cv.mean() <= 0.15 < EVEN["biases"].cv.mean()
    for stored in (EVEN, UNEVEN):
        wrong = stored["biases, wrong sign"]
        assert wrong.dead.mean() >= 4 and wrong.cv.mean() >= 1.1


def test_experts_that_choose_leave_cases_out_and_an_assignment_is_not_asked_for():
    choice = EVEN["expert choice"]
    assert 0.15 <= choice.unserved.mean() <= 0.30 and (choice.cv == 0).all()
    for stored in (EVEN, UNEVEN):
        assert stored["BASE"].late_cv.mean() <= 0.02 and stored["BASE"].cv.mean() >= 0.5
        assert stored["hash, balanced"].cv.mean() <= 0.12 and stored["hash, balanced"].information.mean() <= 0.3
        assert stored["truth"].error.median() <= 0.03 and (stored["truth"].information > 0.999).all()


def test_the_z_loss_holds_scores_and_not_balance():
    held, free = EVEN["z-loss .001"], EVEN["top-1"]
    assert held.squared_z.mean() <= free.squared_z.mean() / 3 and abs(held.dead.mean() - free.dead.mean()) <= 1


def test_what_a_stored_run_says_of_itself():
    run = UNEVEN["truth"]
    load = run.counts.double()
    assert_close(run.cv, load.std(-1, correction=0) / 256)
    assert_close(run.dropped, (load - 320).clamp(min=0).sum(-1) / 2048)
    assert 0.2 < run.dropped.mean() < 0.3 and run.table.sum((1, 2)).tolist() == [2048] * 10
    assert EVEN["top-1"].weights["gate.weight"].shape == (10, 8, 2) and "median error 0.5" in repr(EVEN["top-1"])
