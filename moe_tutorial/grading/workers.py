"""Processes that run answers, one for each job, and what came back from them; on the side that believes nothing."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from . import fence
from .watch import Watch

CHILD = Path(__file__).with_name("child.py")
ROOT = CHILD.parents[2]
KEPT = {"PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HOME",
        "USERPROFILE", "APPDATA", "PYTHONUTF8", "MPLCONFIGDIR", "TORCH_HOME"}
"""What an answer sees of the environment; keys and passwords that stand there are not among it."""


class Worker:
    """Runs jobs one after the other, each in a process and in an empty folder of its own; belongs to one thread.

    On Linux the processes are forks of one that has PyTorch already; elsewhere each begins anew, which takes longer.
    """

    def __init__(self, limits, forks=sys.platform == "linux"):
        self.limits, self.forks = limits, forks
        self.nursery: subprocess.Popen | None = None
        self.process: subprocess.Popen | None = None
        self.connection: socket.socket | None = None
        self.place = Path(tempfile.mkdtemp(prefix="moe-grading-"))

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.end()

    def end(self):
        """End what still runs, and remove the folders."""
        self._end_nursery()
        _remove(self.place)

    def stop(self):
        """End what runs at this moment, from another thread; the job comes to an end by that."""
        for process in filter(None, (self.nursery, self.process)):
            process.kill()

    def run(self, job):
        """Do a job, a dict that `child.work` understands; returns a `Report` whatever happens."""
        folder = Path(tempfile.mkdtemp(dir=self.place))
        job = {**job, "folder": str(folder), "limits": self.limits.of_process()}
        try:
            return self._forked(job, folder) if self.forks else self._begun(job, folder)
        finally:
            _remove(folder)

    def _begun(self, job, folder):
        process = subprocess.Popen([sys.executable, "-P", CHILD, ROOT, "once"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(), cwd=folder)
        self.process = process
        assert process.stdin and process.stdout and process.stderr
        watch = Watch(process.stdout, process.stderr, self.limits, folder)
        threading.Thread(target=_give, args=(process.stdin, json.dumps(job).encode()), daemon=True).start()

        def stop():
            process.kill()
            if hasattr(os, "killpg"):
                _end(process.pid, os.killpg)  # of the group that it has made, if it came that far

        hit = watch.until(lambda: process.poll() is not None, stop, more=120)  # to import PyTorch
        self.process = None
        return watch.report(hit, process.wait())

    def _forked(self, job, folder):
        file = self.place / "job.json"
        file.write_text(json.dumps(job), encoding="utf-8")
        if self.nursery is None or self.nursery.poll() is not None:
            self._end_nursery()
            self._begin_nursery()
        connection = self.connection
        assert connection
        results, output = os.pipe(), os.pipe()
        watch = Watch(os.fdopen(results[0], "rb"), os.fdopen(output[0], "rb"), self.limits, folder)
        answer: list[str] = []
        try:
            socket.send_fds(connection, [str(file).encode()], [results[1], output[1]])
        except OSError:
            pass  # nobody is there, and no line will come
        finally:
            os.close(results[1])
            os.close(output[1])
        try:
            pid = int(_line(connection))
            threading.Thread(target=lambda: answer.append(_line(connection)), daemon=True).start()
            hit = watch.until(lambda: bool(answer), lambda: _end(pid, os.killpg))
            return watch.report(hit, int(answer[0]))
        except ValueError:  # an empty line: the nursery is gone
            self._end_nursery()
            return watch.report(["its process and the one that started it are gone"], 0)

    def _begin_nursery(self):
        ours, theirs = socket.socketpair()
        self.nursery = subprocess.Popen([sys.executable, "-P", CHILD, ROOT, "serve", str(theirs.fileno())],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=_environment(),
                                        pass_fds=[theirs.fileno()], start_new_session=True, cwd=self.place)
        theirs.close()
        self.connection = ours

    def _end_nursery(self):
        if self.connection:
            self.connection.close()
        if self.nursery:
            self.nursery.kill()
            self.nursery.wait()
        self.nursery = self.connection = None


def _environment():
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}


def _line(connection):
    """A line from the nursery, empty if it is gone."""
    line = b""
    try:
        while not line.endswith(b"\n") and (more := connection.recv(1)):
            line += more
    except OSError:
        return ""
    return line.decode()


def _give(file, data):
    try:
        with file:
            file.write(data)
    except OSError:
        pass  # it is gone already


def _end(pid, how):
    try:
        how(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _remove(folder):
    """Remove a folder, also where rights were taken from it."""
    def again(function, path, error):
        try:
            os.chmod(os.path.dirname(path), 0o700)
            os.chmod(path, 0o700)
            function(path)
        except OSError:
            pass

    shutil.rmtree(folder, onerror=again)


def parts_of_fence(worker):
    """Which parts of the fence stand here, by a process that is fenced and does nothing else."""
    stands = worker.run({"task": "read", "cells": []}).first("fence") or []
    return {name: name in stands for name in fence.WHAT}
