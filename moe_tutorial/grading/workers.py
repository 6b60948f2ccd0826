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
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import fence

CHILD = Path(__file__).with_name("child.py")
ROOT = CHILD.parents[2]
SIGXCPU = getattr(signal, "SIGXCPU", 0)
MOST_SENT = 64_000_000
"""Bytes of numbers that are read from an answer."""

KEPT = {"PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HOME",
        "USERPROFILE", "APPDATA", "PYTHONUTF8", "MPLCONFIGDIR", "TORCH_HOME"}
"""What an answer sees of the environment; keys and passwords that stand there are not among it."""


@dataclass(frozen=True)
class Limits:
    """What an answer may use.

    seconds: of a clock, for the cells it needs and all calls. memory, disk, output: bytes; memory beyond PyTorch's own, disk
        for all files together, output that is read at all. files: how many it may leave.
    """

    seconds: float = 10.0
    memory: int = 2_000_000_000
    disk: int = 100_000_000
    files: int = 2000
    output: int = 1_000_000

    def of_process(self):
        """Those that the process itself is held to by the system."""
        return {"memory": self.memory, "seconds": int(self.seconds) + 10, "file_size": self.disk}


@dataclass
class Report:
    """What came of a job: its messages, the limits that it hit, how its process ended if not well, its folder."""

    messages: list = field(default_factory=list)
    hit: list = field(default_factory=list)
    died: str = ""
    folder: str = ""

    def last(self, name):
        """What the last message of this name says, or None."""
        return next((one[name] for one in reversed(self.messages) if name in one), None)

    def first(self, name):
        return next((one[name] for one in self.messages if name in one), None)


class Worker:
    """Runs jobs one after the other, each in a process and in an empty folder of its own; belongs to one thread.

    On Linux the processes are forks of one that has PyTorch already; elsewhere each begins anew, which takes longer.
    """

    def __init__(self, limits, forks=sys.platform == "linux"):
        self.limits, self.forks = limits, forks
        self.nursery: subprocess.Popen | None = None
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
        assert process.stdin and process.stdout and process.stderr
        watch = _Watch(process.stdout, process.stderr, self.limits, folder)
        threading.Thread(target=_give, args=(process.stdin, json.dumps(job).encode()), daemon=True).start()

        def stop():
            process.kill()
            if hasattr(os, "killpg"):
                _end(process.pid, os.killpg)  # of the group that it has made, if it came that far

        hit = watch.until(lambda: process.poll() is not None, stop, more=120)  # to import PyTorch
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
        watch = _Watch(os.fdopen(results[0], "rb"), os.fdopen(output[0], "rb"), self.limits, folder)
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


class _Watch:
    """Reads what a process sends and prints, and looks at the clock and at its folder."""

    def __init__(self, results, output, limits, folder):
        self.limits, self.folder, self.sent, self.printed, self.too_much = limits, folder, bytearray(), 0, False
        self.readers = [threading.Thread(target=one, args=(file,), daemon=True)
                        for one, file in ((self._read_results, results), (self._read_output, output))]
        for reader in self.readers:
            reader.start()

    def _read_results(self, file):
        with file:
            while part := file.read1(1 << 16):
                self.sent += part
                if len(self.sent) > MOST_SENT:
                    self.too_much = True
                    return

    def _read_output(self, file):
        with file:
            while part := file.read1(1 << 20):
                self.printed += len(part)  # and nothing of it is kept

    def until(self, over, stop, more=0.0):
        """Wait until it is over, or stop it where it goes beyond a limit; returns the limits that were hit.

        more: seconds beyond the limit until it has said that it is ready.
        """
        begun, ready, hit = time.monotonic(), not more, []
        step = 0.002
        while not over():
            time.sleep(step)
            step = min(2 * step, 0.1)
            if not ready and self.sent:
                begun, ready = time.monotonic(), True
            if time.monotonic() - begun > self.limits.seconds + (0 if ready else more):
                hit.append(f"time: stopped after {self.limits.seconds:g} s")
            elif self.too_much:
                hit.append("results: more numbers than are read")
            elif step >= 0.1 and (said := self._fuller_than_allowed()):
                hit.append(said)
            if hit:
                stop()
                break
        while not over():
            time.sleep(0.002)
        if not hit and (said := self._fuller_than_allowed()):
            hit.append(said)
        return hit

    def report(self, hit, code):
        """What was read, the limits that were hit, and how a process with this exit status ended."""
        for reader in self.readers:
            reader.join(2)  # which is short when the process is gone
        report = Report(self._messages(), [*hit], folder=os.path.realpath(self.folder))
        if self.printed > self.limits.output:
            report.hit.append(f"output: more than {self.limits.output // 1_000_000} MB printed, thrown away")
        if _out_of_memory(report):
            report.hit.append(f"memory: more than {self.limits.memory / 1e9:g} GB wanted")
        if code == -SIGXCPU:
            report.hit.append("time: the processor's")
        elif code < 0 and not hit:
            names = {-one: one.name for one in signal.Signals}
            report.died = f"its process was ended by {names.get(code, code)}"
        elif report.last("done") is None and not hit:
            report.died = f"its process ended itself (status {code})" if report.messages else "its process did not begin"
        return report

    def _messages(self):
        """The lines that are JSON objects."""
        messages = []
        for line in bytes(self.sent).split(b"\n"):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                messages.append(message)
        return messages

    def _fuller_than_allowed(self):
        size = count = 0
        for place, _, names in os.walk(self.folder):
            for name in names:
                try:
                    size += os.lstat(os.path.join(place, name)).st_size
                except OSError:
                    pass
                count += 1
            if size > self.limits.disk or count > self.limits.files:
                return f"disk: more than {self.limits.disk // 1_000_000} MB or {self.limits.files} files"
        return ""


def _out_of_memory(report):
    said = report.last("results")
    said = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    texts = [f"{one.get('error')} {one.get('said')}" for one in said] + [str(report.last("raised"))]
    words = ("MemoryError", "can't allocate memory", "not enough memory")
    return report.last("memory") is True or any(word in text for text in texts for word in words)


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


def parts_of_fence(limits, forks=sys.platform == "linux"):
    """Which parts of the fence stand here, by a process that is fenced and does nothing else."""
    with Worker(limits, forks) as worker:
        stands = worker.run({"task": "read", "cells": []}).first("fence") or []
    return {name: name in stands for name in fence.WHAT}
