"""The fast engine takes the plain loop's steps, stops where it stops, and treats every run as if it were alone."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from moe_tutorial import BackpropagationNet, Criterion, Mixture, expected_error, fast_train, mixture_nll, train, vowel_task

TASK, FOUR = vowel_task(), vowel_task("one-hot")
ONE_OUTPUT = TASK.train.x, TASK.train.d
FOUR_OUTPUTS = FOUR.train.x, FOUR.train.d
EXACT = {"rtol": 0, "atol": 1e-9}


def plain_loop(model, x, d, step_size, epochs, stop_at=-1.0, of="blend"):
    """One model without runs, by autograd, one update an epoch; the number of updates."""
    for epoch in range(epochs + 1):
        if isinstance(model, Mixture):
            o, p = model(x)
            loss, y = mixture_nll(d, o, p), model.blend(x)
        else:
            y = model(x)
            o, p = y[:, None], torch.ones_like(y[:, :1])
            loss = 0.5 * (d - y).square().sum(-1)
        error = expected_error(d, o, p) if of == "expected" else (d - y).square().sum(-1)
        if error.mean() <= stop_at or epoch == epochs:
            return epoch
        parameters = list(model.parameters())
        gradients = torch.autograd.grad(loss.mean(), parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                parameter -= step_size * gradient


def run(model, number):
    """One of a model's runs, as a model without runs."""
    alone = copy.deepcopy(model)
    for parameter in alone.parameters():
        parameter.data = parameter.data[number].clone()
    return alone


@pytest.mark.parametrize("kind, size", [(Mixture, 4), (Mixture, 8), (BackpropagationNet, 6), (BackpropagationNet, 12)])
@pytest.mark.parametrize("outputs", ["sigmoid", "softmax"])
def test_the_weights_after_100_epochs_are_those_of_the_plain_loop(kind, size, outputs):
    x, d = ONE_OUTPUT if outputs == "sigmoid" else FOUR_OUTPUTS
    step_size = 10.0 if outputs == "sigmoid" else 2.0  # four outputs jump about with 10, and the last bit grows
    model = kind(size, outputs=d.shape[-1], output=outputs, seed=[3, 5])
    slow = [run(model, number) for number in range(2)]
    outcome = fast_train(model, x, d, step_size=step_size, epochs=100)
    assert outcome.stopped.tolist() == [100, 100] and not outcome.converged.any()
    for number, alone in enumerate(slow):
        before = copy.deepcopy(alone)
        plain_loop(alone, x, d, step_size, 100)
        for many, one, start in zip(model.parameters(), alone.parameters(), before.parameters()):
            assert_close(many[number], one, **EXACT)
            assert (one - start).abs().max() > 1e-3  # it did learn


@pytest.mark.parametrize("kind, size, step_size, stop_at", [(Mixture, 4, 20.0, 0.15), (BackpropagationNet, 6, 2.5, 0.23)])
@pytest.mark.parametrize("of", ["blend", "expected"])
def test_the_epoch_of_the_criterion_is_that_of_the_plain_loop(kind, size, step_size, stop_at, of):
    model = kind(size, seed=[0, 1, 2])
    slow = [run(model, number) for number in range(3)]
    outcome = fast_train(model, *ONE_OUTPUT, step_size=step_size, epochs=3000, stop_at=Criterion(stop_at, of))
    assert outcome.converged.all() and len(set(outcome.stopped.tolist())) == 3
    for number, alone in enumerate(slow):
        assert plain_loop(alone, *ONE_OUTPUT, step_size, 3000, stop_at, of) == outcome.stopped[number]
        assert plain_loop(run(model, number), *ONE_OUTPUT, step_size, 1, stop_at, of) == 0  # its weights were kept


def test_blend_and_expected_error_stop_at_different_epochs():
    def stopped(of):
        settings = {"step_size": 20.0, "epochs": 3000, "stop_at": Criterion(0.15, of)}
        return fast_train(Mixture(4, seed=0), *ONE_OUTPUT, **settings).stopped

    assert stopped("blend") < stopped("expected")


def test_it_does_what_train_does():
    """As long as no error rises, so that no last bit decides; each run ends at an epoch of its own."""
    fast, readable = Mixture(4, seed=range(5)), Mixture(4, seed=range(5))
    until = {"step_size": 10.0, "epochs": 110, "stop_at": 0.2368}
    outcome = fast_train(fast, *ONE_OUTPUT, **until)
    history = train(readable, *ONE_OUTPUT, **until)
    assert (history.squared_error.diff(dim=0) <= 0).all()
    assert 0 < outcome.converged.sum() < 5 and len(set(outcome.stopped.tolist())) > 2
    assert outcome.stopped.tolist() == history.stopped.tolist()
    assert outcome.converged.tolist() == history.converged.tolist()
    for one, other in zip(fast.parameters(), readable.parameters()):
        assert_close(one, other, **EXACT)


@settings(max_examples=25)
@given(cases=st.integers(1, 30), inputs=st.integers(1, 4), outputs=st.integers(1, 3), size=st.integers(1, 5),
       seed=st.integers(0, 1000), data=st.data())
def test_one_step_of_any_shape_is_the_step_of_the_plain_loop(cases, inputs, outputs, size, seed, data):
    kind = data.draw(st.sampled_from([Mixture, BackpropagationNet]))
    output = data.draw(st.sampled_from(["sigmoid", "softmax"]))
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(cases, inputs, generator=generator, dtype=torch.float64)
    d = torch.rand(cases, outputs, generator=generator, dtype=torch.float64)
    model = kind(size, inputs, outputs, output, seed=[seed, seed + 1], spread=2.0)
    if kind is Mixture:
        model.gate.weight.data.normal_(generator=generator)
    slow = [run(model, number) for number in range(2)]
    fast_train(model, x, d, step_size=torch.tensor([0.5, 3.0]), epochs=2)
    for number, alone in enumerate(slow):
        plain_loop(alone, x, d, [0.5, 3.0][number], 2)
        for many, one in zip(model.parameters(), alone.parameters()):
            assert_close(many[number], one, **EXACT)


