"""The exercises of the chapters: tasks, hints, reference answers, named wrong answers and checks.

>>> from moe_tutorial.exercises import check, hint
>>> check("line_between", lambda weight, bias: weight[1] - weight[0])  # doctest: +ELLIPSIS
Not yet: with weight [[-0.1227, -2.1381], [0.404, -0.5031]], bias [0.7883, -1.0033], wanted the shape (3,), got (2,). ...
>>> hint("line_between", 1)
Hint 1 of 2: two proportions are equal where the two scores are equal. Write both scores down and set them equal.
"""

from .. import _checks
from .._words import writable
from . import (
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    chapter_12,
    chapter_13,
    chapter_14,
    chapter_15,
    chapter_16,
    chapter_17,
)
from ._check import diagnose, failed_case
from ._exercise import Exercise, Question, Wrong, solution_text
from ._value import hint_text

_MODULES = (chapter_01, chapter_02, chapter_03, chapter_04, chapter_05, chapter_06, chapter_07, chapter_08, chapter_09,
            chapter_10, chapter_11, chapter_12, chapter_13, chapter_14, chapter_15, chapter_16, chapter_17)

_NUMBERED = {int(module.__name__[-2:]): module for module in _MODULES}

CHAPTERS = {number: tuple(module.EXERCISES) for number, module in _NUMBERED.items()}
"""The exercises of each chapter, in order."""

QUIZZES = {number: module.QUIZ for number, module in _NUMBERED.items()}
"""The questions of each chapter, in order."""

EXERCISES = {exercise.name: exercise for exercises in CHAPTERS.values() for exercise in exercises}
"""All exercises by name."""

_hints_given: dict[str, int] = {}


def check(name, answer):
    """Print whether an answer is right and, where it is not, which mistake it is.

    name: of the exercise. answer: what the stub asks for, a function or a value; a number may be a text such as "3/4".

    It never raises on a wrong answer, whatever that does; a call that takes longer than 10 s is cut short where the
    platform can do it. KeyError: no exercise has this name.
    """
    print(writable(diagnose(_exercise(name), answer)))


def case(name):
    """The arguments with which `check` last found a difference, or the first ones that it tries.

    >>> from moe_tutorial.exercises import case, solution
    >>> case("line_between").names
    ('weight', 'bias')

    Printing it shows the arguments with their names; `your_function(*case(name))` makes the call. KeyError: no exercise has
    this name. TypeError: it asks for a value, and there is nothing to call.
    """
    exercise = _exercise(name)
    if not callable(exercise.reference):
        raise TypeError(f"exercise {name!r} asks for a value; only those that ask for a function have cases")
    return failed_case(exercise)


def hint(name, number=None):
    """Print a hint: the first one, then the second one; or the one with this number."""
    exercise = _exercise(name)
    if number is None:
        number = _hints_given[name] = min(_hints_given.get(name, 0) + 1, len(exercise.hints))
    _checks.count("number", number)
    if number > len(exercise.hints):
        raise ValueError(f"there is no hint {number}: {name!r} has {len(exercise.hints)}")
    print(writable(hint_text(exercise, number)))


def solution(name):
    """Print the reference answer and why it is right."""
    print(writable(solution_text(_exercise(name))))


def _exercise(name):
    if not isinstance(name, str) or name not in EXERCISES:
        raise KeyError(f"no exercise is called {_checks.short(name)}; there are {', '.join(EXERCISES)}")
    return EXERCISES[name]


__all__ = [
    "CHAPTERS", "EXERCISES", "QUIZZES", "Exercise", "Question", "Wrong", "case", "check", "diagnose", "hint", "solution",
]
