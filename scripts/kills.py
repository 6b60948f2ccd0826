"""Kill a worker of two at a random moment, again and again: each time `launch` has to raise, in time, and to leave nobody.

    python scripts/kills.py [TIMES] [SEED]        (default: 20 0)

Prints a line for each kill; the exit status is 1 when one of them ended in another way. Each takes some seconds. Needs Linux
or macOS.
"""

import os
import random
import signal
import sys
import threading
import time

from moe_tutorial.processes import launch
from moe_tutorial.processes.launcher import descendants, everybody

LIMIT = 60.0
"""Seconds in which the error has to come."""

LATEST = 6.0
"""Seconds after the workers are there within which one is killed: it may be importing, joining or training."""


def workers():
    """The workers below this process, each with the moment at which it began: children of torch's launcher, its child."""
    launchers = {pid for pid, above, _ in everybody() if above == os.getpid()}
    return {(pid, begun) for pid, above, begun in everybody() if above in launchers}


def kill_one(draw, seen):
    """Wait for both workers and for a random time, and kill one of them."""
    while len(workers()) < 2:
        time.sleep(0.05)
    time.sleep(draw.uniform(0, LATEST))
    seen += sorted(workers())
    os.kill(draw.choice(seen)[0], signal.SIGKILL)


def once(draw):
    """What came of one kill, in words, and whether it is as it has to be."""
    seen: list = []
    killer = threading.Thread(target=kill_one, args=(draw, seen))
    killer.start()
    begun = time.monotonic()
    try:
        said = launch("moe_tutorial.processes.mishap", 2, "endless", timeout=LIMIT)
    except (RuntimeError, TimeoutError) as error:
        said = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    seconds = time.monotonic() - begun
    killer.join()
    left = {(pid, begun) for pid, _, begun in everybody()} & {*seen} | {*descendants(os.getpid()).items()}
    good = said.startswith("RuntimeError: ") and "(SIGKILL)" in said and not left and seconds < LIMIT
    return f"{seconds:5.1f} s, {len(left)} left, {said}", good


def main(times=20, seed=0):
    draw, failed = random.Random(seed), 0
    for number in range(1, times + 1):
        said, good = once(draw)
        failed += not good
        print(f"{number:3} {'as it has to be' if good else 'WRONG'}: {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
