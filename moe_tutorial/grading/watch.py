"""What a process sends and prints, the clock, and the folder that it fills, on the side that believes nothing."""

import json
import os
import signal
import threading
import time
from dataclasses import dataclass, field

SIGXCPU = getattr(signal, "SIGXCPU", 0)
MOST_SENT = 64_000_000
"""Bytes of numbers that are read from an answer."""


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


class Watch:
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
