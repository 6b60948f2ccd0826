"""Compute the stored results that are missing or of other code than the present; what is there already is kept.

    python scripts/recordings.py [NAME ...]                    (default: all)
    python scripts/recordings.py --anew FOLDER [NAME ...]

With --anew everything is computed into the folder, beside what is stored, and the two are compared. A last bit moves single
runs, so what is compared is what no last bit moves far: how many runs of a system converge, and their mean epochs. The exit
status is 1 when these have moved. Killed and called again, it goes on where it was.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from moe_tutorial import Protocol, costs, load_cell, multiverse, recorded
from moe_tutorial.recordings import RecordingError

ALL = {one.name: one for one in (costs.RECORDINGS, recorded.SIMULATIONS, recorded.TRAININGS, multiverse.RECORDINGS,
                                multiverse.ELSEWHERE)}
MOVED, OURS = 0.05, Protocol()


def moved(name, folder):
    """What came out otherwise than is stored, a list of sentences."""
    anew = replace(ALL[name], folder=folder)
    if name.startswith("multiverse"):
        new, old = (load_cell(OURS, store).simulations for store in (anew, ALL[name]))
        means = {system: (new[system].epochs.mean().item(), old[system].epochs.mean().item()) for system in old}
    elif name == "simulations":
        new, old = anew.load(), ALL[name].load()
        means = {setting.name: tuple(stored[setting]["stopped"].double().mean().item() for stored in (new, old))
                 for setting in old}
    elif name == "trainings":
        new, old = anew.load(), ALL[name].load()
        means = {f"the trainings with loss {loss}": tuple(
            sum(result["stopped"] for setting, result in stored.items() if setting.loss == loss) for stored in (new, old))
            for loss in recorded.STEP_SIZES}
    else:
        means = {}  # measured times are nobody's to hold
    return [f"{name}, {what}: {now:.0f} epochs, and {before:.0f} are stored"
            for what, (now, before) in means.items() if not abs(now / before - 1) <= MOVED]


def main(names, anew):
    found = []
    for name in names:
        replace(ALL[name], folder=anew or ALL[name].folder).compute()
        found += moved(name, anew) if anew else []
    return "\n".join(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--anew", type=Path, metavar="FOLDER", help="compute everything into this folder, and compare")
    parser.add_argument("names", nargs="*", choices=[[], *ALL], metavar="NAME", help=", ".join(ALL))
    arguments = parser.parse_args()
    try:
        sys.exit(main(arguments.names or ALL, arguments.anew) or None)
    except RecordingError as error:
        sys.exit(str(error))
