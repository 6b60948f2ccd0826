"""Runs one student's answer to one exercise behind the fence. A program of its own; it knows no reference answer.

    python -P child.py ROOT serve DESCRIPTOR     (a fork for each job that comes through the socket; Linux)
    python -P child.py ROOT once                 (one job, from standard input)

What it sends are lines of JSON: which parts of the fence stand, how far it is, and what the answer gave. Whoever reads them
decides; nothing that is said here is believed.
"""

import importlib.abc
import json
import os
import random
import select
import signal
import socket
import sys
import types
from pathlib import Path


class _NotHere(importlib.abc.MetaPathFinder):
    """Keeps the reference answers and all that judges out of this process."""

    def find_spec(self, name, path=None, target=None):
        room, _, module = name.rpartition(".")
        if room == "moe_tutorial.exercises" and module not in ("_run", "_exercise"):
            raise ImportError(f"{name} is not there while answers are graded")
        return None


def _hollow(name, folder):
    """A package whose modules can be imported, without what its `__init__` would import."""
    room = types.ModuleType(name)
    room.__path__ = [str(folder)]
    sys.modules[name] = room
    setattr(sys.modules["moe_tutorial"], name.rpartition(".")[2], room)
    return room


def prepare(root):
    """Import what answers need, and what runs them, once for all."""
    sys.path.insert(0, root)
    import torch

    torch.set_num_threads(1)
    import moe_tutorial

    here = Path(moe_tutorial.__file__).parent
    sys.meta_path.insert(0, _NotHere())
    _hollow("moe_tutorial.exercises", here / "exercises")
    _hollow("moe_tutorial.grading", here / "grading")
    from moe_tutorial.exercises import _run  # noqa: F401
    from moe_tutorial.grading import fence, outcomes, slices  # noqa: F401


def work(job, descriptor):
    """Do a job, fenced in: read a notebook, or run an answer. Ends the process."""
    folder = os.path.realpath(job["folder"])
    os.chdir(folder)
    for name in ("HOME", "TMPDIR", "TEMP", "TMP", "USERPROFILE", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        os.environ[name] = folder
    said = set()

    def send(message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(descriptor, data):]

    def refused(what):
        if what not in said:
            said.add(what)
            send({"refused": what})

    from moe_tutorial.grading import fence, slices

    fence.end_with_parent()
    send({"fence": fence.close(folder, refused=refused, **job["limits"])})
    sys.path[:] = [one for one in sys.path if one]
    try:
        notebook = slices.read([tuple(one) for one in job["cells"]])
        if job["task"] == "read":
            send({"read": {"found": notebook.found, "broken": notebook.broken, "remarks": notebook.remarks,
                           "code": notebook.code}})
        else:
            _run_answer(job, notebook, send)
        send({"done": True})
    except MemoryError:
        send({"memory": True})
    finally:
        os._exit(0)  # whatever a student's code has put into the way out


def _run_answer(job, notebook, send):
    import torch

    from moe_tutorial.grading import slices

    random.seed(0)
    torch.manual_seed(0)
    given = _answer(job, send)
    room = sys.modules["moe_tutorial.exercises"]
    nothing = lambda *arguments, **more: None  # noqa: E731
    vars(room).update(check=given, hint=nothing, solution=nothing, case=_case_of(job))
    space = {"__name__": "__main__", "__builtins__": __builtins__, slices.HAND_IN: given}
    number = notebook.found[job["exercise"]]
    failed = []
    for unit in slices.needed(notebook, number):
        try:
            exec(compile(unit.source, f"cell {unit.cell}", "exec"), space)
        except MemoryError:
            raise
        except BaseException as error:
            failed.append((unit.cell, *_said(error)))
    send({"failed": failed[:20]})
    try:
        exec(compile(notebook.cells[number], f"cell {number}", "exec"), space)
    except MemoryError:
        raise
    except BaseException as error:
        send({"raised": _said(error)})


def _answer(job, send):
    """What takes the place of `check`: it sends what the answer gives, and says nothing of it."""
    import torch

    from moe_tutorial.exercises._exercise import Case
    from moe_tutorial.exercises._run import Calls, call, own_torch
    from moe_tutorial.grading.outcomes import case_in, result_out, value_out

    cases = [Case(job["names"], case_in(one)) for one in job["cases"]]

    def hand_in(name, answer=None, **more):
        if name != job["exercise"]:
            return
        send({"calls": True})
        answer = more.get("answer", answer)
        if not cases or not callable(answer):
            with own_torch():
                send({"value": value_out(answer)})
            return
        calls = Calls()
        written: set[str] = set()
        with own_torch():
            results = [result_out(call(answer, case, calls, written)) for case in cases]
        send({"results": results, "written": sorted(written), "seen": calls.seen[:20_000]})
        torch.manual_seed(0)

    return hand_in


def _case_of(job):
    from moe_tutorial.exercises._exercise import Case
    from moe_tutorial.grading.outcomes import case_in

    return lambda name=None: Case(job["names"], case_in(job["cases"][0])) if job["cases"] else None


def _said(error):
    try:
        return type(error).__name__[:100], str(error)[:500]
    except BaseException:
        return type(error).__name__[:100], ""


def serve(connection):
    """Fork for each job that comes through the socket: two lines back, the number of the process and how it ended."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(connection, 65536, 2)
        if not text:
            return
        results, output = descriptors
        with open(text.decode(), encoding="utf-8") as file:
            job = json.load(file)
        child = os.fork()
        if child == 0:
            os.setsid()
            connection.close()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            work(job, results)
        os.close(results)
        os.close(output)
        connection.sendall(f"{child}\n".encode())
        status = _wait(child, connection)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _wait(child, connection):
    """How a child ended; and end it when who gave the job is gone, with whatever it has started."""
    try:
        place = os.pidfd_open(child)
    except OSError:  # a kernel before 5.3
        return os.waitpid(child, 0)[1]
    ended, *_ = select.select([place, connection], [], [])
    os.close(place)
    if connection in ended:  # nobody writes while a job runs
        os.killpg(child, signal.SIGKILL)
        sys.exit()
    return os.waitpid(child, 0)[1]


def main():
    _, root, mode, *more = sys.argv
    prepare(root)
    if mode == "serve":
        serve(socket.socket(fileno=int(more[0])))
    else:
        job = json.load(sys.stdin)
        results = os.dup(1)
        os.dup2(2, 1)
        if hasattr(os, "setsid"):
            os.setsid()
        work(job, results)


if __name__ == "__main__":
    main()
