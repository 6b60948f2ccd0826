"""Every reference is right, every named mistake gets its own diagnosis, and no answer, however broken, raises."""

import inspect
import re
import time

import numpy as np
import pytest
import torch
from execute import ROOT, chapters

from moe_tutorial import exercises
from moe_tutorial.exercises import CHAPTERS, EXERCISES, QUIZZES, Wrong, _check, case, check, hint, solution
from moe_tutorial.exercises._check import diagnose
from moe_tutorial.exercises._exercise import Draw, Exercises, solution_code

every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
FUNCTIONS = [exercise for exercise in EXERCISES.values() if callable(exercise.reference)]
VALUES = [exercise for exercise in EXERCISES.values() if not callable(exercise.reference)]
every_function = pytest.mark.parametrize("exercise", FUNCTIONS, ids=[exercise.name for exercise in FUNCTIONS])
every_value = pytest.mark.parametrize("exercise", VALUES, ids=[exercise.name for exercise in VALUES])

PROPORTIONS, PREDICTION = EXERCISES["proportions"], EXERCISES["no_more_than_two"]


def test_every_chapter_has_three_exercises_and_three_questions_and_the_course_all_kinds():
    assert sorted(CHAPTERS) == sorted(QUIZZES) == list(range(1, 18))
    assert all(len(chapter) >= 3 for chapter in CHAPTERS.values()) and all(len(quiz) >= 3 for quiz in QUIZZES.values())
    assert len(EXERCISES) == sum(len(chapter) for chapter in CHAPTERS.values())  # no name twice
    for kind in ("write", "predict", "repair"):
        assert sum(exercise.kind == kind for exercise in EXERCISES.values()) >= 6


@every_exercise
def test_the_reference_is_right(exercise):
    assert diagnose(exercise, exercise.reference) == "Right."


@every_exercise
def test_every_named_wrong_answer_gets_its_own_diagnosis_and_no_other(exercise):
    for wrong in exercise.wrong:
        for number, form in enumerate(wrong.forms):
            assert diagnose(exercise, form) == f"Not yet: {wrong.says}", f"form {number} of {wrong}"
    said = [diagnose(exercise, wrong.answer) for wrong in exercise.wrong]
    assert len(set(said)) == len(said) >= 3


@every_exercise
def test_the_stub_runs_and_is_not_started(exercise):
    names = {"torch": torch}
    exec(exercise.stub, names)
    answer = names[exercise.answer_name]
    assert diagnose(exercise, answer) == f"not started yet; hint({exercise.name!r}) gives a first hint"
    assert all(len(line) <= 80 for line in exercise.stub.split("\n"))


@every_function
def test_the_stub_s_function_takes_what_the_reference_takes(exercise):
    names = {"torch": torch}
    exec(exercise.stub, names)
    assert inspect.signature(names[exercise.answer_name]) == inspect.signature(exercise.reference)
    assert exercise.reference.__name__ == exercise.answer_name  # the solution can stand in the stub's place


@every_function
def test_the_solution_works_where_a_reader_pastes_it(exercise):
    names = {"torch": torch}
    exec("import math\n" + solution_code(exercise), names)
    assert diagnose(exercise, names[exercise.answer_name]) == "Right."
    assert all(len(line) <= 88 for line in solution_code(exercise).split("\n"))


@every_function
def test_the_inputs_are_random_and_repeatable_and_differ(exercise):
    one, two = (exercise.inputs(Draw(torch.Generator().manual_seed(7))) for _ in range(2))
    assert len(one) >= 3
    assert repr(one) == repr(two)
    assert repr(one) != repr(exercise.inputs(Draw(torch.Generator().manual_seed(8))))


@every_function
def test_an_answer_may_be_numpy_or_a_list(exercise):
    assert diagnose(exercise, lambda *case: exercise.reference(*case).numpy()) == "Right."
    assert diagnose(exercise, lambda *case: exercise.reference(*case).tolist()) == "Right."


@every_value
def test_a_value_may_come_as_a_tensor_or_as_numpy(exercise):
    if not exercise.choices:
        assert diagnose(exercise, torch.tensor(float(exercise.reference))) == "Right."
        assert diagnose(exercise, np.float64(exercise.reference)) == "Right."
    else:
        assert diagnose(exercise, f" {exercise.reference.upper()} ") == "Right."


class Hostile:
    """An object that fails at whatever is asked of it."""

    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __float__ = __len__ = __iter__ = __getitem__ = __eq__ = __repr__
    __hash__ = None


