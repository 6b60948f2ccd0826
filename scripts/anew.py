"""Compute every stored result from nothing into another folder, beside those that are stored, and compare the two.

    python scripts/anew.py FOLDER [NAME ...]        (default: all)

A last bit moves single runs, so what is compared is what no last bit moves far: the mean epochs of a system's runs, and the
least errors of fits. The exit status is 1 when these have moved. Killed and called again, it goes on where it was.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from moe_tutorial import Protocol, RecordingError, load_cell, recorded
from moe_tutorial.__main__ import RECORDINGS

MOVED, OURS = 0.05, Protocol()


def moved(name, folder):
    """What came out otherwise than is stored, a list of sentences."""
    anew = replace(RECORDINGS[name], folder=folder)
    if name.startswith("multiverse"):
        new, old = (load_cell(OURS, store).simulations for store in (anew, RECORDINGS[name]))
        means = {system: (new[system].epochs.mean().item(), old[system].epochs.mean().item()) for system in old}
    elif name == "simulations":
        new, old = anew.load(), RECORDINGS[name].load()
        means = {setting.name: tuple(stored[setting]["stopped"].double().mean().item() for stored in (new, old))
                 for setting in old}
    elif name == "trainings":
        new, old = anew.load(), RECORDINGS[name].load()
        means = {f"the trainings with loss {loss}": tuple(
            sum(result["stopped"] for setting, result in stored.items() if setting.loss == loss) for stored in (new, old))
            for loss in recorded.STEP_SIZE_OF}
    elif name == "routers":  # no choice of the truth's table hangs on a last bit
        new, old = ([result["error"].mean().item() for row, result in store.load().items()
                     if ("table", "subtasks") in row.settings] for store in (anew, RECORDINGS[name]))
        means = dict(zip(("even work with the truth's table", "uneven work with the truth's table"), zip(new, old)))
    elif name == "sorting_office":  # the first steps, before a last bit moves a choice
        new, old = anew.load(), RECORDINGS[name].load()
        means = {f"the first gates of {setting}": tuple(
            stored[setting]["weight"][:3].abs().double().mean().item() for stored in (new, old)) for setting in old}
    elif name == "language":  # the dense nets choose nobody
        new, old = ([result["losses"][-1].mean().item() for run, result in store.load().items() if run.model == "dense"]
                    for store in (anew, RECORDINGS[name]))
        means = {f"dense net {number}": both for number, both in enumerate(zip(new, old))}
    elif name == "fits":
        new, old = anew.load(), RECORDINGS[name].load()
        means = {f"{setting.system} of size {setting.size}, seed {setting.seed}": tuple(
            stored[setting].get("error", stored[setting].get("test")) for stored in (new, old)) for setting in old}
        means = {what: tuple(float(torch.as_tensor(one).min()) for one in ends) for what, ends in means.items()}
    else:
        means = {}  # measured times are nobody's to hold
    return [f"{name}, {what}: {now:.4g}, and {before:.4g} is stored"
            for what, (now, before) in means.items() if not abs(now / before - 1) <= MOVED]


def main(names, folder):
    found = []
    for name in names:
        replace(RECORDINGS[name], folder=folder).compute()
        found += moved(name, folder)
    return "\n".join(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", choices=[[], *RECORDINGS], metavar="NAME", help=", ".join(RECORDINGS))
    arguments = parser.parse_args()
    try:
        sys.exit(main(arguments.names or RECORDINGS, arguments.folder) or None)
    except RecordingError as error:
        sys.exit(str(error))
