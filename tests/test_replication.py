"""The experiment of Table 1: its protocol, its step-size rule, its summary, and the paper's claims about it."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import Criterion, Protocol, claims, explore, fast_train, live, replicate, simulate, t_test, vowel_task
from moe_tutorial.model.decisions import class_decisions
from moe_tutorial.table1.comparison import PAPER, paper_fraction
from moe_tutorial.table1.replication import (
    PILOT_SEEDS,
    SEEDS,
    STEP_SIZES,
    SYSTEMS,
    Exploration,
    Replication,
    Simulations,
    build,
)

SHORT = Protocol(epochs=40, criterion=0.2)


def test_25_simulations_and_none_of_the_pilots_among_them():
    assert len(SEEDS) == 25 and not set(SEEDS) & set(PILOT_SEEDS)
    with pytest.raises(ValueError, match=r"seeds \[103\] are both pilot seeds and reported ones"):
        replicate(SHORT, seeds=(99, 103))


def test_the_systems_are_those_of_table_1_and_have_the_parameters_that_chapter_3_counts():
    assert list(SYSTEMS) == list(PAPER)
    counts = [sum(p[0].numel() for p in build(system, Protocol(), [0]).parameters()) for system in SYSTEMS]
    assert counts == [24, 48, 25, 49]
    four = Protocol(output="softmax", coding="one-hot")
    assert [sum(p[0].numel() for p in build(system, four, [0]).parameters()) for system in SYSTEMS] == [60, 120, 46, 88]


def test_the_paper_s_fraction_is_about_half():
    assert_close(paper_fraction(), (1124 + 1083) / (2209 + 2435))


@pytest.mark.parametrize("change, words", [
    ({"output": "softmax"}, "a softmax over one output is always 1"),
    ({"output": "linear"}, "unknown output 'linear'"),
    ({"coding": "ih"}, "unknown coding 'ih'"),
    ({"order": "age"}, "unknown order 'age'"),
    ({"stop_on": "test"}, "unknown stop_on 'test'"),
    ({"error": "max"}, "unknown error 'max'"),
    ({"spread": 0.0}, "spread must be above 0"),
    ({"criterion": -0.1}, "criterion must be above 0"),
    ({"epochs": 0}, "epochs must be at least 1"),
])
def test_a_protocol_that_cannot_be_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Protocol(**change)


def test_every_choice_reaches_the_cases_or_the_model():
    x, d, test_x, test_d = Protocol().cases(SEEDS)
    task = vowel_task()
    assert torch.equal(x, task.train.x) and torch.equal(test_d, task.test.d)
    assert Protocol(coding="iy+aa").cases(SEEDS)[1].ne(d).sum() == 200
    assert Protocol(repetitions=(1,)).cases(SEEDS)[0].shape == (200, 2)
    shuffled = Protocol(order="random").cases([4, 8])
    assert shuffled[0].shape == (2, 400, 2) and shuffled[3].shape == (2, 200, 1)
    assert torch.equal(shuffled[0][1], vowel_task(order="random", seed=8).train.x)
    assert 1 < build("8 experts", Protocol(spread=2.0), [0]).experts.weight.max() <= 2
    averaged = Protocol(output="softmax", coding="one-hot", error="mean")
    assert averaged.stop_at.at == 4 * 0.08 and replace(averaged, error="sum").stop_at == Criterion(0.08, "blend")


def test_an_exploration_trains_every_step_size_from_the_same_pilot_seeds():
    explored = explore("4 experts", SHORT, step_sizes=(5.0, 40.0), seeds=(100, 101, 102))
    for row, step_size in enumerate((5.0, 40.0)):
        model = build("4 experts", SHORT, (100, 101, 102))
        outcome = fast_train(model, *SHORT.cases(())[:2], step_size=step_size, epochs=40, stop_at=0.2)
        assert torch.equal(explored.stopped[row], outcome.stopped)
        assert torch.equal(explored.converged[row], outcome.converged)
    assert STEP_SIZES == tuple(1.25 * 2**k for k in range(8))


@pytest.mark.parametrize("stopped, converged, chosen", [
    ([[50, 70], [40, 60], [45, 65]], [[True, True], [True, True], [True, True]], 2.0),
    ([[50, 70], [10, 100], [60, 70]], [[True, True], [True, False], [True, True]], 1.0),  # fast, but not always
    ([[100, 100], [90, 100], [100, 80]], [[False, False], [True, False], [False, True]], 4.0),  # none always
])
def test_the_rule_for_the_step_size(stopped, converged, chosen):
    explored = Exploration(torch.tensor([1.0, 2.0, 4.0]), torch.tensor(stopped), torch.tensor(converged))
    assert explored.chosen == chosen


@pytest.mark.parametrize("order", ["file", "random"])
def test_a_simulation_counts_what_the_trained_model_gets_right(order, monkeypatch):
    # A threshold above what the two best experts have on average.
    monkeypatch.setattr("moe_tutorial.table1.replication.live", partial(live, above=0.6))
    protocol = Protocol(order=order, epochs=2000)
    runs = simulate("4 experts", protocol, 20.0, seeds=(0, 1))
    for number, seed in enumerate((0, 1)):
        task = vowel_task(order=order, seed=seed if order == "random" else None)
        model = build("4 experts", protocol, [seed])
        outcome = fast_train(model, task.train.x, task.train.d, step_size=20.0, epochs=2000, stop_at=0.08)
        assert outcome.stopped == runs.stopped[number] and outcome.converged == runs.converged[number]
        for cases, seen in ((task.train, runs.train), (task.test, runs.test)):
            right = sum(bool(value) for value in class_decisions(model.blend(cases.x), cases.d)[0])
            assert_close(seen[number].item(), right / len(cases))
        p = model(task.train.x)[1][0]
        assert runs.live[number] == sum(bool((p[:, k] > 0.6).any()) for k in range(4)) > 0
        assert p.mean(0).max() < 0.6


def test_a_network_has_no_live_experts():
    assert simulate("BP 6 hidden", SHORT, 5.0, seeds=(0,)).live is None


def test_runs_that_did_not_converge_are_not_in_the_mean():
    runs = Simulations(1.0, torch.tensor([10, 20, 99]), torch.tensor([True, True, False]), *torch.rand(2, 3), None)
    assert runs.epochs.tolist() == [10.0, 20.0]
    assert repr(runs) == "Simulations: 2 of 3 converged, 15 epochs on average"


def test_a_t_test_is_the_formula_with_pooled_variance():
    one, other = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([3.0, 5.0, 6.0, 10.0])
    t, freedom, p = t_test(one, other)
    pooled = (sum((v - 7 / 3) ** 2 for v in (1, 2, 4)) + sum((v - 6) ** 2 for v in (3, 5, 6, 10))) / 5
    assert_close(t, (7 / 3 - 6) / (pooled * (1 / 3 + 1 / 4)) ** 0.5)
    assert freedom == 5
    # Student's distribution with 5 degrees of freedom, by adding up its density beyond |t|.
    density = lambda s: 8 / (3 * torch.pi * 5**0.5) * (1 + s**2 / 5) ** -3  # noqa: E731
    beyond = torch.linspace(abs(t), 400, 2_000_001, dtype=torch.float64)
    assert_close(p, 2 * torch.trapezoid(density(beyond), beyond).item(), atol=1e-5, rtol=0)
    assert t_test(torch.rand(25), torch.rand(25))[1] == 48  # the paper's degrees of freedom
    with pytest.raises(ValueError, match="got 1 in other"):
        t_test(one, other[:1])


def table(means, deviation=20.0, live=2, accuracies=(0.88, 0.90), missing=0):
    """A replication with 25 invented runs of each system, with these mean epochs."""
    steps = torch.linspace(-1.7, 1.7, 25, dtype=torch.float64)
    simulations = {}
    for system, mean in zip(SYSTEMS, means):
        converged = torch.arange(25) >= missing
        train, test = (torch.full((25,), a, dtype=torch.float64) for a in accuracies)
        simulations[system] = Simulations(1.0, (mean + deviation * steps).round().long(), converged, train, test,
                                          torch.full((25,), live) if "experts" in system else None)
    return Replication(Protocol(), {}, simulations)


def test_the_claims_hold_for_the_paper_s_own_table():
    tried = claims(table([row["epochs"] for row in PAPER.values()]))
    assert all(claim.held for claim in tried.values())
    assert "0.48" in tried["half"].ours and tried["half"].ours.startswith(tried["half"].paper[:4])


@pytest.mark.parametrize("change, broken", [
    ({"means": (1124, 1083, 1700, 1800)}, {"half"}),
    ({"means": (1083, 1124, 2209, 2435)}, {"8 < 4"}),
    ({"means": (1124, 1083, 2435, 2209)}, {"12 > 6"}),
    ({"means": (1124, 1120, 2209, 2435)}, {"8 < 4"}),  # in the right order, but by chance
    ({"live": 4}, {"2 or 3"}),
    ({"live": 1}, {"2 or 3"}),
    ({"accuracies": (0.92, 0.90)}, {"test"}),
    ({"missing": 1}, {"half", "8 < 4", "12 > 6", "2 or 3", "same", "test"}),
])
def test_a_claim_fails_where_it_should(change, broken):
    tried = claims(table(**{"means": [row["epochs"] for row in PAPER.values()], **change}))
    assert {name for name, claim in tried.items() if not claim.held} == broken


def test_accuracies_that_differ_are_not_the_same():
    one = table([row["epochs"] for row in PAPER.values()])
    one.simulations["BP 6 hidden"].test.fill_(0.92)
    assert not claims(one)["same"].held


def test_a_system_that_never_converges_leaves_claims_that_do_not_hold():
    tried = claims(table([row["epochs"] for row in PAPER.values()], missing=25))
    assert not any(claim.held for claim in tried.values())
    assert {claim.ours for claim in tried.values()} == {"100 of 100 runs did not converge"}


def test_the_order_and_the_fraction():
    one = table([30, 20, 80, 60], deviation=0.0)
    assert one.order == ["8 experts", "4 experts", "BP 12 hidden", "BP 6 hidden"]
    assert_close(one.fraction, 50 / 140)


@pytest.mark.parametrize(("call", "kind", "said"), [
    (lambda: simulate("4 experts", SHORT, 20.0, seeds=3), TypeError, "seeds must be a sequence of seeds, got 3"),
    (lambda: simulate("4 experts", SHORT, 20.0, seeds=["a"]), TypeError, "each of seeds must be a whole number, got 'a'"),
    (lambda: simulate("4 experts", SHORT, 20.0, seeds=[]), ValueError, "seeds holds no seeds"),
    (lambda: explore("4 experts", SHORT, step_sizes=()), ValueError, "step_sizes is empty"),
    (lambda: simulate("5 experts", SHORT, 20.0), ValueError, "unknown system '5 experts': choose one of '4 experts', "),
    (lambda: Protocol(repetitions=(2, 1)), ValueError, "unknown repetitions (2, 1)"),
    (lambda: replicate("file"), TypeError, "protocol must be a Protocol"),
])
def test_bad_input_is_refused_in_words(call, kind, said):
    with pytest.raises(kind) as error:
        call()
    assert said in str(error.value)


def test_systems_of_which_no_run_converged_have_no_place_in_the_order():
    runs = {name: Simulations(20.0, torch.tensor([40, 40]), torch.tensor([name == "8 experts"] * 2), *torch.ones(2, 2), None)
            for name in SYSTEMS}
    assert Replication(SHORT, {}, runs).order == ["8 experts"]
    assert repr(Replication(SHORT, {}, {name: runs["4 experts"] for name in SYSTEMS})) == "Replication: no run converged"