BROKEN = {
    "None": lambda *case: None,
    "a string": lambda *case: "0.5",
    "a function": lambda *case: print,
    "a dictionary": lambda *case: {},
    "a ragged list": lambda *case: [[1.0], [1.0, 2.0]],
    "an empty list": lambda *case: [],
    "another shape": lambda *case: torch.zeros(2, 3, 5, 7),
    "NaN": lambda *case: torch.full((3,), torch.nan),
    "complex numbers": lambda *case: torch.tensor([1j]),
    "a generator": lambda *case: (value for value in case),
    "a hostile object": lambda *case: Hostile(),
    "too few arguments": lambda: 0,
    "an exception": lambda *case: 1 / 0,
    "a hostile exception": lambda *case: (_ for _ in ()).throw(type("Odd", (Exception,), {"__str__": lambda self: 1})()),
    "SystemExit": lambda *case: exit(),
    "recursion": lambda *case: BROKEN["recursion"](*case),
    "an assertion without words": lambda *case: (_ for _ in ()).throw(AssertionError()),
}


@every_exercise
@pytest.mark.parametrize("answer", [*BROKEN.values(), 3, "x", [], Hostile(), torch.zeros(3), float("nan"), print, int],
                         ids=[*BROKEN, "3", "x", "[]", "hostile", "tensor", "nan", "print", "int"])
def test_no_answer_raises_however_broken(exercise, answer):
    said = diagnose(exercise, answer)
    assert said.startswith("Not yet: ") and "\n" not in said and len(said) < 400


def test_an_endless_loop_is_cut_short(monkeypatch):
    monkeypatch.setattr(_check, "SECONDS", 0.2)

    def endless(scores):
        while True:
            pass

    def stubborn(scores):
        while True:
            try:
                int("x")
            except Exception:
                pass

    for answer in (endless, stubborn):
        begun = time.monotonic()
        assert "was still running after 0.2 s" in diagnose(PROPORTIONS, answer)
        assert time.monotonic() - begun < 9
    assert diagnose(PROPORTIONS, PROPORTIONS.reference) == "Right."  # the timer is off again


def test_an_answer_that_writes_into_its_arguments_is_judged_by_what_it_returns():
    def destructive(scores):
        out = PROPORTIONS.reference(scores)
        scores.zero_()
        return out

    assert diagnose(PROPORTIONS, destructive) == (
        "Right. (But your function writes into its argument `scores`; `clone()` it first.)")


def test_another_wrong_answer_is_shown_the_smallest_case_that_differs_with_both_values():
    said = diagnose(PROPORTIONS, lambda scores: PROPORTIONS.reference(scores) + 0.25)
    shown, = case("proportions")
    assert shown.shape == (1, 3)
    wanted = PROPORTIONS.reference(shown)[0, 0].item()
    assert said == (f"Not yet: with scores {shown.round(decimals=4).tolist()}, wanted {wanted:.6g} at index 0, 0, "
                    f"got {wanted + 0.25:.6g}.")

    large = [one for one in _check.cases_of(PROPORTIONS) if one.size() > 10]
    said = diagnose(PROPORTIONS, lambda scores: PROPORTIONS.reference(scores) + 0.25 * (scores.numel() > 10))
    smallest = min(large, key=lambda one: one.size())
    assert f"with scores of shape {tuple(smallest[0].shape)}, wanted" in said
    assert said.endswith(" case('proportions') has the numbers.") and torch.equal(case("proportions")[0], smallest[0])


def test_two_mistakes_at_a_time_get_the_diagnosis_of_the_one_that_shows_without_an_overflow():
    """As typed by someone who sums over everything and does not yet think of large scores."""
    said = diagnose(PROPORTIONS, lambda scores: scores.exp() / scores.exp().sum())
    assert said.startswith("Not yet: all cases share one sum here.")
    said = diagnose(PROPORTIONS, lambda scores: scores.exp() / scores.exp().sum(-1, keepdim=True))
    assert said.startswith("Not yet: right for small scores")


def test_arguments_are_described_whatever_they_hold():
    described = [_check._describe(torch.tensor(argument)) for argument in ([1, 2], [[True]], [0.25], [0.0] * 5)]
    assert described == ["[1, 2]", "[[True]]", "[0.25]", "of shape (5,)"]


def test_a_wrong_shape_an_exception_and_nothing_are_told_apart():
    assert "wanted the shape (1, 3), got (1, 1)" in diagnose(PROPORTIONS, lambda scores: scores[:, :1])
    assert "raises ValueError: invalid literal" in diagnose(PROPORTIONS, lambda scores: int("x"))
    assert "returns None; is there a `return`?" in diagnose(PROPORTIONS, lambda scores: None)
    assert "wanted the function itself" in diagnose(PROPORTIONS, torch.zeros(3, 4))
    assert diagnose(PREDICTION, 0.5).startswith("Not yet: you said 0.5")
    assert diagnose(PREDICTION, "many").startswith("Not yet: wanted a number")
    assert diagnose(PREDICTION, [1, 2]) == "Not yet: wanted one number, got 2 of them."


