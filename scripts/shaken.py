"""Execute the chapters as another processor would, and say which cells give something else than what is stored.

    python scripts/shaken.py [SEED ...] [--paths notebooks/04_gate.ipynb ...]        (default: seeds 1 and 2, every notebook)

A model of a processor, `shake/sitecustomize.py`, moves the last bits of what torch and numpy compute; each seed is another
one. The exit status is 1 when a cell moved.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from execute import ROOT

NBVAL = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
WORKERS = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def moved(seed, paths):
    """The cells that do not give what is stored under this seed, and how many were executed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        environment = {**os.environ, "SHAKE_SEED": seed, "PYTHONPATH": str(ROOT / "scripts" / "shake")}
        subprocess.run([sys.executable, "-m", "pytest", *NBVAL, *WORKERS, "-q", f"--junitxml={report}", *paths],
                       cwd=ROOT, env=environment)
        cases = list(ElementTree.parse(report).iter("testcase"))
    return [f"{case.get('classname')} {case.get('name')}" for case in cases if case.find("failure") is not None], len(cases)


def main(seeds, paths):
    failed = False
    for seed in seeds:
        cells, of = moved(seed, paths)
        failed |= bool(cells) or not of
        print(f"seed {seed}: {len(cells)} of {of} cells moved", *cells, sep="\n  ", flush=True)
    return int(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="*", default=["1", "2"], metavar="SEED")
    parser.add_argument("--paths", nargs="+", default=["notebooks", "book"])
    arguments = parser.parse_args()
    sys.exit(main(arguments.seeds, arguments.paths))
