"""How `check` judges: right answers of any form, no guessed diagnoses, usable messages, and torch left as it was."""

import time
from dataclasses import replace
from fractions import Fraction

import mutants
import numpy as np
import pytest
import torch

from moe_tutorial.exercises import EXERCISES, _check, case, check
from moe_tutorial.exercises._check import diagnose

PROPORTIONS, PREDICTION = EXERCISES["proportions"], EXERCISES["no_more_than_two"]
softmax = PROPORTIONS.reference
ONE_NUMBER = [name for name, exercise in EXERCISES.items() if callable(exercise.reference)
              and not exercise.reference(*_check.cases_of(exercise)[0]).dim()]


# ---- right answers of any natural form

@pytest.mark.parametrize("name", ONE_NUMBER)
@pytest.mark.parametrize("form", [lambda one: one.reshape(1), lambda one: one.reshape(1, 1), lambda one: [one],
                                  lambda one: np.array([one.item()]), lambda one: one.item(), lambda one: (one,)])
def test_one_number_is_one_number_in_any_shape(name, form):
    exercise = EXERCISES[name]
    assert diagnose(exercise, lambda *arguments: form(exercise.reference(*arguments))) == "Right."


def test_there_are_exercises_that_ask_for_one_number():
    assert len(ONE_NUMBER) >= 4


def test_a_line_times_a_positive_number_is_the_same_line():
    exercise = EXERCISES["line_between"]
    for factor, right in ((2.0, True), (0.01, True), (-1.0, False)):
        said = diagnose(exercise, lambda weight, bias, by=factor: by * exercise.reference(weight, bias))
        assert (said == "Right.") == right
    assert diagnose(exercise, lambda weight, bias: (weight[0] - weight[1], bias[0] - bias[1])).endswith(
        "your function returns 2 parts of the shapes (), (2,), which are not one tensor.")
    assert "(or a positive multiple)" in diagnose(exercise, lambda weight, bias: torch.ones(3))


def test_an_answer_may_return_its_own_buffer_again_and_again():
    buffer = torch.zeros(10, 10)

    def own(scores):
        out = buffer[:scores.shape[0], :scores.shape[1]]
        out.copy_(softmax(scores))
        return out

    assert diagnose(PROPORTIONS, own) == "Right."
    shared = np.zeros((10, 10))

    def numpy(scores):
        out = shared[:scores.shape[0], :scores.shape[1]]
        out[:] = softmax(scores).numpy()
        return out

    assert diagnose(PROPORTIONS, numpy) == "Right."


@pytest.mark.parametrize("form", [lambda out: out.float(), lambda out: out.tolist(), lambda out: tuple(out),
                                  lambda out: out.to_sparse(), lambda out: torch.nn.Parameter(out),
                                  lambda out: [row.tolist() for row in out],
                                  lambda out: out.clone().requires_grad_()])
def test_numbers_of_any_kind_are_read(form):
    assert diagnose(PROPORTIONS, lambda scores: form(softmax(scores))) == "Right."


def test_the_buffer_that_a_hint_speaks_of_has_the_right_type():
    def hinted(x, scores, weight, bias):
        y = torch.empty(len(x))
        for k in range(len(bias)):
            mine = scores.argmax(-1) == k
            y[mine] = torch.sigmoid(x[mine] @ weight[k] + bias[k])
        return y

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        assert diagnose(EXERCISES["dispatch"], hinted) == "Right."
    finally:
        torch.set_default_dtype(before)


def test_a_value_may_be_a_fraction_and_a_per_cent_is_told_in_which_form():
    half = EXERCISES["part_saved"]
    assert diagnose(half, Fraction(half.reference).limit_denominator(1000)) == "Right."
    said = diagnose(half, 100 * half.reference)
    assert said.startswith(f"Not yet in the wanted form: say it as a part of 1, {half.reference:g} in place of")
    said = diagnose(half, "45.27 %")
    assert said == "Not yet in the wanted form: say it as a part of 1, 0.4527 in place of 45.27 %."
    assert diagnose(half, "4527/10000") == diagnose(half, "0,4527") == "Right."
    assert "wanted a number, such as 0.25, got 'half'" in diagnose(half, "half")


def test_a_value_is_compared_with_all_its_digits():
    tree = EXERCISES["numbers_of_a_tree"]  # float32 would round what is a little off
    for answer in (tree.reference + 1.01e-5, np.float64(tree.reference + 1.01e-5), [tree.reference + 1.01e-5]):
        assert diagnose(tree, answer).startswith("Not yet: you said ")


# ---- what a statement forbids is watched

@pytest.mark.parametrize(("name", "answer", "says"), [
    ("proportions", lambda scores: torch.softmax(scores, -1), "`softmax` is called"),
    ("proportions", lambda scores: torch.nn.functional.log_softmax(scores, -1).exp(), "`softmax` is called"),
    ("dispatch", lambda x, scores, weight, bias: torch.sigmoid(
        x @ weight.T + bias)[torch.arange(len(x)), scores.argmax(1)], "experts are computed for cases"),
])
def test_what_a_statement_forbids_is_noticed(name, answer, says):
    said = diagnose(EXERCISES[name], answer)
    assert said.startswith("The numbers are right, but ") and says in said


