"""Compute the stored results that are missing or of other code than the present; what is there already is kept.

    python scripts/recordings.py [NAME ...]        (default: all)
"""

import argparse
import sys

from moe_tutorial import costs, multiverse, recorded
from moe_tutorial.recordings import RecordingError

ALL = {one.name: one for one in (costs.RECORDINGS, recorded.SIMULATIONS, recorded.TRAININGS, multiverse.RECORDINGS,
                                multiverse.ELSEWHERE)}


def main(names):
    for name in names:
        ALL[name].compute()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *ALL], metavar="NAME", help=", ".join(ALL))
    try:
        main(parser.parse_args().names or ALL)
    except RecordingError as error:
        sys.exit(str(error))
