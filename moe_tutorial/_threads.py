"""One thread for small arrays.

A product of a few hundred numbers is done before a second thread has begun, and where the cores are busy each operation
waits for it: seconds of work become minutes. Results are the same with one thread and with many.
"""

from contextlib import contextmanager

import torch


@contextmanager
def one_thread():
    """A context, or with brackets a decorator, in which torch computes with one thread; then with as many as before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
