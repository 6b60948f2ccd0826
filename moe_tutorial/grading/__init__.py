"""Grades students' notebooks: each answer in a fenced process of its own, the verdict made where no student's code runs.

On the command line, `python -m moe_tutorial grade FOLDER`. The page for teachers says what the fence holds and what not.
"""

import os
from pathlib import Path

from ..shapes import Count, Positive, checked
from . import results
from .handed_in import GradingError
from .watch import Limits
from .whole_class import Grades, Interrupted, grade_class


@checked
def grade(folder: str | Path, to: str | Path | None = None, *, seconds: Positive = 10.0, gigabytes: Positive = 2.0,
          jobs: Count | None = None) -> Grades:
    """Grade the notebooks of a folder, and write a table, a page for each student and an overview.

    >>> grades = grade("handed-in", seconds=20)  # doctest: +SKIP

    folder: is only read. A student is called what the file is called, with the folders that it lies in.
    to: a folder for the results; without one it is beside `folder` and has `-graded` at the end of its name.
    seconds, gigabytes: what an answer may take, with the cells that it needs; memory beyond PyTorch's own.
    jobs: how many answers run at a time; without a number as many as the machine has processors, at most 8.

    GradingError: there is no such folder, no notebook in it, or the results cannot be written.
    """
    folder = Path(folder)
    place = Path(to) if to is not None else folder.resolve().with_name(f"{folder.resolve().name or 'folder'}-graded")
    limits = Limits(seconds=seconds, memory=int(gigabytes * 1e9))
    grades = grade_class(folder, place, limits, jobs or min(os.cpu_count() or 1, 8))
    grades.overview = str(results.write(grades, place))
    return grades


__all__ = ["GradingError", "Interrupted", "grade"]