def test_autograd_is_noticed_where_the_exercise_is_without_it():
    def by_autograd(d, o, p):
        s = p.log().requires_grad_()
        log_p = s - s.exp().sum(-1, keepdim=True).log()
        E = -torch.logsumexp(log_p - (d[:, None] - o).square().sum(-1) / 2, -1).sum()
        return torch.autograd.grad(E, s)[0]

    assert diagnose(EXERCISES["gradient_at_the_gate"], by_autograd).startswith("The numbers are right, but autograd")


def test_other_ways_to_send_cases_are_right():
    def elementwise(x, scores, weight, bias):
        k = scores.argmax(-1)
        return torch.sigmoid((x * weight[k]).sum(-1) + bias[k])

    assert diagnose(EXERCISES["dispatch"], elementwise) == "Right."


# ---- a diagnosis fits, or is not given

def test_a_diagnosis_is_not_given_from_the_one_case_that_does_not_raise():
    def masked_cases(i, d, o, p):  # right shapes only where there are as many cases as experts
        return d - (p[..., None] * o)[torch.arange(len(p)) != i].sum(1)

    said = diagnose(EXERCISES["residual_without"], masked_cases)
    assert not any(wrong.says in said for wrong in EXERCISES["residual_without"].wrong)

    def only_one_row(scores):
        assert len(scores) == 1
        return scores / scores.sum()

    said = diagnose(PROPORTIONS, only_one_row)
    assert not any(wrong.says in said for wrong in PROPORTIONS.wrong)


FUNCTIONS = [name for name, exercise in EXERCISES.items() if callable(exercise.reference)]


@pytest.mark.parametrize("change", [change for change, _ in _check.RELATED], ids=[says for _, says in _check.RELATED])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_right_numbers_after_a_change_are_said_to_be_that(name, change):
    """In any exercise: by the mistake that the exercise names, or by what is said of the change."""
    exercise = EXERCISES[name]
    changed = [change(exercise.reference(*one).double()) for one in _check.cases_of(exercise)]
    said = diagnose(exercise, lambda *arguments: change(exercise.reference(*arguments).double()))
    if any(one.isnan().any() > exercise.reference(*arguments).double().isnan().any() or one.isfinite().any() and
           one[one.isfinite()].abs().max() > 1e9 for one, arguments in zip(changed, _check.cases_of(exercise))):
        return  # a change that these numbers do not allow
    assert said == "Right." or said.removeprefix("Not yet: ") in {
        *(wrong.says for wrong in exercise.wrong), *(says for _, says in _check.RELATED)}, said


@pytest.mark.parametrize(("change", "says"), _check.RELATED, ids=[says for _, says in _check.RELATED])
def test_each_change_of_the_right_numbers_is_told_from_the_others(change, says):
    said = [diagnose(EXERCISES[name], lambda *arguments, name=name: change(EXERCISES[name].reference(*arguments).double()))
            for name in FUNCTIONS]
    assert f"Not yet: {says}" in said


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("answer", [lambda wanted: torch.full_like(wanted, torch.nan), torch.zeros_like, torch.rand_like,
                                    lambda wanted: wanted + 0.3 * torch.rand_like(wanted),
                                    lambda wanted: torch.rand(3, 3), lambda wanted: torch.rand(())])
def test_no_change_is_seen_where_there_is_none(name, answer):
    exercise = EXERCISES[name]
    said = diagnose(exercise, lambda *arguments: answer(exercise.reference(*arguments).double()))
    assert said.removeprefix("Not yet: ") not in {says for _, says in _check.RELATED}


def test_not_started_is_said_of_an_untouched_stub_only():
    def stub(scores):
        raise NotImplementedError

    assert diagnose(PROPORTIONS, stub).startswith("not started yet")
    assert "raises NotImplementedError: " in diagnose(PROPORTIONS, lambda scores: torch.softmax(scores.long(), -1))


# ---- messages

def test_the_place_that_is_shown_is_the_place_that_failed():
    exercise = EXERCISES["safe_nll"]

    def nearly(squared, p):
        E = exercise.reference(squared, p)
        E[0] = E[0] * (1 + 5e-6)  # within the tolerance
        if len(E) == 4:
            E[3] += 0.5
        return E

    assert " at index 3, got " in diagnose(exercise, nearly)


def test_two_values_that_look_alike_are_shown_with_more_digits():
    said = diagnose(EXERCISES["nearest_mean"], lambda x, means: EXERCISES["nearest_mean"].reference(x, means) + 2e-5)
    wanted, given = (word.rstrip(".") for word in (said.split("wanted ")[1].split()[0], said.split("got ")[1].split()[0]))
    assert wanted != given


def test_a_long_message_of_an_exception_is_not_cut():
    said = diagnose(PROPORTIONS, lambda scores: scores @ torch.ones(7, 7))
    assert "mat1 and mat2 shapes cannot be multiplied (1x3 and 7x7)" in said
    assert "it's" in diagnose(PROPORTIONS, lambda scores: (_ for _ in ()).throw(ValueError("it's \n 'quoted'")))


