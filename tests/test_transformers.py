"""The formulas of sparse layers are those of the models that are in use: against `transformers`, where it is installed.

`make references` installs it; in the ordinary suite these tests are skipped.
"""

from types import SimpleNamespace

import pytest
import torch

from moe_tutorial import capacity, chosen_experts, places, sparse_weights, switch_loss, z_loss
from moe_tutorial.language import MoELayer

pytest.importorskip("transformers", reason="the comparison with transformers is for `make references`")

from transformers.models.mixtral import modeling_mixtral as mixtral  # noqa: E402
from transformers.models.switch_transformers import modeling_switch_transformers as switch  # noqa: E402

CLOSE = {"atol": 1e-6, "rtol": 1e-6}
SIZES = [(cases, experts, k) for cases in (1, 7, 256) for experts, k in ((2, 1), (4, 2), (8, 1), (8, 2), (8, 8))]


def scores(cases, experts, layer=0):
    """Random scores, and one expert that most cases want."""
    generator = torch.Generator().manual_seed(100 * cases + 10 * experts + layer)
    return torch.randn(cases, experts, generator=generator) + 2.0 * (torch.arange(experts) == layer)


@pytest.mark.parametrize("cases,experts,k", SIZES)
def test_mixtrals_loss_is_ours_times_k(cases, experts, k):
    s = scores(cases, experts)
    theirs = mixtral.load_balancing_loss_func((s,), experts, k)
    torch.testing.assert_close(theirs, k * switch_loss(s, k), **CLOSE)


def test_mixtrals_loss_joins_layers_and_ours_does_not():
    """Two layers that collapsed on different experts: each is far from even, and together they are even."""
    one = torch.tensor([[20.0, 0.0]]).repeat(8, 1)
    layers = (one, one.flip(1))
    theirs = mixtral.load_balancing_loss_func(layers, 2, 1)
    ours = torch.stack([switch_loss(layer) for layer in layers]).mean()
    torch.testing.assert_close(theirs, torch.tensor(1.0), **CLOSE)
    torch.testing.assert_close(ours, torch.tensor(2.0), **CLOSE)


def router_of_mixtral(experts, k, weight):
    config = SimpleNamespace(num_experts_per_tok=k, num_local_experts=experts, hidden_size=experts)
    router = mixtral.MixtralTopKRouter(config)
    router.weight.data = weight
    return router


@pytest.mark.parametrize("cases,experts,k", SIZES)
def test_mixtrals_weights_are_the_renormalised_ones(cases, experts, k):
    s = scores(cases, experts)
    _, share, chosen = router_of_mixtral(experts, k, torch.eye(experts))(s)
    torch.testing.assert_close(torch.zeros_like(s).scatter(1, chosen, share), sparse_weights(s, k), **CLOSE)


@pytest.mark.parametrize("cases,experts,k", [size for size in SIZES if size[2] > 1])
def test_the_layers_choice_is_mixtrals(cases, experts, k):
    x, layer = scores(cases, experts), MoELayer(experts, 4, experts, k)
    _, _, chosen = router_of_mixtral(experts, k, layer.gate.weight.data)(x)
    torch.testing.assert_close(layer(x)[1].chosen, chosen)


def router_of_switch(experts, room):
    config = SimpleNamespace(num_experts=experts, expert_capacity=room, hidden_size=experts, router_bias=False,
                             router_jitter_noise=0.0, router_ignore_padding_tokens=False, router_dtype="float32")
    router = switch.SwitchTransformersTop1Router(config)
    router.classifier.weight.data = torch.eye(experts)
    return router


@pytest.mark.parametrize("cases,experts", [(1, 2), (7, 4), (256, 8)])
def test_switchs_two_losses(cases, experts):
    s = scores(cases, experts)
    p = torch.softmax(s, -1)
    theirs = switch.load_balancing_loss_func(p[None], p.argmax(-1)[None])
    torch.testing.assert_close(theirs, switch_loss(s), **CLOSE)
    torch.testing.assert_close(switch.router_z_loss_func(s[None]), z_loss(s), **CLOSE)


@pytest.mark.parametrize("cases,experts", [(1, 2), (7, 4), (256, 8)])
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.25])
def test_switchs_weights_and_who_is_dropped(cases, experts, factor):
    s, room = scores(cases, experts), capacity(cases, experts, factor=factor)
    mask, p, _ = router_of_switch(experts, room)(s[None])
    chosen = chosen_experts(s, 1)
    kept = places(chosen, experts) < room
    torch.testing.assert_close(mask[0].sum(-1).bool(), kept[:, 0])
    torch.testing.assert_close((mask * p)[0], sparse_weights(s, 1, renormalise=False) * kept, **CLOSE)
