"""The layer is a mixture of experts, the model reads only what came before, and training does what it says."""

import functools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from moe_tutorial import (
    LanguageModel,
    MoELayer,
    Routed,
    character_losses,
    count_parameters,
    excerpt_text,
    knowledge_text,
    load_handbook,
    load_knowledge,
    load_language,
    load_language_speed,
    moe_outputs,
    permuted_choices,
    switch_loss,
    train_language_model,
    training_pieces,
    update_bias,
    without_expert,
)
from moe_tutorial.language import MODELS

SIZES = [(1, None), (1, False), (2, None), (2, False), (8, None), (8, False)]


def a_layer(k, renormalise=None, shared=0, seed=0):
    torch.manual_seed(seed)
    layer = MoELayer(16, 32, 8, k, renormalise, shared).double()
    layer.gate.weight.data *= 50  # far from even
    return layer


def all_experts(layer, x):
    """Eq. 1.1's blend: every expert computed for every case, and the share of those that were not chosen is 0."""
    p = torch.softmax(x @ layer.gate.weight.T, -1)
    kept = torch.zeros_like(p).scatter(1, p.argsort(descending=True, dim=1)[:, : layer.k], 1.0)
    w = p * kept
    w = w / w.sum(1, keepdim=True) if layer.renormalise else w
    hidden = functional.gelu(torch.einsum("nd,kdh->nkh", x, layer.first) + layer.first_bias)
    return torch.einsum("nk,nkm->nm", w, torch.einsum("nkh,khm->nkm", hidden, layer.second) + layer.second_bias)


@pytest.mark.parametrize("k,renormalise", SIZES)
def test_the_layer_is_the_blend_of_all_experts_with_shares_of_0(k, renormalise):
    layer, x = a_layer(k, renormalise), torch.randn(40, 16).double()
    target = torch.randn(40, 16).double()
    found = []
    for y in (layer(x)[0], all_experts(layer, x)):
        (y - target).square().sum().backward()
        found.append([y.detach(), *(one.grad.clone() for one in layer.parameters())])
        layer.zero_grad()
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).abs().max() <= 1e-11


@given(st.integers(1, 8), st.integers(0, 100))
def test_the_renormalised_softmax_of_the_largest_is_the_softmax_of_the_largest_scores(k, seed):
    scores = torch.randn(20, 8, generator=torch.Generator().manual_seed(seed)).double() * 3
    largest, chosen = scores.topk(k)
    p = torch.softmax(scores, -1).gather(1, chosen)
    assert (p / p.sum(1, keepdim=True) - torch.softmax(largest, -1)).abs().max() <= 1e-15


def gate_gradient(layer):
    y, _ = layer(torch.randn(64, 16, generator=torch.Generator().manual_seed(3)).double())
    y.sin().sum().backward()
    return layer.gate.weight.grad.norm().item()


def test_one_renormalised_expert_leaves_the_gate_without_a_gradient():
    layer = a_layer(1)
    assert gate_gradient(layer) > 1e-3
    layer = a_layer(1)
    layer.renormalise = True
    assert gate_gradient(layer) <= 1e-12
    with pytest.raises(ValueError, match="no gradient"):
        MoELayer(16, 32, 8, 1, renormalise=True)


def test_an_expert_without_cases_computes_nothing_and_learns_nothing():
    layer = a_layer(1)
    y, routed = layer(torch.randn(30, 16).double(), lambda p: torch.full((len(p), 1), 5))
    y.sum().backward()
    assert routed.load.tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    assert layer.first.grad[5].abs().max() > 0 and layer.first.grad[:5].abs().max() == 0


def test_the_shared_part_is_computed_for_every_case():
    layer = a_layer(2, shared=12)
    x = torch.randn(9, 16).double()
    without = layer(x)[0] - layer.shared(x)
    layer.shared = None
    assert (layer(x)[0] - without).abs().max() < 1e-12


def test_the_bias_chooses_and_does_not_weigh():
    layer, x = a_layer(1), torch.randn(50, 16).double()
    layer.bias = torch.tensor([0, 0, 0, 2.0, 0, 0, 0, 0]).double()  # more than any proportion
    y, routed = layer(x)
    assert set(routed.chosen.flatten().tolist()) == {3}
    layer.bias = torch.zeros(8).double()
    assert torch.equal(layer(x, lambda p: torch.full((50, 1), 3))[0], y)


def test_of_equal_proportions_the_first_expert_is_chosen():
    layer = a_layer(2)
    layer.gate.weight.data.zero_()
    assert layer(torch.randn(5, 16).double())[1].chosen.tolist() == [[0, 1]] * 5


@given(st.integers(0, 50))
def test_load_and_loss_for_balance_are_switchs(seed):
    scores = torch.randn(33, 6, generator=torch.Generator().manual_seed(seed)).double()
    for k in (1, 2):
        routed = Routed(scores.topk(k).indices, torch.softmax(scores, -1))
        assert abs(routed.load.sum() - 1) < 1e-12
        assert abs(routed.balance_loss - switch_loss(scores, k)) < 1e-12


