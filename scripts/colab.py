"""Run every notebook as Colab would: alone in an empty folder, with Colab's older packages, the course installed by the
notebook's own set-up cell from an archive of this checkout.

    python scripts/colab.py PYTHON [notebooks/04_gate.ipynb ...]

PYTHON is the interpreter of an environment that has what Colab has, and not the course; `make colab` makes one. What
the cells print must be what is stored. The exit status is 1 when something differs or fails.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from compare import said
from execute import ROOT, notebooks
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient


def archive(folder):
    """A zip of this checkout as the platform would serve it, tracked files as they are now."""
    path = folder / "course.zip"
    stash = subprocess.run(["git", "stash", "create"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["git", "archive", "--format=zip", "--prefix=course/", f"--output={path}", stash or "HEAD"], cwd=ROOT,
                   check=True)
    return path


def run(python, path, folder, course):
    """Execute a copy of the notebook in `folder`; return it."""
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "moe-tutorial"], check=True, cwd=folder)
    manager = AsyncKernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = str(python)
    manager.kernel_spec.argv[1:] = ["-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
    notebook = nbformat.read(copy, as_version=4)
    client = NotebookClient(notebook, km=manager, timeout=600, coalesce_streams=True, record_timing=False,
                            resources={"metadata": {"path": str(folder)}})
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    client.execute(env={**environment, "MOE_TUTORIAL_ARCHIVE": str(course),
                        "PYDEVD_DISABLE_FILE_VALIDATION": "1"})
    return notebook


def differences(new, stored):
    """The cells that say something else than the stored ones, as (source, said, stored); the set-up cell may."""
    words = [[[said(output) for output in cell.get("outputs", [])] for cell in notebook.cells] for notebook in (new, stored)]
    return [(cell.source, *pair) for cell, *pair in zip(new.cells, *words, strict=True)
            if pair[0] != pair[1] and cell.id != "setup"]


def main(python, paths):
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        course = archive(Path(temporary))
        for path in paths:
            folder = Path(temporary) / path.stem
            folder.mkdir()
            found = differences(run(python, path, folder, course), nbformat.read(path, as_version=4))
            print(f"{path.name}: {'as stored' if not found else 'DIFFERS'}", flush=True)
            for source, new, stored in found:
                failed = 1
                print(f"{source}\n-- said\n{new}\n-- stored\n{stored}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), [Path(argument).resolve() for argument in sys.argv[2:]] or notebooks()))
