"""What works without a checkout of the course: `python -m moe_tutorial check | hint | solution | record | grade`."""

import argparse
import runpy
import sys

from ._words import writable
from .exercises import EXERCISES, check, hint, solution
from .grading import GradingError, Interrupted, grade
from .grading.fence import WHAT
from .language import recorded as language_recorded
from .language import speed as language_speed
from .recordings import RecordingError
from .sparse import compared, costs, history, saving
from .table1 import fits, multiverse, recorded

RECORDINGS = {one.name: one for one in (costs.RECORDINGS, saving.RECORDINGS, compared.RECORDINGS, history.RECORDINGS,
                                        fits.FITS, language_speed.SPEED, language_recorded.RECORDINGS,
                                        recorded.SIMULATIONS, recorded.TRAININGS, multiverse.RECORDINGS,
                                        multiverse.ELSEWHERE)}
"""All stored results by name, those that take longest last."""


def check_file(name, path):
    """Check the answer that a Python file holds, by the name that the exercise's stub has."""
    wanted = EXERCISES[name].answer_name
    try:
        found = runpy.run_path(path)
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    if wanted not in found:
        sys.exit(f"{path} defines no `{wanted}`, which is what the exercise {name!r} asks for")
    check(name, found[wanted])


def record(names):
    """Compute the stored results with these names that are missing or of other code, or of all."""
    try:
        for name in names or RECORDINGS:
            RECORDINGS[name].compute()
    except RecordingError as error:
        sys.exit(str(error))


def grade_folder(given):
    """Grade the notebooks of a folder and say where the results are."""
    try:
        grades = grade(given.folder, given.to, seconds=given.seconds, gigabytes=given.gigabytes, jobs=given.jobs)
    except (GradingError, Interrupted, ValueError) as error:
        sys.exit(str(error))
    print(writable(repr(grades)))
    missing = [said for name, said in WHAT.items() if not grades.fence[name]]
    if missing:
        print(writable(f"Not held on this machine: {'; '.join(missing)}."))
    print(writable(f"Results: {grades.overview}"))


def known(names, what):
    """An argparse type: one of these names, or an error that says which there are."""
    def name(text):
        if text not in names:
            raise argparse.ArgumentTypeError(f"no {what} is called {text!r}; there are {', '.join(names)}")
        return text

    return name


def main(arguments=None):
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m moe_tutorial", description="A course on mixtures of local experts.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command, what in (("check", "say whether the answer in a Python file is right and, if not, which mistake it is"),
                          ("hint", "print both hints for an exercise"), ("solution", "print the solution of an exercise")):
        one = commands.add_parser(command, help=what, description=what)
        one.add_argument("exercise", type=known(EXERCISES, "exercise"), help="its name, such as proportions")
        if command == "check":
            one.add_argument("file", help="a Python file that defines what the exercise asks for")
    what = "compute the stored results that are missing or of other code; what is there already is kept"
    one = commands.add_parser("record", help=what, description=what)
    one.add_argument("names", nargs="*", type=known(RECORDINGS, "recording"), metavar="NAME", help=", ".join(RECORDINGS))
    what = "grade students' notebooks: a table, a page for each student, an overview. It runs their code; use a container"
    one = commands.add_parser("grade", help=what, description=what)
    one.add_argument("folder", metavar="FOLDER", help="where the notebooks are, also in folders of their own; is only read")
    one.add_argument("--to", metavar="FOLDER", help="where the results go; without it, beside FOLDER, with -graded")
    one.add_argument("--seconds", type=float, default=10.0, help="that an answer may take (10)")
    one.add_argument("--gigabytes", type=float, default=2.0, help="of memory that an answer may take (2)")
    one.add_argument("--jobs", type=int, help="answers that run at a time; without it as many as there are processors")
    given = parser.parse_args(arguments)
    if given.command == "check":
        check_file(given.exercise, given.file)
    elif given.command == "hint":
        for number in range(1, len(EXERCISES[given.exercise].hints) + 1):
            hint(given.exercise, number)
    elif given.command == "solution":
        solution(given.exercise)
    elif given.command == "grade":
        grade_folder(given)
    else:
        record(given.names)


if __name__ == "__main__":
    main()
