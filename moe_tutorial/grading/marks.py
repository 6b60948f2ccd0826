"""From what came over the fence to a mark for each exercise: right, or which mistake."""

import ast
import re
import threading
from collections import Counter
from dataclasses import dataclass
from functools import cache

from ..exercises import CHAPTERS, EXERCISES, diagnose
from ..exercises._check import judge
from ..exercises._exercise import solution_code
from ..exercises._run import cases_of
from . import outcomes
from .slices import signature

RESULTS = ("right", "not yet", "not started", "stopped", "missing")
"""What becomes of an exercise; "stopped" is an answer that could not be heard, "missing" one that is not in the notebook."""

_PLACES = {name: (chapter, place) for chapter, exercises in CHAPTERS.items()
           for place, name in enumerate((one.name for one in exercises), 1)}


@dataclass(frozen=True)
class Mark:
    """What became of one exercise. result: one of `RESULTS`. said: what `check` would say, or what happened.

    mistake: which of the mistakes that the exercise knows it is, or "". limits, remarks: what else the teacher should know.
    """

    exercise: str
    result: str
    said: str
    mistake: str = ""
    limits: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def number(self):
        """Chapter and place, such as "4.1"."""
        return "{}.{}".format(*_PLACES[self.exercise])

    @property
    def order(self):
        return _PLACES[self.exercise]


_alone = threading.RLock()
"""Cases and judgements set what PyTorch has once for all threads."""


@cache
def _cases(name):
    with _alone:
        return cases_of(EXERCISES[name])


def chapter_of(names):
    """The chapter to which most of these exercises belong, the first of several; None if none is of the course."""
    count = Counter(_PLACES[name][0] for name in names if name in _PLACES)
    return min(count, key=lambda chapter: (-count[chapter], chapter)) if count else None


def asked_for(names):
    """The exercises that a notebook should have answers to, those of its chapter and others that it has, in order."""
    chapter = chapter_of(names)
    known = {name for name in names if name in _PLACES} | {one.name for one in CHAPTERS.get(chapter, ())}
    return sorted(known, key=_PLACES.__getitem__)


def job_of(name):
    """What an answer's process has to know of an exercise: names and cases. The reference is not among it."""
    exercise = EXERCISES[name]
    if not callable(exercise.reference):
        return {"task": "run", "exercise": name, "names": [], "cases": []}
    cases = _cases(name)
    return {"task": "run", "exercise": name, "names": list(cases[0].names), "cases": [*map(outcomes.case_out, cases)]}


def missing(name):
    """The mark for an exercise of the chapter whose check is in no cell."""
    return Mark(name, "missing", f"no cell calls check({name!r}, ...)")


def broken(name, cell, said):
    """The mark for an exercise whose cell is no Python."""
    return Mark(name, "stopped", f"cell {cell} cannot be read: {tidy(said)}")


def mark(name, report, cell, same_code):
    """The mark for an exercise from what its process sent. This is where it is decided."""
    exercise, folder = EXERCISES[name], report.folder
    limits, remarks = tuple(report.hit), _remarks(report, same_code)
    stages = [one for one in report.messages if {"results", "value", "calls"} & one.keys()]
    stage = stages[-1] if stages else {}
    try:
        if "results" in stage and callable(exercise.reference):
            said = _judged(exercise, stage, folder)
        elif "value" in stage:
            value = outcomes.value_in(stage["value"], lambda text: tidy(text, folder))
            with _alone:
                said = diagnose(exercise, value)
        else:
            return Mark(name, "stopped", _why_not(report, stage, cell, folder), "", limits, remarks)
    except (ValueError, TypeError, OverflowError):  # of what was sent
        return Mark(name, "stopped", "what its process sent cannot be read", "", limits, remarks)
    result = "right" if said.startswith("Right.") else "not started" if said.startswith("not started") else "not yet"
    mistake = next((one.says for one in exercise.wrong if said.endswith(one.says)), "")
    if report.died:
        remarks += (report.died,)
    return Mark(name, result, tidy(said, folder), mistake, limits, remarks)


def _judged(exercise, stage, folder):
    cases = _cases(exercise.name)
    given = [outcomes.result_in(one, lambda text: tidy(text, folder)) for one in stage["results"]]
    if len(given) != len(cases):
        raise ValueError("not a result for each case")
    written = {one for one in stage.get("written", ()) if one in cases[0].names}
    seen = [(one, count) for one, count in stage.get("seen", ()) if isinstance(one, str) and type(count) is int]
    with _alone:
        return judge(exercise, cases, given, seen, written)


def _why_not(report, stage, cell, folder):
    """Why there is no answer to judge."""
    where = "while the answer was called" if "calls" in stage else f"in cell {cell} or in those that it needs"
    raised = report.last("raised")
    if report.hit:
        return f"{report.hit[0]}, {where}"
    if report.died:
        return f"{report.died}, {where}"
    if isinstance(raised, list) and len(raised) == 2:
        failed = report.last("failed")
        before = ""
        if isinstance(failed, list) and failed and isinstance(failed[0], list) and len(failed[0]) == 3:
            before = f"; before that, cell {failed[0][0]} raises {failed[0][1]}: {failed[0][2]}"
        return tidy(f"cell {cell} raises {raised[0]} before its check: {raised[1]}{before}", folder)
    return f"cell {cell} did not come to its check"


def _remarks(report, same_code):
    tried = dict.fromkeys(str(one["refused"]) for one in report.messages if "refused" in one)
    remarks = tuple(f"tried {tidy(what)}" for what in list(tried)[:5])
    return remarks + (("the same code as the solution, word for word",) if same_code else ())


def same_as_solution(name, codes):
    """Whether one of these marks of functions is that of the reference, if that is long enough to tell."""
    exercise = EXERCISES[name]
    if not callable(exercise.reference):
        return False
    code = solution_code(exercise)
    return code.count("\n") >= 3 and signature(ast.parse(code).body[0]) in codes


def tidy(text, folder=""):
    """A student's text on one line, without what differs from run to run: the folder's name, addresses."""
    text = str(text)
    if folder:
        text = text.replace(folder, "FOLDER")
    text = re.sub(r"\b0x[0-9a-f]{6,16}\b", "0x...", text)
    text = "".join(one if one.isprintable() else " " for one in text)
    text = " ".join(text.split())
    return text if len(text) <= 400 else text[:397] + "..."