@pytest.mark.parametrize("kind, size", [(Mixture, 4), (BackpropagationNet, 6)])
def test_a_run_is_the_same_to_the_last_bit_whatever_runs_beside_it(kind, size, monkeypatch):
    def trained(seeds):
        model = kind(size, seed=seeds)
        outcome = fast_train(model, *ONE_OUTPUT, step_size=20.0, epochs=400, stop_at=0.2)
        return model, outcome

    together, outcome = trained([4, 9, 1, 7, 3])
    monkeypatch.setattr("moe_tutorial.engine._BLOCK", 2 * size * 400)  # two runs at a time
    in_blocks, _ = trained([4, 9, 1, 7, 3])
    for number, seed in enumerate((4, 9, 1, 7, 3)):
        alone, single = trained(seed)
        assert outcome.stopped[number] == single.stopped
        for one, many, blocked in zip(alone.parameters(), together.parameters(), in_blocks.parameters()):
            assert torch.equal(one, many[number]) and torch.equal(one, blocked[number])


def test_each_run_can_have_cases_and_a_step_size_of_its_own():
    tasks = [vowel_task(order="random", seed=seed) for seed in (1, 2)]
    x, d = (torch.stack([getattr(task.train, name) for task in tasks]) for name in ("x", "d"))
    together = Mixture(3, seed=[1, 2])
    fast_train(together, x, d, step_size=torch.tensor([5.0, 15.0]), epochs=50)
    for number, step_size in enumerate((5.0, 15.0)):
        alone = Mixture(3, seed=number + 1)
        fast_train(alone, x[number], d[number], step_size=step_size, epochs=50)
        for one, many in zip(alone.parameters(), together.parameters()):
            assert torch.equal(one, many[number])


def test_a_run_that_meets_the_criterion_at_the_start_is_not_touched():
    model = Mixture(2, seed=range(2))
    before = copy.deepcopy(model)
    outcome = fast_train(model, *ONE_OUTPUT, step_size=1.0, epochs=5, stop_at=10.0)
    assert outcome.stopped.tolist() == [0, 0] and outcome.converged.all()
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), before.parameters()))


def test_the_cases_that_are_given_are_not_written_to():
    x, d = (tensor.clone() for tensor in ONE_OUTPUT)
    for model in (Mixture(2), BackpropagationNet(2)):
        fast_train(model, x, d, step_size=1.0, epochs=3)
    assert torch.equal(x, ONE_OUTPUT[0]) and torch.equal(d, ONE_OUTPUT[1])


@pytest.mark.parametrize("change, error, words", [
    ({"model": torch.nn.Linear(2, 1)}, TypeError, "model must be a Mixture or a BackpropagationNet, got Linear"),
    ({"model": Mixture(2, output="linear")}, ValueError, "unknown output 'linear'"),
    ({"x": ONE_OUTPUT[0][:, :1]}, ValueError, "x has shape (400, 1)"),
    ({"d": ONE_OUTPUT[1][:5]}, ValueError, "d has shape (5, 1), wanted (…, 400, M)"),
    ({"d": ONE_OUTPUT[1].expand(3, 400, 1)}, ValueError, "the leading (runs) dimensions must be the same"),
    ({"step_size": 0.0}, ValueError, "step_size must be above 0"),
    ({"step_size": torch.tensor([1.0, 2.0, 3.0])}, ValueError, "the leading (runs) dimensions must be the same"),
    ({"epochs": 2.5}, TypeError, "epochs must be an int"),
    ({"stop_at": -1.0}, ValueError, "stop_at must be above 0"),
    ({"x": 1e6 * ONE_OUTPUT[0], "step_size": 1e305}, OverflowError, "the weights of runs"),
])
def test_errors_say_what_was_wrong(change, error, words):
    arguments = {"model": Mixture(2, seed=[0, 1]), "x": ONE_OUTPUT[0], "d": ONE_OUTPUT[1], "step_size": 1.0, "epochs": 3}
    with pytest.raises(error) as raised:
        fast_train(**{**arguments, **change})
    assert words in str(raised.value)


def test_a_network_is_its_formula():
    net = BackpropagationNet(3, inputs=2, outputs=2, seed=[1, 2])
    x = torch.tensor([[0.3, 2.0], [-1.0, 0.5]], dtype=torch.float64)
    y = net(x)
    assert y.shape == (2, 2, 2)
    for number, case, output in itertools.product(range(2), range(2), range(2)):
        hidden = [torch.sigmoid(net.hidden_weight[number, unit] @ x[case] + net.hidden_bias[number, unit])
                  for unit in range(3)]
        total = sum(net.weight[number, output, unit] * hidden[unit] for unit in range(3)) + net.bias[number, output]
        assert_close(y[number, case, output], torch.sigmoid(total))
    assert sum(parameter[0].numel() for parameter in BackpropagationNet(6, seed=[0]).parameters()) == 25


def test_a_networks_first_weights_are_within_the_spread_and_its_own_seeds():
    wide = BackpropagationNet(12, seed=range(50), spread=2.0)
    for parameter in wide.parameters():
        assert 1.5 < parameter.abs().max() <= 2.0
    assert torch.equal(BackpropagationNet(12, seed=7, spread=2.0).hidden_weight, wide.hidden_weight[7])
