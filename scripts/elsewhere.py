"""Run the package's tests and two chapters where paths are awkward: `make elsewhere`, and on Windows and macOS.

The files of the last commit are put into a folder with a blank and Hangul in its name. An environment of its own is made
there, with the package installed into it, and the tests run with LANG=C and without a home folder.

    python scripts/elsewhere.py
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "_build" / "읽기 책 (1) é"
CHAPTERS = ("04_gate", "07_training")
TESTS = ("check", "engine", "exercises", "lines", "losses", "model", "multiverse", "plots", "plots_input", "replication",
         "shapes", "sound", "toys", "training", "vowel_task")
NBVAL = ("--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg")


def run(*command, **more):
    print("+", *command, flush=True)
    subprocess.run(command, cwd=FOLDER, check=True, **more)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    archive = subprocess.run(("git", "archive", "HEAD"), cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(FOLDER, filter="data")

    run(sys.executable, "-m", "venv", ".venv")
    python = FOLDER / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt", "-r", "requirements-test.txt", "-c",
        "constraints.txt")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", ".")

    bare = {name: value for name, value in os.environ.items() if name not in ("HOME", "LC_ALL", "PYTHONUTF8")}
    bare["LANG"] = "C"
    if os.name == "nt":
        bare = {name: value for name, value in bare.items() if name not in ("USERPROFILE", "HOMEPATH", "HOMEDRIVE")}
    tests = [str(Path("tests") / f"test_{name}.py") for name in TESTS]
    run(python, "-m", "pytest", "-q", *tests, env=bare)
    run(python, "-m", "pytest", "-q", *NBVAL, *(str(Path("notebooks") / f"{name}.ipynb") for name in CHAPTERS), env=bare)
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
