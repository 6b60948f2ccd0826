"""Whether somebody sits in front of this kernel."""

import sys


def somebody_is_there():
    """True in a notebook that a person works in, False in a script and where a program executes the notebook.

    A front end with a person can be asked for input, and says so with every cell that it sends. The programs that execute
    the book (nbclient, nbval) cannot, and say that.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))