def test_the_outputs_of_the_function_are_those_of_the_layer():
    layer, x = a_layer(2), torch.randn(11, 16).double()
    y, routed = layer(x)
    share = routed.p.gather(1, routed.chosen)
    again = moe_outputs(x, routed.chosen, share / share.sum(1, keepdim=True), layer.first, layer.first_bias, layer.second,
                        layer.second_bias)
    assert torch.equal(y, again)
    with pytest.raises(ValueError, match="from 0 to 7, got 8"):
        moe_outputs(x, routed.chosen + 1 + (7 - routed.chosen.max()), share, layer.first, layer.first_bias, layer.second,
                    layer.second_bias)


@pytest.mark.parametrize("name,total,active", [
    ("dense", 119_543, 119_543), ("top-1 of 8", 583_799, 120_567), ("top-2 of 16", 585_847, 121_719),
    ("wide dense", 581_879, 581_879), ("3 of 31 and a shared one", 589_815, 123_895),
])
def test_parameters_are_counted_as_by_hand(name, total, active):
    count = count_parameters(LanguageModel(119, **MODELS[name]))
    assert (count.total, count.active) == (total, active)


def test_total_and_active_are_the_formula():
    dense, mixture = (count_parameters(LanguageModel(50, hidden=20, inputs=8, heads=2, blocks=3, distance=None, **more))
                      for more in ({}, {"experts": 4, "k": 2}))
    one = 2 * 8 * 20 + 20 + 8
    assert mixture.total - dense.total == 3 * (3 * one + 4 * 8)
    assert mixture.active - dense.active == 3 * (1 * one + 4 * 8)


@pytest.mark.parametrize("experts", [None, 4])
def test_a_character_is_predicted_from_those_before_it(experts):
    model = LanguageModel(30, experts=experts, seed=1)
    text = torch.randint(30, (2, 64), generator=torch.Generator().manual_seed(0))
    changed = text.clone()
    changed[:, 40:] = (changed[:, 40:] + 7) % 30
    one, other = model(text)[0], model(changed)[0]
    assert torch.allclose(one[:, :40], other[:, :40], atol=1e-5) and not torch.allclose(one[:, 40], other[:, 40], atol=1e-3)


def test_attention_falls_off_with_the_distance():
    """The first character moves the last scores less, the faster attention falls off."""
    moved = []
    for distance in (None, (1.0, 1.0, 1.0, 1.0)):
        model = LanguageModel(30, distance=distance, seed=1)
        text = torch.zeros(1, 64, dtype=torch.int64)
        other = text.clone()
        other[0, 0] = 9
        moved.append((model(text)[0][0, -1] - model(other)[0][0, -1]).abs().max().item())
    assert moved[1] < 1e-6 < 1e-4 < moved[0]


def test_first_weights_hang_on_the_seed_alone():
    torch.manual_seed(7)
    one, state = LanguageModel(30, experts=4, seed=2), torch.get_rng_state()
    torch.manual_seed(7)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(8)
    two = LanguageModel(30, experts=4, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters()))


@functools.cache
def book():
    return load_handbook()


def trained(model, **given):
    few = book().test.some(2)
    return train_language_model(model, book().train, few, **({"steps": 3, "look": 1} | given))


def test_pieces_are_the_same_for_every_model_and_even_over_the_domains():
    draws = [training_pieces(book().train, 17, torch.Generator().manual_seed(1000)) for _ in range(2)]
    assert torch.equal(*draws) and draws[0].shape == (17, 65)
    whole = {tuple(piece.tolist()): int(domain) for piece, domain in zip(book().train.characters, book().train.domain)}
    assert [whole[tuple(piece.tolist())] for piece in draws[0]] == [0] * 4 + [1] * 4 + [2] * 3 + [3] * 3 + [4] * 3


def test_training_lowers_the_loss_and_says_when():
    model = LanguageModel(119, experts=8)
    history = trained(model, steps=25, look=10, step_size=0.01)
    assert history.moments == (0, 10, 20, 25) and history.losses.shape == (4, 5) and history.loads.shape == (4, 2, 8)
    assert history.loss[-1] < history.loss[0] - 1 and abs(history.loss[0] - torch.tensor(119.0).log()) < 0.5
    assert torch.allclose(history.loads.sum(-1), torch.ones(4, 2))
    assert history.characters == 16 * 64
    assert trained(LanguageModel(119), steps=0).moments == (0,) and trained(LanguageModel(119), steps=0).loads is None


def test_the_losses_are_those_of_the_pieces():
    model, few = LanguageModel(119, experts=4, seed=3), book().test.some(2)
    measured = trained(model, steps=0).losses[0]
    with torch.no_grad():
        by_hand = character_losses(model, few.characters).view(5, 2).mean(1)
    assert torch.allclose(measured, by_hand, atol=1e-5)
    scores, _ = model(few.characters[:1, :-1])
    right = torch.log_softmax(scores, -1)[0, torch.arange(64), few.characters[0, 1:]]
    assert torch.allclose(-right.mean(), character_losses(model, few.characters[:1])[0], atol=1e-5)