def test_case_gives_the_case_that_failed_with_names_to_print_and_run(capsys):
    check("nearest_mean", lambda x, means: EXERCISES["nearest_mean"].reference(x, means) + (len(x) == 12))
    shown = case("nearest_mean")
    assert shown.names == ("x", "means") and shown[0].shape == (12, 2)
    assert EXERCISES["nearest_mean"].reference(*shown).shape == (12,)
    assert repr(shown).startswith("x = tensor(") and "\nmeans = tensor(" in repr(shown)
    shown[0].zero_()
    assert case("nearest_mean")[0].abs().max() > 0  # a copy each time
    check("nearest_mean", EXERCISES["nearest_mean"].reference)
    first = _check.cases_of(EXERCISES["nearest_mean"])[0]
    assert torch.equal(case("nearest_mean")[0], first[0])  # nothing failed
    with pytest.raises(TypeError, match="asks for a value"):
        case("no_opinion")
    with pytest.raises(KeyError, match="no exercise is called 'x'"):
        case("x")
    capsys.readouterr()


# ---- whatever an answer does

def state():
    return (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype(),
            torch.get_default_device(), torch.get_rng_state().tolist())


@pytest.mark.parametrize("changed", [
    lambda: torch.set_grad_enabled(False), lambda: torch.set_default_dtype(torch.float16),
    lambda: torch.set_default_device("meta"), lambda: torch.manual_seed(5), lambda: torch.rand(3)])
def test_what_an_answer_changes_in_torch_is_put_back(changed):
    def careless(d, o, scores, step_size):
        changed()
        return EXERCISES["one_update"].reference(d, o, scores, step_size)

    before = state()
    try:
        said = diagnose(EXERCISES["one_update"], careless)
        assert state() == before
        assert "\n" not in said
        assert diagnose(EXERCISES["one_update"], EXERCISES["one_update"].reference) == "Right."
    finally:
        torch.set_grad_enabled(before[0])
        torch.set_default_dtype(before[2])
        torch.set_default_device(None)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, lambda: torch.device("meta")])
@pytest.mark.parametrize("name", ["one_update", "proportions"])
def test_check_judges_alike_inside_any_mode(around, name):
    with around():
        before = state()
        assert diagnose(EXERCISES[name], EXERCISES[name].reference) == "Right."
        assert state() == before


def raising(error):
    def answer(*arguments):
        raise error
    return answer


@pytest.mark.parametrize("answer", [
    raising(GeneratorExit()), raising(SystemExit()), raising(BaseException("own")),
    raising(type("Own", (BaseException,), {})()),
    lambda scores: torch.nested.nested_tensor([scores[0], scores[0, :1]]), lambda scores: scores.to("meta"),
    lambda scores: torch.quantize_per_tensor(scores.float(), 0.1, 0, torch.quint8)])
def test_nothing_that_an_answer_gives_or_raises_gets_out(answer):
    said = diagnose(PROPORTIONS, answer)
    assert said.startswith("Not yet: ") and "\n" not in said


def test_a_reader_can_still_interrupt():
    with pytest.raises(KeyboardInterrupt):
        diagnose(PROPORTIONS, raising(KeyboardInterrupt()))


def nested(scores):
    while True:
        try:
            try:
                int("x")
            except:  # noqa: E722
                pass
        except:  # noqa: E722
            continue


def swallowing(scores):
    while True:
        try:
            time.sleep(0.001)
        except:  # noqa: E722
            pass


def calling(scores):
    def inner():
        try:
            return sum(range(1000))
        except:  # noqa: E722
            return 0
    while True:
        try:
            inner()
        except:  # noqa: E722
            scores = scores


@pytest.mark.parametrize("endless", [nested, swallowing, calling])
def test_an_endless_loop_with_a_bare_except_ends(endless, monkeypatch):
    monkeypatch.setattr(_check, "SECONDS", 0.2)
    begun = time.monotonic()
    assert "was still running after 0.2 s" in diagnose(PROPORTIONS, endless)
    assert time.monotonic() - begun < 60  # each moment may be the one: it takes a second or so
    assert diagnose(PROPORTIONS, softmax) == "Right."


# ---- the program that changes the references

def test_the_mutants_program_finds_an_exercise_whose_cases_do_not_vary(monkeypatch, capsys):
    exercise = EXERCISES["live_experts"]
    assert mutants.main(["live_experts"]) == 0
    blind = replace(exercise, inputs=lambda draw: [(torch.full((2, 4, 4), 0.25, dtype=torch.float64),)] * 3)
    monkeypatch.setitem(EXERCISES, "live_experts", blind)
    assert mutants.main(["live_experts"]) == 1
    assert "def live_experts(p):" in capsys.readouterr().out


def test_every_function_has_further_cases_for_its_mutants():
    assert set(mutants.FURTHER_CASES) == {name for name, exercise in EXERCISES.items() if callable(exercise.reference)}
