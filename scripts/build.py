"""Build the book into _build/html, with every warning an error. Nothing is done where it has been built from the same files.

    python scripts/build.py
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from execute import ROOT
from filelock import FileLock

PAGES = ROOT / "_build" / "html"
INPUTS = ("_config.yml", "_toc.yml", "constraints.txt", "book", "notebooks", "moe_tutorial", "scripts/api.py",
          "scripts/api_pages.py", "scripts/glossary.py", "scripts/light.py", "tests")
BUILD = (Path(sys.executable).with_name("jupyter-book"), "build", "-W", "-n", "--keep-going", "--all", "--quiet")


def inputs():
    """A digest of the files that the book is built from."""
    digest = hashlib.sha256()
    for name in INPUTS:
        place = ROOT / name
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            parts = path.relative_to(ROOT).parts
            if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
                digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def build():
    """Build the book if it is not there, whoever else wants it at the same moment; what the builder said, or None."""
    PAGES.parent.mkdir(exist_ok=True)
    with FileLock(PAGES.parent / "lock"):
        built, now = PAGES / ".built-from", inputs()
        if built.is_file() and built.read_text() == now:
            return None
        # From nothing: a page that did not change is not looked at again, and its warnings would be forgotten. Pages of
        # source code would stay as they are for as long as the source does, with links to entries that may be gone.
        shutil.rmtree(PAGES / "_modules", ignore_errors=True)
        done = subprocess.run([*BUILD, ROOT], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the book cannot be built:\n{done.stdout}{done.stderr}")
        built.write_text(now)
        return done.stdout + done.stderr


if __name__ == "__main__":
    try:
        build()
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"The book is built. Its first page: {PAGES}/index.html")
