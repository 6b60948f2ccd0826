"""Batch gradient descent: the update by hand, runs that stop, fail and go on without disturbing each other."""

import copy
import warnings

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import (
    Criterion,
    Mixture,
    cooperative_error,
    expected_error,
    fast_train,
    mixture_nll,
    toys,
    train,
    vowel_task,
)

TRAIN = vowel_task().train
X, D = TRAIN.x, TRAIN.d
LOSSES = {"cooperative": cooperative_error, "expected": expected_error, "mixture": mixture_nll}


@pytest.mark.parametrize("loss", LOSSES)
def test_an_epoch_is_one_step_down_the_gradient_of_the_mean_over_cases(loss):
    trained = Mixture(3, seed=1)
    by_hand = copy.deepcopy(trained)
    history = train(trained, X, D, loss, step_size=2.5, epochs=4)
    for epoch in range(4):
        value = LOSSES[loss](D, *by_hand(X)).sum() / len(X)
        assert_close(history.loss[epoch, 0], value.detach())
        gradients = torch.autograd.grad(value, list(by_hand.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(by_hand.parameters(), gradients):
                parameter -= 2.5 * gradient
    for one, other in zip(trained.parameters(), by_hand.parameters()):
        assert_close(one, other)
    assert history.stopped.tolist() == [4] and not history.converged.any()


def test_the_step_does_not_depend_on_how_often_the_cases_are_repeated():
    once, thrice = Mixture(2, seed=3), Mixture(2, seed=3)
    train(once, X, D, step_size=5.0, epochs=10)
    train(thrice, X.repeat(3, 1), D.repeat(3, 1), step_size=5.0, epochs=10)
    for one, other in zip(once.parameters(), thrice.parameters()):
        assert_close(one, other)


@pytest.mark.parametrize("loss", LOSSES)
def test_runs_side_by_side_are_the_runs_alone(loss):
    together = Mixture(4, seed=[7, 2, 9])
    history = train(together, X, D, loss, step_size=10.0, epochs=100, record_every=50)
    for run, seed in enumerate((7, 2, 9)):
        alone = Mixture(4, seed=seed)
        single = train(alone, X, D, loss, step_size=10.0, epochs=100, record_every=50)
        for one, many in zip(alone.parameters(), together.parameters()):
            assert torch.equal(one, many[run])  # to the last bit
        assert torch.equal(single.loss[:, 0], history.loss[:, run])


def test_each_run_stops_at_the_criterion_at_its_own_epoch_and_keeps_its_weights():
    together = Mixture(4, seed=range(3))
    history = train(together, X, D, step_size=20.0, epochs=2000, stop_at=0.2)
    assert history.converged.all() and len(set(history.stopped.tolist())) > 1
    assert len(history.epochs) == history.stopped.max() + 1
    for run, stopped in enumerate(history.stopped.tolist()):
        error = history.squared_error[:, run]
        assert error[stopped] <= 0.2 < error[stopped - 1]
        assert_close(error[stopped:], error[stopped].expand(len(error) - stopped))
        assert_close(cooperative_error(D, *together(X))[run].mean(), error[stopped])
        alone = train(Mixture(4, seed=run), X, D, step_size=20.0, epochs=2000, stop_at=0.2, record_every=500)
        assert alone.stopped.item() == stopped


def test_the_criterion_may_be_the_expected_error_instead():
    arguments = dict(step_size=20.0, epochs=2000, stop_at=0.2)
    blend, expected = Mixture(4, seed=0), Mixture(4, seed=0)
    early = train(blend, X, D, **arguments)
    late = train(expected, X, D, **{**arguments, "stop_at": Criterion(0.2, "expected")})
    assert early.stopped < late.stopped  # the expected error is the larger of the two
    assert expected_error(D, *expected(X)).mean() <= 0.2 < expected_error(D, *blend(X)).mean()


def test_a_start_without_a_finite_loss_is_refused():
    mixture = Mixture(2, inputs=1, output="linear")
    with torch.no_grad():
        mixture.experts.weight += 1e200
    task = toys.absolute_value(20)
    with pytest.raises(ValueError, match=r"the loss is not finite at the start, in runs \[0\]"):
        train(mixture, task.x, task.d, "expected", step_size=1.0, epochs=1)


def test_a_criterion_that_is_not_reached_is_said():
    history = train(Mixture(2, seed=range(2)), X, D, step_size=1.0, epochs=5, stop_at=0.01)
    assert history.converged.tolist() == [False, False] and history.stopped.tolist() == [5, 5]
    assert repr(history) == "History: 6 moments of 2 runs, 0 converged, 0 diverged"


def test_a_run_that_starts_at_the_criterion_makes_no_update():
    mixture = Mixture(2, seed=0)
    before = copy.deepcopy(mixture.state_dict())
    history = train(mixture, X, D, step_size=1.0, epochs=5, stop_at=10.0)
    assert history.converged.all() and history.stopped.tolist() == [0] and history.epochs.tolist() == [0]
    for name, value in mixture.state_dict().items():
        assert_close(value, before[name])


def test_what_is_recorded_is_what_the_weights_give():
    mixture = Mixture(3, seed=range(2))
    history = train(mixture, X, D, step_size=10.0, epochs=25, record_every=10)
    assert history.epochs.tolist() == [0, 10, 20, 25]
    o, p = mixture(X)
    assert_close(history.loss[-1], mixture_nll(D, o, p).mean(-1).detach())
    assert_close(history.squared_error[-1], cooperative_error(D, o, p).mean(-1).detach())
    assert_close(history.proportions[-1], p.mean(-2).detach())
    entropy = -(p * p.log()).sum(-1)
    assert_close(history.effective_experts[-1], entropy.exp().mean(-1).detach())
    assert_close(history.effective_experts[0], torch.full((2,), 3.0, dtype=torch.float64))
    assert_close(history.weights["gate.weight"][-1], mixture.gate.weight.detach())
    assert_close(history.weights["experts.weight"][0], Mixture(3, seed=range(2)).experts.weight.detach())


def test_a_run_that_diverges_is_named_and_the_others_go_on():
    """Linear experts under eq. 1.2. Run 1 gives one expert all the cases, and with it a curvature too large for the step."""
    task = toys.absolute_value(20)
    arguments = dict(loss="expected", step_size=1.3, epochs=400)
    together = Mixture(2, inputs=1, output="linear", seed=range(3))
    with torch.no_grad():
        together.gate.bias[1] = torch.tensor([2000.0, 0.0])
        together.experts.bias[1] = 1e100
    with pytest.warns(RuntimeWarning, match=r"run 1 diverged: its loss was no longer finite after epoch \d+") as caught:
        history = train(together, task.x, task.d, **arguments)
    assert len(caught) == 1
    assert history.diverged.tolist() == [False, True, False]
    assert 0 < history.stopped[1] < 400 and history.stopped.tolist()[::2] == [400, 400]
    assert history.loss.isfinite().all() and all(p.isfinite().all() for p in together.parameters())
    for run in (0, 2):
        alone = Mixture(2, inputs=1, output="linear", seed=run)
        train(alone, task.x, task.d, **arguments)
        for one, many in zip(alone.parameters(), together.parameters()):
            assert_close(one, many[run])


def test_a_learned_variance_goes_to_the_mean_squared_distance():
    """One expert that cannot learn more: the likelihood is largest where the variance is the mean squared distance."""
    mixture = Mixture(1, seed=range(2))
    history = train(mixture, X, D, step_size=0.5, epochs=3000, record_every=3000, learn_variance=True, variance=2.0)
    learned = history.weights["log_variance"][-1].exp()
    assert_close(learned, history.squared_error[-1], rtol=1e-3, atol=0)


def test_no_bar_is_printed_where_there_is_no_terminal(capfd):
    train(Mixture(2), X, D, step_size=1.0, epochs=3)
    assert capfd.readouterr() == ("", "")


def good(**changes):
    arguments = dict(mixture=Mixture(2), x=X, d=D, step_size=1.0, epochs=2) | changes
    return train(arguments.pop("mixture"), arguments.pop("x"), arguments.pop("d"), **arguments)


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        (dict(mixture=None), TypeError, "mixture must be a Mixture, got NoneType"),
        (dict(loss="1.3"), ValueError, "unknown loss '1.3': choose one of 'cooperative', 'expected', 'mixture'"),
        (dict(step_size=0), ValueError, "step_size must be above 0 and finite, got 0"),
        (dict(step_size=-0.1), ValueError, "step_size must be above 0 and finite, got -0.1"),
        (dict(step_size=float("nan")), ValueError, "step_size must be above 0 and finite, got nan"),
        (dict(epochs=0), ValueError, "epochs must be at least 1, got 0"),
        (dict(epochs=1.5), TypeError, "epochs must be an int, got 1.5"),
        (dict(record_every=0), ValueError, "record_every must be at least 1, got 0"),
        (dict(stop_at=0.0), ValueError, "stop_at must be above 0 and finite, got 0.0"),
        (dict(variance=0.0), ValueError, "variance must be above 0 and finite, got 0.0"),
        (dict(loss="expected", learn_variance=True), ValueError, "only the loss 'mixture' has a variance"),
        (dict(d=D.long()), TypeError, "d must hold floating-point numbers, got torch.int64"),
        (dict(d=D[:10]), ValueError, "d has shape (10, 1), wanted (400, M)"),
        (dict(x=X[:, :1]), ValueError, "x has shape (400, 1), wanted (…, N, 2)"),
        (dict(x=X / 0), ValueError, "x must be finite"),
        (dict(x=X.expand(2, 400, 2), mixture=Mixture(2, seed=range(2))), ValueError, "every run has the same inputs"),
    ],
)
def test_bad_input_is_refused_in_words(changes, kind, said):
    with warnings.catch_warnings(), pytest.raises(kind) as error:
        good(**changes)
    assert said in str(error.value)