def test_a_frozen_gate_stays_where_it_was():
    for frozen in (True, False):
        model = LanguageModel(119, experts=4, frozen=frozen)
        before = model.layers[1].gate.weight.detach().clone()
        trained(model)
        assert torch.equal(before, model.layers[1].gate.weight) == frozen


def test_biases_move_after_each_step_and_only_where_they_are_asked_for():
    for balance in ("loss", "none"):
        model = LanguageModel(119, experts=4)
        trained(model, balance=balance)
        assert model.layers[0].bias.abs().sum() == 0
    model, seen = LanguageModel(119, experts=4, seed=1), []
    model.blocks[0].layer.register_forward_hook(lambda layer, given, found: seen.append(found[1].chosen.flatten()))
    trained(model, steps=1, look=5, balance="biases")
    counts = torch.bincount(seen[1], minlength=4)  # the first and the last are those of the measurements
    assert torch.equal(model.layers[0].bias, update_bias(torch.zeros(4), counts, 0.001))


def test_balance_changes_what_is_learned():
    ends = []
    for balance in ("loss", "none"):
        model = LanguageModel(119, experts=4)
        trained(model, balance=balance)
        ends.append(model.layers[0].gate.weight.detach().clone())
    assert not torch.equal(*ends)


@given(st.integers(0, 30))
def test_permuted_choices_keep_every_load(seed):
    p = torch.rand(40, 5, generator=torch.Generator().manual_seed(seed))
    chosen = permuted_choices(seed)(p)
    assert chosen.shape == (40, 1)
    assert torch.equal(torch.bincount(chosen[:, 0], minlength=5), torch.bincount(p.argmax(1), minlength=5))


def test_without_an_expert_its_cases_take_the_next_best_and_the_others_keep_theirs():
    p = torch.rand(40, 5, generator=torch.Generator().manual_seed(1))
    chosen, best = without_expert(2)(p)[:, 0], p.argsort(descending=True)
    assert torch.equal(chosen, torch.where(best[:, 0] == 2, best[:, 1], best[:, 0]))
    with pytest.raises(ValueError, match="expert is 5"):
        without_expert(5)(p)


@pytest.mark.parametrize("given, said", [
    ({"k": 9, "experts": 8}, "k is 9"), ({"inputs": 30}, "multiple of heads"), ({"k": 2}, "name the number of experts"),
    ({"frozen": True}, "name the number of experts"), ({"heads": 2}, "a rate for each of the 2 heads"),
    ({"experts": 8, "renormalise": True}, "no gradient"),
])
def test_settings_that_do_not_fit_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        LanguageModel(119, **given)


def test_text_that_does_not_fit_is_refused():
    model = LanguageModel(119, length=8)
    with pytest.raises(ValueError, match="pieces of 9"):
        model(torch.zeros(1, 9, dtype=torch.int64))
    with pytest.raises(TypeError, match="int64"):
        model(torch.zeros(1, 8))
    with pytest.raises(ValueError, match="from 0 to 118, got 119"):
        model(torch.full((1, 8), 119))


def test_the_stored_excerpts_are_the_stored_choices_of_their_pieces():
    """Two ways to the same choices: as the training passed by, and of the whole text after it."""
    text, few = knowledge_text(), excerpt_text()
    rows = [(text.characters == piece).all(1).nonzero()[0, 0] for piece in few.characters]
    for known in load_knowledge()["top-1 of 8"]:
        assert known.moments[-1] == 800 and torch.equal(known.excerpts[-1], known.chosen[:, torch.stack(rows)])
        assert known.proportions.min() >= 12 and known.proportions.max() <= 100  # the largest of eight, in hundredths


def test_a_stored_training_begins_where_the_untrained_model_stands():
    known = load_knowledge()
    assert torch.equal(known["untrained"][0].excerpts[0], known["top-1 of 8"][0].excerpts[0])
    histories = load_language()
    assert torch.equal(histories["untrained"][0].losses[0], histories["top-1 of 8"][0].losses[0])


def test_the_stored_beginning_is_what_the_model_computes_now():
    model, few = LanguageModel(119, experts=8, seed=1), excerpt_text()
    chosen = [one.chosen.view(10, 64) for one in model(few.characters[:, :-1])[1]]
    stored = load_knowledge()["top-1 of 8"][1].excerpts[0]
    assert (torch.stack(chosen) == stored).double().mean() > 0.99  # last bits may turn single ones over


def test_a_step_of_the_wide_net_takes_the_longest():
    speed = load_language_speed()
    assert speed["dense"] == 1.0 < min(list(speed.values())[1:]) and max(speed, key=speed.get) == "wide dense"
