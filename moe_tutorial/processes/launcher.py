"""Starts processes from a notebook or a script, waits for them, and leaves none behind, whatever they do."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .. import _checks
from ..shapes import Count, Positive, checked
from .between import LAUNCHED_BY, dist, loopback

PATIENCE = 10.0
"""Seconds from the request to end until it is enforced."""

LOOK = 0.5
"""Seconds from one look at who is there to the next."""

_OF_OTHERS = re.compile("(LOCAL_|GROUP_|ROLE_)?(RANK|WORLD_SIZE)|MASTER_(ADDR|PORT)|(TORCHELASTIC|PET)_.*")
"""Variables of the environment that would make the new processes a part of another launch."""


_OF_LAUNCHER = re.compile(r"[WEI]\d{4} [\d:.]+ \d+ ")
"""How a line begins that torch's launcher logs."""


def _module(name, value):
    """Check that a module of this name can be found."""
    _checks.text(name, value)
    try:
        found = all(value.split(".")) and importlib.util.find_spec(value)
    except (ImportError, ValueError):
        found = None
    if not found:
        raise ValueError(f"{name} must be the name of a module that Python can import, got {_checks.said(value)}")


@checked
def launch(module: str, processes: Count, *arguments, timeout: Positive = 60.0) -> str:
    """Run a module in several processes that know of each other, and give what they printed.

    >>> print(launch("moe_tutorial.processes.worker", 2, "hello"))  # doctest: +SKIP
    2 processes, and the sum of their ranks is 1

    module: its name, as for `python -m`. It is a module and no function of a notebook, since each process imports it anew.
    arguments: what it finds in `sys.argv`. timeout: seconds for everything.

    The processes are children of torch's own launcher (`torch.distributed.run`) and talk through this machine's loopback
    device only: no network is needed. Whatever happens, none of them is left when this returns or raises.

    RuntimeError: a process failed; its rank, its exit code and the last output are in the message. TimeoutError: they were
    not done in time. ValueError: there is no such module.
    """
    _module("module", module)
    if os.name != "posix":
        raise RuntimeError("launch needs the signals and sessions of Linux or macOS; it was not written for Windows")
    if not dist.is_available():
        raise RuntimeError("this build of torch has no torch.distributed, which the processes are to talk through")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1",
               f"--nproc-per-node={processes}", "-m", module, *map(str, arguments)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        # Files and no pipes: a process that outlives the launcher would hold a pipe open, and reading it would never end.
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=_environment(),
                                   start_new_session=True)
        seen: dict[int, str] = {}
        try:
            status = _wait(running, timeout, seen)
        finally:
            _end(running, seen)
        printed, said = _read(out), _read(errors)
    if status is None:
        raise TimeoutError(f"{processes} processes of {module} were not done in {timeout:g} s; the last output:\n"
                           f"{_last(printed + said)}")
    if status:
        raise RuntimeError(f"{processes} processes of {module} failed: {_failures(said) or f'exit status {status}'}; the "
                           f"last output:\n{_last(printed + said)}")
    return printed.strip()


def _environment():
    kept = {name: value for name, value in os.environ.items() if not _OF_OTHERS.fullmatch(name)}
    return {**kept, LAUNCHED_BY: str(os.getpid()), "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": loopback(), "TORCH_CPP_LOG_LEVEL": "ERROR",
            "PYTHONUNBUFFERED": "1", "PYTHONNODEBUGRANGES": "1",
            "PYTHONIOENCODING": "utf-8"}


def _wait(running, timeout, seen):
    """The exit status of torch's launcher, or None when the time is up. Who was seen below it meanwhile goes into `seen`."""
    until = time.monotonic() + timeout
    while True:
        seen |= descendants(running.pid)
        rest = until - time.monotonic()
        try:
            return running.wait(max(0.0, min(rest, LOOK)))
        except subprocess.TimeoutExpired:
            if rest <= LOOK:
                return None


def _end(running, seen):
    """End torch's launcher and all that was seen below it. Asked to end it ends its workers; killed, it would leave them."""
    if running.poll() is None:
        seen |= descendants(running.pid)
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
    until = time.monotonic() + PATIENCE
    while left := seen.items() & {(pid, begun) for pid, _, begun in everybody()}:  # a number may be another's by now
        for pid, _ in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            return
        time.sleep(0.05)  # to be killed takes a moment


def descendants(parent):
    """The processes below one, by their numbers, and when each began; none where neither /proc nor `ps` says."""
    children: dict[int, list] = {}
    for pid, above, begun in everybody():
        children.setdefault(above, []).append((pid, begun))
    found = list(children.get(parent, ()))
    for pid, _ in found:
        found += children.get(pid, ())
    return dict(found)


def everybody():
    """Each process of the machine that has not ended, the one above it, and when it began."""
    if Path("/proc/self/stat").exists():
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                fields = stat.read_text(errors="replace").rpartition(")")[2].split()
                if fields[0] not in "ZX":  # ended, and nobody has asked how
                    yield int(stat.parent.name), int(fields[1]), fields[19]
        return
    try:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,state=,lstart="], capture_output=True, text=True).stdout
    except OSError:
        return
    for line in listed.splitlines():
        pid, above, state, begun = line.split(None, 3)
        if not state.startswith("Z"):
            yield int(pid), int(above), begun


def _read(file):
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _last(said, most=1500):
    """The last that the processes said, without what torch's launcher said of them."""
    own = said.rpartition("Traceback (most recent call last):")
    lines = (own[0] if "ChildFailedError" in own[2] else said).splitlines()
    return "\n".join(line for line in lines if not _OF_LAUNCHER.match(line)).strip()[-most:] or "nothing"


def _failures(said):
    """Who failed, from the report of torch's launcher, the first one first."""
    found: list[str] = []
    for rank, code in re.findall(r"^ *rank *: *(\d+).*\n *exitcode *: *(-?\d+)", said, re.M):
        name = ""
        if int(code) < 0:
            with suppress(ValueError):
                name = f" ({signal.Signals(-int(code)).name})"
        found.insert(0, f"rank {rank} ended with exit code {code}{name}")
    return ", ".join(found)
