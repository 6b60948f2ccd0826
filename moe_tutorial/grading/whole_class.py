"""Grades a folder: each notebook read, each answer run, and what comes of it kept, so that a second call goes on."""

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path

from .._progress import progress
from . import marks
from .handed_in import GradingError, HandedIn, find
from .watch import Limits
from .workers import Worker, parts_of_fence

KEPT = ".done"
"""The folder among the results in which finished notebooks are kept, so that they need not run again."""


@dataclass
class Graded:
    """What became of one notebook. problem: why nothing could be graded, or ""."""

    name: str
    path: str
    chapter: int | None = None
    marks: list = field(default_factory=list)
    remarks: list = field(default_factory=list)
    problem: str = ""

    @property
    def right(self):
        return sum(one.result == "right" for one in self.marks)


@dataclass
class Grades:
    """What became of a class: the notebooks by name, and what else was found. fence: which of its parts stood.
    overview: the path of the page that was written."""

    notebooks: list[Graded]
    others: int
    unreadable: list[str]
    limits: Limits
    fence: dict[str, bool]
    overview: str = ""

    def __repr__(self):
        problems = sum(bool(one.problem) for one in self.notebooks)
        marked = [mark for one in self.notebooks for mark in one.marks]
        right = sum(mark.result == "right" for mark in marked)
        return (f"Grades: {len(self.notebooks)} notebooks, {right} of {len(marked)} answers right, "
                f"{problems} with nothing to grade")


class Interrupted(Exception):
    """Grading was stopped; its text says how far it was."""


def grade_class(folder, to, limits, jobs):
    """Grade the notebooks of a folder; what is done is kept in the folder `to`."""
    found = find(folder, to)
    if not found.notebooks:
        raise GradingError(f"{folder}: no notebook (.ipynb) in it, nor in its folders; {found.others} other files")
    if os.path.realpath(folder) == os.path.realpath(to):
        raise GradingError(f"{to}: the results need a folder of their own, not that of the notebooks")
    try:
        Path(to, KEPT).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GradingError(f"{to}: {error.strerror}") from error
    workers = [Worker(limits)]
    try:
        return _grade(found, to, limits, jobs, workers)
    finally:
        for worker in workers:
            worker.end()


def _grade(found, to, limits, jobs, workers):
    fence = parts_of_fence(workers[0])
    key = _code() + json.dumps([asdict(limits), fence])
    kept = {one: Path(to, KEPT, _digest(key, json.dumps(one.cells)) + ".json") for one in found.notebooks if one.cells}
    done = {one: graded for one in found.notebooks if (graded := _known(one, kept.get(one)))}
    waiting = [one for one in found.notebooks if one not in done]
    reports = _all_reports(waiting, limits, jobs, workers)
    try:
        for one, sent in progress(reports, description="grading", total=len(waiting)):
            done[one] = graded = _graded(one, sent)
            # What was stopped may have been so because the machine was busy: next time it runs again.
            if graded.marks and not any(mark.limits or mark.result == "stopped" for mark in graded.marks):
                _keep(graded, kept[one])
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; {len(done)} of {len(found.notebooks)} notebooks are graded, and a second call goes "
                          "on") from None
    finally:
        reports.close()
    return Grades([done[one] for one in found.notebooks], found.others, found.unreadable, limits, fence)


def _all_reports(waiting, limits, jobs, workers):
    """Pairs of a notebook and what its processes sent, as they come; `jobs` of them run at a time, each on its worker."""
    own, idle = threading.local(), [*workers]

    def run(one):
        if not hasattr(own, "worker"):
            try:
                own.worker = idle.pop()
            except IndexError:
                own.worker = Worker(limits)
                workers.append(own.worker)
        return one, _reports(own.worker, one)

    executor = ThreadPoolExecutor(jobs)
    try:
        for future in as_completed([executor.submit(run, one) for one in waiting]):
            yield future.result()
    except BaseException:  # somebody wants to stop
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.stop()
        raise
    finally:
        executor.shutdown()


def _reports(worker, one):
    """What the processes for one notebook sent: what it holds, and for each exercise what the answer gave."""
    cells = [list(cell) for cell in one.cells]
    look = worker.run({"task": "read", "cells": cells})
    read = look.last("read")
    answers = {}
    if isinstance(read, dict):
        for name in marks.asked_for(read["found"]):
            cell = read["found"].get(name)
            if cell is not None and str(cell) not in read["broken"]:
                answers[name] = worker.run({**marks.job_of(name), "cells": cells})
    return look, answers


def _graded(one, reports):
    look, answers = reports
    read = look.last("read")
    if not isinstance(read, dict):
        said = ", ".join([*look.hit, look.died]).strip(", ")
        return Graded(one.name, one.path, problem=f"the notebook's cells cannot be read: {said or 'no answer'}")
    found, broken = read["found"], read["broken"]
    chapter = marks.chapter_of(found)
    unknown = sorted(name for name in found if name not in marks.EXERCISES)
    remarks = [*read["remarks"]]
    if unknown:
        remarks.append(f"calls check for {', '.join(map(marks.tidy, unknown[:5]))}, which no exercise is called")
    if chapter is None:
        said = "no cell calls check(\"...\") with the name of an exercise"
        said += f"; cell {', '.join(list(broken)[:5])} cannot be read as Python" if broken else ""
        return Graded(one.name, one.path, remarks=remarks, problem=said)
    graded = Graded(one.name, one.path, chapter, remarks=remarks)
    for name in marks.asked_for(found):
        cell = found.get(name)
        if cell is None:
            graded.marks.append(marks.missing(name))
        elif name not in answers:
            graded.marks.append(marks.broken(name, cell, broken[str(cell)]))
        else:
            same = marks.same_as_solution(name, read["code"].get(name, ()))
            graded.marks.append(marks.mark(name, answers[name], cell, same))
    return graded


def _known(one: HandedIn, path):
    """What became of a notebook if it needs no process: it has no cells, or is done already."""
    if one.problem:
        return Graded(one.name, one.path, problem=one.problem)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        of_exercises = [marks.Mark(**{**mark, "limits": tuple(mark["limits"]), "remarks": tuple(mark["remarks"])})
                        for mark in kept["marks"]]
        return Graded(one.name, one.path, kept["chapter"], of_exercises, kept["remarks"], kept["problem"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(graded, path):
    """Write what became of a notebook, all of it or nothing."""
    begun = path.with_suffix(".part")
    begun.write_text(json.dumps(asdict(graded)), encoding="utf-8")
    begun.replace(path)


def _code():
    """The version of the code that decides: exercises and grading."""
    digest = hashlib.sha256()
    for room in ("exercises", "grading"):
        for file in sorted(files("moe_tutorial").joinpath(room).iterdir(), key=lambda one: one.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]
