"""What an exercise and a quiz question are made of."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .._words import writable
from ..shapes import Count, Positive, checked

KINDS = ("write", "predict", "repair")
DIFFICULTIES = ("easy", "medium", "hard")


@checked
@dataclass(frozen=True, repr=False)
class Wrong:
    """A mistake that people make: an answer that makes it, and what to say to someone who gave it.

    answer: a function like the reference, or a value.
    says: the diagnosis, a sentence or two; it names the mistake and points to the repair, without giving the answer.
    also: answers with the same mistake in another form, such as another small number in the place of one.
    """

    answer: Any
    says: str
    also: tuple[Any, ...] = ()

    @property
    def forms(self):
        """All answers that this is said of."""
        return self.answer, *self.also

    def __repr__(self):
        return writable(f"Wrong: {self.says}")


class Case(tuple):
    """The arguments of one call, which know their names: `answer(*case)` makes the call, and printing it shows them."""

    names: tuple[str, ...]

    def __new__(cls, names, arguments):
        case = super().__new__(cls, arguments)
        case.names = tuple(names)
        return case

    def size(self):
        """How many numbers the arguments hold together."""
        return sum(argument.numel() if isinstance(argument, torch.Tensor) else 1 for argument in self)

    def __repr__(self):
        return writable("\n".join(f"{name} = {argument!r}" for name, argument in zip(self.names, self)))


class Draw:
    """Random float64 numbers of a shape, `draw(3, 2)`, from one generator."""

    def __init__(self, generator):
        self.generator = generator

    def __call__(self, *shape):
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, *shape):
        """Numbers from 0 to 1."""
        return torch.rand(*shape, generator=self.generator, dtype=torch.float64)


@checked
@dataclass(frozen=True, repr=False)
class Exercise:
    """One exercise; everything that the chapter, the solutions page and `check` say of it comes from here.

    name: what `check` calls it, unique in the course.
    title: a few words. kind: "write" a function, "predict" a value before running, or "repair" something.
    difficulty: "easy", "medium" or "hard". minutes: about how long it takes.
    statement: Markdown, what is asked.
    hints: two, from a nudge to an outline. explanation: Markdown, why the reference is right.
    reference: the right function, or the right value.
    wrong: at least three `Wrong`. Their order decides where two of them would fit.
    inputs: for a function: called with a `Draw`, returns a list of argument tuples, corner cases among them.
    given: for a function: code that the stub begins with, such as what is to be repaired.
    tolerance: how far a number may be off; for functions, relative to the numbers' size.
    choices: for a value that is one of a few words, these words.
    normalise: for a function whose answer is as good in another form: what makes the same of all forms.
    watch: for a function with something that the statement forbids: from the calls of torch that the answer made, each a
        name and how many numbers came out, and the cases, what to say of the calls, or None.
    """

    name: str
    title: str
    kind: str
    difficulty: str
    minutes: Count
    statement: str
    hints: tuple[str, ...]
    explanation: str
    reference: Any
    wrong: tuple[Wrong, ...]
    inputs: Callable | None = None
    given: str = ""
    tolerance: Positive = 1e-5
    choices: tuple[str, ...] = ()
    normalise: Callable | None = None
    watch: Callable | None = None

    def __post_init__(self):
        for field, value, options in (("kind", self.kind, KINDS), ("difficulty", self.difficulty, DIFFICULTIES)):
            if value not in options:
                raise ValueError(f"exercise {self.name!r}: unknown {field} {value!r}, choose one of {options}")
        if len(self.hints) != 2 or len(self.wrong) < 3:
            raise ValueError(f"exercise {self.name!r} needs two hints and at least three wrong answers")
        if callable(self.reference) != (self.inputs is not None):
            raise ValueError(f"exercise {self.name!r}: a function needs inputs, and a value has none")

    def __repr__(self):
        return writable(f"Exercise {self.name!r}: {self.title}, {self.kind}, {self.difficulty}, {self.minutes} minutes")

    @property
    def answer_name(self):
        """The name in the stub that is given to `check`."""
        return self.reference.__name__ if callable(self.reference) else "prediction"

    @property
    def stub(self):
        """The code cell to start from, without imports and without the line that calls `check`."""
        if not callable(self.reference):
            return "prediction = ..."
        begun = f"def {self.answer_name}{inspect.signature(self.reference)}:\n    raise NotImplementedError"
        return f"{self.given}\n\n{begun}" if self.given else begun


class Exercises(list):
    """The exercises of a chapter, in order. Its methods add one each.

    `write` and `repair` are decorators: they stand above the reference answer, whose name is the exercise's, and leave the
    function as it is. `predict` takes a value. Arguments are those of `Exercise`.
    """

    def write(self, title, difficulty, minutes, **more):
        return self._decorator("write", title, difficulty, minutes, more)

    def repair(self, title, difficulty, minutes, **more):
        return self._decorator("repair", title, difficulty, minutes, more)

    def predict(self, title, difficulty, minutes, **more):
        self.append(Exercise(title=title, kind="predict", difficulty=difficulty, minutes=minutes, **more))

    def _decorator(self, kind, title, difficulty, minutes, more):
        def add(reference):
            self.append(Exercise(name=reference.__name__, title=title, kind=kind, difficulty=difficulty, minutes=minutes,
                                 reference=reference, **more))
            return reference

        return add


@checked
@dataclass(frozen=True, repr=False)
class Question:
    """A quiz question.

    options: the answers, each a pair of its text and what is said of it. right: the place of the right one, from 0.
    Texts of options are plain, without formulas or Markdown; question and reasons are Markdown.
    """

    question: str
    options: tuple[tuple[str, str], ...]
    right: int

    def __post_init__(self):
        if not 0 <= self.right < len(self.options) or len(self.options) < 3:
            raise ValueError(f"question {self.question!r} needs three options or more, and one of them right")

    def __repr__(self):
        return writable(f"Question: {self.question}")


def solution_code(exercise):
    """The reference answer as the code of a cell."""
    if callable(exercise.reference):
        source = textwrap.dedent(inspect.getsource(exercise.reference))
        begin = ast.parse(source).body[0].lineno  # of the `def`, which the decorator stands above
        return "\n".join(source.splitlines()[begin - 1:]).strip()
    return f"{exercise.answer_name} = {exercise.reference!r}"


def solution_text(exercise):
    """The reference answer and its explanation, for reading in a notebook."""
    explanation = "\n\n".join(textwrap.fill(paragraph, 80) for paragraph in exercise.explanation.strip().split("\n\n"))
    return f"{solution_code(exercise)}\n\n{explanation}"