def test_check_hint_and_solution_print(capsys):
    check("proportions", PROPORTIONS.reference)
    exercises._hints_given.clear()
    for _ in range(3):
        hint("proportions")
    hint("proportions", 1)
    solution("proportions")
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "Right."
    assert [line.split(":")[0] for line in lines[1:5]] == ["Hint 1 of 2", "Hint 2 of 2", "Hint 2 of 2", "Hint 1 of 2"]
    assert lines[5] == "def proportions(scores):"
    with pytest.raises(KeyError, match="no exercise is called 'softmax'; there are"):
        check("softmax", 1)
    with pytest.raises(ValueError, match="there is no hint 3: 'proportions' has 2"):
        hint("proportions", 3)


@every_exercise
def test_texts_are_whole_sentences_without_what_a_chapter_cannot_show(exercise):
    for said in [*exercise.hints, *(wrong.says for wrong in exercise.wrong), exercise.statement, exercise.explanation]:
        assert re.search(r"[.?!)`]$", said.strip()), said
    for said in (exercise.statement, exercise.explanation):
        assert "{" + "code" not in said and not re.search(r"\{[a-z:]+\}`", said)
        assert said.count("$") % 2 == 0
    assert len(set(exercise.hints)) == 2


@pytest.mark.parametrize("chapter", QUIZZES)
def test_every_option_of_a_question_has_its_reason(chapter):
    for question in QUIZZES[chapter]:
        texts = [text for text, _ in question.options]
        reasons = [reason for _, reason in question.options]
        assert len(set(texts)) == len(texts) and len(set(reasons)) == len(reasons)
        assert all(len(reason) > 20 for reason in reasons)
        assert not any(re.search(r"[$`*<>\\]", text) for text in texts), "the text of an option is plain"
    assert len({question.right for question in QUIZZES[chapter]}) > 1, "the right answer is not always in the same place"


def test_the_page_for_teachers_has_the_times_and_the_hard_exercises_of_today():
    page = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    frames = [path.read_text(encoding="utf-8") for path in chapters()]
    reading = sum(int(re.search(r"\*\*Reading time\*\*: (\d+) min", frame)[1]) for frame in frames)
    practice = sum(exercise.minutes for exercise in EXERCISES.values())
    assert f"{reading} minutes of reading, and the exercises {practice} minutes" in page
    hard = {name for name, exercise in EXERCISES.items() if exercise.difficulty == "hard"}
    named = re.search(r"marked \*hard\*: (.*?)\.", page)[1]
    assert set(re.findall(r"`(\w+)`", named)) == hard


def added(**changes):
    """A chapter with one exercise, whose parts are changed."""
    chapter = Exercises()
    parts = {"title": "double", "difficulty": "easy", "minutes": 5, "inputs": lambda draw: [(draw(2),)], "statement": "2x.",
             "hints": ("add", "twice"), "explanation": "Twice.", "wrong": (Wrong(lambda x: x, "once."),) * 3} | changes
    return chapter, chapter.write(**parts)


def test_what_stands_under_a_decorator_is_the_exercise_and_stays_a_function():
    chapter, decorator = added(given="def broken(x, times=2):\n    return x")

    @decorator
    def double(x, times=2):
        return times * x

    exercise, = chapter
    assert exercise.name == exercise.answer_name == "double" and exercise.reference is double and double(3) == 6
    assert exercise.stub == ("def broken(x, times=2):\n    return x\n\ndef double(x, times=2):\n"
                             "    raise NotImplementedError")
    assert solution_code(exercise) == "def double(x, times=2):\n    return times * x"


def test_a_solution_begins_at_its_def_whatever_the_decorator_says():
    chapter = Exercises()

    @chapter.write("double", "easy", 5, inputs=lambda draw: [(draw(2),)], hints=("add", "twice"), explanation="Twice.",
                   given="def double(x): return x", statement="def double(x): and so on.", wrong=(Wrong(None, "no."),) * 3)
    def double(x):
        """A def, say def double(x):"""
        return 2 * x

    assert solution_code(chapter[0]) == 'def double(x):\n    """A def, say def double(x):"""\n    return 2 * x'


@pytest.mark.parametrize(("changes", "said"), [
    ({"difficulty": "simple"}, "exercise 'double': unknown difficulty 'simple', choose one of ('easy', 'medium', 'hard')"),
    ({"hints": ("add",)}, "exercise 'double' needs two hints and at least three wrong answers"),
    ({"wrong": ()}, "exercise 'double' needs two hints and at least three wrong answers"),
    ({"inputs": None}, "exercise 'double': a function needs inputs, and a value has none"),
])
def test_an_exercise_that_lacks_something_is_refused(changes, said):
    _, decorator = added(**changes)
    with pytest.raises(ValueError) as error:
        @decorator
        def double(x):
            return 2 * x
    assert str(error.value) == said