@pytest.mark.parametrize("trainer", [train, fast_train])
@pytest.mark.parametrize("frozen", ["gate", "experts", "gate.bias", "experts.weight"])
def test_parameters_that_need_no_gradient_stay_as_they_are(trainer, frozen):
    mixture, before = Mixture(3, seed=1), Mixture(3, seed=1).state_dict()
    for name, value in mixture.named_parameters():
        value.requires_grad_(not name.startswith(frozen))
    trainer(mixture, X, D, step_size=5.0, epochs=3)
    for name, value in mixture.named_parameters():
        assert torch.equal(value, before[name]) == name.startswith(frozen) == (not value.requires_grad)


def test_what_learns_beside_a_frozen_gate_learns_the_same_in_both():
    slow, fast = Mixture(3, seed=1), Mixture(3, seed=1)
    for mixture in (slow, fast):
        mixture.gate.requires_grad_(False)
    train(slow, X, D, step_size=5.0, epochs=20)
    fast_train(fast, X, D, step_size=5.0, epochs=20)
    assert_close(slow.experts.weight, fast.experts.weight, rtol=0, atol=1e-12)


def test_it_trains_where_gradients_are_switched_off():
    one, other = Mixture(2), Mixture(2)
    train(one, X, D, step_size=5.0, epochs=3)
    with torch.no_grad():
        train(other, X, D, step_size=5.0, epochs=3)
        assert not torch.is_grad_enabled()
    assert torch.equal(one.experts.weight, other.experts.weight)


def test_a_mixture_without_anything_to_learn_is_refused():
    with pytest.raises(ValueError, match="no parameter of the mixture requires a gradient"):
        train(Mixture(2).requires_grad_(False), X, D, step_size=5.0, epochs=3)
    with pytest.raises(TypeError, match="learn_variance must be True or False, got 'no'"):
        train(Mixture(2), X, D, step_size=5.0, epochs=3, learn_variance="no")
