"""Finds what students handed in, and reads the cells of a notebook, whatever the file holds."""

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from .._checks import short

LARGEST = 50_000_000
"""Bytes of a notebook that is read."""


class GradingError(Exception):
    """Grading cannot begin; its text says why."""


@dataclass(frozen=True)
class HandedIn:
    """A notebook by the name that it goes by: its path in the folder, without the ending.

    cells: the code cells, a tuple of (number in the notebook from 1, source). problem: why there are none, or "".
    """

    name: str
    path: str
    cells: tuple = ()
    problem: str = ""


@dataclass
class Found:
    """The notebooks of a folder in the order of their names, how many other files there are, and folders left out."""

    notebooks: list = field(default_factory=list)
    others: int = 0
    unreadable: list = field(default_factory=list)


def find(folder, without):
    """The notebooks in a folder and the folders in it, but for those in `without`, which is where results go."""
    folder = Path(folder)
    try:
        os.listdir(folder)
    except OSError as error:
        raise GradingError(f"{folder}: {error.strerror}") from error
    found, without = Found(), os.path.realpath(without)

    def left_out(error):
        found.unreadable.append(_printable(os.path.relpath(error.filename, folder)))

    paths = []
    for place, folders, files in os.walk(folder, onerror=left_out):
        folders[:] = [one for one in folders if one != ".ipynb_checkpoints"
                      and os.path.realpath(os.path.join(place, one)) != without]
        for name in files:
            if name.lower().endswith(".ipynb") and not name.startswith("._"):  # which macOS puts into archives
                paths.append(os.path.join(place, name))
            else:
                found.others += 1
    found.unreadable.sort()
    found.notebooks = [_read(path, folder) for path in sorted(paths, key=lambda path: os.fsencode(path[:-len(".ipynb")]))]
    return found


def _read(path, folder):
    relative = _printable(os.path.relpath(path, folder).replace(os.sep, "/"))
    name = relative[:-len(".ipynb")]
    try:
        cells = cells_of(_bytes(path))
    except GradingError as error:
        return HandedIn(name, relative, problem=str(error))
    return HandedIn(name, relative, cells, "" if cells else "the notebook has no code cell")


def _bytes(path):
    try:
        about = os.lstat(path)
        if not stat.S_ISREG(about.st_mode):
            raise GradingError("this is no file: links, devices and folders are not followed")
        if about.st_size > LARGEST:
            raise GradingError(f"the file has {about.st_size / 1e6:.0f} MB, and at most {LARGEST // 1_000_000} are read")
        with open(path, "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise GradingError(f"the file cannot be read: {error.strerror}") from error


def cells_of(data):
    """The code cells of a notebook's bytes, of version 4 or 3. GradingError: it is no notebook."""
    if not data.strip():
        raise GradingError("the file is empty")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError):
        raise GradingError("the file is no notebook: it is no JSON") from None
    try:
        if "cells" in notebook:
            cells = [(cell, "source") for cell in notebook["cells"]]
        elif "worksheets" in notebook:
            cells = [(cell, "input") for sheet in notebook["worksheets"] for cell in sheet.get("cells", [])]
        else:
            raise GradingError(f"the file is no notebook: it is JSON without cells, {short(notebook)}")
        found = []
        for number, (cell, key) in enumerate(cells, 1):
            if cell.get("cell_type") == "code":
                source = cell.get(key, "")
                text = source if isinstance(source, str) else "".join(source)
                found.append((number, text.encode("utf-8", "replace").decode()))
        return tuple(found)
    except (TypeError, AttributeError, KeyError):
        raise GradingError("the file is no notebook: its cells are not as a notebook has them") from None


def _printable(text):
    """A path as it can be written into a file: bytes that are no letters become marks."""
    return os.fsencode(text).decode("utf-8", "replace")
