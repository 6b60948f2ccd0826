"""Stored results: what was run, with which version of which code, and what came out.

Some results take long, and some runs make a large difference of a last bit, so that they end otherwise on another processor.
Such results are computed once and kept in the package. A `Recordings` is one file of them: a head, then a line of JSON for
each result, with its settings, the version of the code that made it and a check sum. A line that the present code would
make otherwise is never used silently.
"""

import base64
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import numpy
import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from ._versions import code_version
from .shapes import CountFrom0, checked

FORMAT = 1
"""The format of the files. A file of a newer one is refused."""

FOLDER = Path(str(files(__package__))) / "data" / "recordings"
"""Where the package's own files lie."""

COMMAND = "python -m moe_tutorial record"
"""What computes what is missing or of other code."""

_HEAD = "moe_tutorial recordings"


class RecordingError(ValueError):
    """Recordings that are missing, damaged, or of other code than the present one. Says which, and what to do.

    >>> issubclass(RecordingError, ValueError)
    True
    """


@checked
@dataclass(frozen=True)
class Recordings:
    """The stored results of one kind, in one file.

    name: of the file, without its ending. words: what its results are, in the plural.
    settings: of each result, frozen dataclasses that JSON can hold, in the order of the file.
    make: the function of a module that computes a result from its settings: mappings, lists, numbers, words, tensors.
    sources: the files of the package that decide what comes out.
    environment: variables of the processes that compute, such as those that forbid a processor's newer instructions.
    folder: where the file lies.
    """

    name: str
    words: str
    settings: tuple
    make: Callable
    sources: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | str = FOLDER

    @property
    def path(self):
        return Path(self.folder) / f"{self.name}.jsonl"

    @property
    def version(self):
        """The version of the code that makes the results."""
        return code_version(self.sources, self.make)

    def load(self):
        """All results, a dict in the order of `settings`.

        RecordingError: a file or a result that is missing, damaged, unknown or of other code, and the command that mends it.
        """
        version, stored = self.version, {}
        for number, record in self._lines():
            if record is None:
                raise self._error(f"line {number} was cut off or changed after it was made")
            stored[_key(record["settings"])] = record
        wanted = {_key(asdict(settings)): settings for settings in self.settings}
        unknown = [record["settings"] for key, record in stored.items() if key not in wanted]
        if unknown:
            raise self._error(f"{len(unknown)} of its {self.words} have settings that nobody asks for, such as {unknown[0]}")
        for fault, faulty in (
            ("are missing", [one for key, one in wanted.items() if key not in stored]),
            (f"were made by other code than the present, whose version is {version}",
             [one for key, one in wanted.items() if key in stored and stored[key]["code"] != version]),
        ):
            if faulty:
                raise self._error(f"{len(faulty)} of {len(wanted)} {self.words} {fault}, such as {faulty[0]}")
        return {settings: _unpacked(stored[key]["result"]) for key, settings in wanted.items()}

    @checked
    def compute(self, workers: CountFrom0 | None = None):
        """Compute what the file does not have from the present code, and write the file after each result.

        The file is whole at every moment: who is killed loses what is being computed, and goes on from there when called
        again. Results with settings that are no longer asked for are dropped.

        workers: the number of processes; None for one for each core, 0 to compute in this one.

        RecordingError: a file that is not ours or of a newer format, and is left as it is; a file that cannot be written;
        another process that is at it.
        """
        wanted = {_key(asdict(settings)): settings for settings in self.settings}
        version = self.version  # of the code as it is now, should a file be edited while this runs
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._lock, timeout=0):
                lines = self._lines() if self.path.exists() and self.path.stat().st_size else []
                kept = {_key(record["settings"]): record for _, record in lines
                        if record is not None and record["code"] == version}
                kept = {key: kept[key] for key in wanted if key in kept}
                missing = [settings for key, settings in wanted.items() if key not in kept]
                if missing or len(lines) > len(kept):
                    self._write(kept)  # a file that cannot be written is found before the work is done
                if missing:
                    self._compute(wanted, kept, missing, version, workers)
        except Timeout:
            raise RecordingError(f"{self.path}: another process is computing these {self.words}") from None
        except OSError as error:
            raise self._unwritten(error) from error

    def _compute(self, wanted, kept, missing, version, workers):
        failed = None
        with _environment(self.environment), tqdm(total=len(wanted), initial=len(kept), desc=self.words) as bar:
            for record in _records(self.make, missing, version, workers):
                kept[_key(record["settings"])] = record
                try:
                    self._write({key: kept[key] for key in wanted if key in kept})
                    failed = None
                except OSError as error:  # what is done is not lost: it is written with the next, when that works
                    failed = error
                    bar.write(f"{self.path}: {error.strerror or error}; trying again after the next", file=sys.stderr)
                bar.update()
        if failed:
            raise failed

    @property
    def _lock(self):
        """A file that says that a process is at it, outside the package."""
        place = hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"moe_tutorial-{place}.lock"

    def _lines(self):
        """The numbers and records of the file's lines; None for a record that is damaged."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise self._error("there is no such file") from None
        except UnicodeDecodeError:
            raise self._foreign() from None
        if not text:
            raise self._error("the file is empty")
        lines = text.splitlines()
        try:
            head = json.loads(lines[0])
            ours, number = head["name"] == self.name, head[_HEAD]
        except (ValueError, TypeError, KeyError):
            ours = False
        if not ours:
            raise self._foreign()
        if number != FORMAT:
            age = "a newer" if number > FORMAT else "an older"
            raise RecordingError(f"{self.path}: this file has {age} format, {number}, and this version of the package knows "
                                 f"{FORMAT}; take the file and the package from the same version of the course")
        return [(number, _checked(line)) for number, line in enumerate(lines[1:], 2)]

    def _write(self, records):
        """Write the file whole or not at all."""
        head = json.dumps({_HEAD: FORMAT, "name": self.name})
        lines = [head, *(json.dumps({**record, "sum": _sum(record)}, separators=(",", ":")) for record in records.values())]
        unfinished = self.path.with_suffix(f".{os.getpid()}.unfinished")
        try:
            with open(unfinished, "w", encoding="utf-8", newline="\n") as file:
                file.write("\n".join(lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _error(self, what):
        return RecordingError(f"{self.path}: {what}; run `{COMMAND} {self.name}`")

    def _foreign(self):
        return RecordingError(f"{self.path}: this is not a file of recorded {self.words}; move it away, then run "
                              f"`{COMMAND} {self.name}`")

    def _unwritten(self, error):
        return RecordingError(f"{self.path}: the file cannot be written ({error.strerror or error}). What was written "
                              f"before is whole; make room or allow writing, then run `{COMMAND} {self.name}`, which goes "
                              f"on from there")


@contextmanager
def _environment(variables):
    """Processes that are started in this context have these variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _start_worker(parent):
    """One thread a process, no bars besides the recordings', and an end when the process that wanted the results is gone."""
    torch.set_num_threads(1)
    sys.stderr = open(os.devnull, "w")  # for as long as the process lives

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _records(make, missing, version, workers):
    """The records of these settings, each when it is done."""
    if workers == 0:
        yield from (_record(make, settings, version) for settings in missing)
        return
    count = min(workers or os.cpu_count() or 1, len(missing))
    pool = ProcessPoolExecutor(count, get_context("spawn"), _start_worker, (os.getpid(),))
    try:
        for done in as_completed([pool.submit(_record, make, settings, version) for settings in missing]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _record(make, settings, version):
    try:
        result = make(settings)
    except Exception as error:
        error.add_note(f"while computing {settings}")
        raise
    return {"settings": asdict(settings), "code": version, "torch": torch.__version__.split("+")[0],
            "processor": torch.backends.cpu.get_cpu_capability(), "result": _packed(result)}


def _key(settings):
    return json.dumps(settings, sort_keys=True)


def _sum(record):
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


def _checked(line):
    """The record of a line, or None if the line is damaged."""
    try:
        record = json.loads(line)
        return record if record.pop("sum") == _sum(record) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _packed(value):
    """A result as JSON can hold it. The numbers of a tensor are kept to the last bit, and compressed."""
    if isinstance(value, torch.Tensor):
        values = value.detach().contiguous().numpy()
        # All first bytes, then all second ones: like beside like, which compresses better.
        columns = numpy.frombuffer(values.tobytes(), numpy.uint8).reshape(-1, values.itemsize).T
        return {"tensor": str(value.dtype).removeprefix("torch."), "shape": list(value.shape),
                "zlib": base64.b64encode(zlib.compress(columns.tobytes(), 9)).decode()}
    if isinstance(value, dict):
        return {name: _packed(one) for name, one in value.items()}
    return [_packed(one) for one in value] if isinstance(value, list | tuple) else value


def _unpacked(value):
    if isinstance(value, dict) and "tensor" in value:
        dtype = numpy.dtype(value["tensor"])
        columns = numpy.frombuffer(zlib.decompress(base64.b64decode(value["zlib"])), numpy.uint8)
        values = columns.reshape(dtype.itemsize, -1).T.tobytes()
        return torch.from_numpy(numpy.frombuffer(values, dtype).reshape(value["shape"]).copy())
    if isinstance(value, dict):
        return {name: _unpacked(one) for name, one in value.items()}
    return [_unpacked(one) for one in value] if isinstance(value, list) else value
