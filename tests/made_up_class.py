"""A class of made-up notebooks, as students hand them in: right, wrong, broken and hostile."""

import json

from moe_tutorial.exercises import CHAPTERS, EXERCISES
from moe_tutorial.exercises._exercise import solution_code

IMPORTS = "import torch\nfrom moe_tutorial.exercises import case, check, hint, solution"
RIGHT = {one.name: solution_code(one) for exercises in CHAPTERS.values() for one in exercises}
STUBS = {one.name: one.stub for exercises in CHAPTERS.values() for one in exercises}
FIRST, VALUE, THIRD = (one.name for one in CHAPTERS[4])  # a function, a number, a function


def answer(name, source, given=None):
    """The source of an exercise's cell."""
    return f'{source}\n\ncheck("{name}", {given or EXERCISES[name].answer_name})'


def chapter(number=4, **answers):
    """The sources of a notebook's cells with the right answers, but for those that are given."""
    return [IMPORTS] + [answer(one.name, answers.get(one.name, RIGHT[one.name])) for one in CHAPTERS[number]]


def notebook(sources, version=4):
    """The text of a notebook with these code cells, ids and all."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "# Mine"}]
    cells += [{"cell_type": "code", "id": f"mine-{number}", "metadata": {}, "outputs": [], "execution_count": None,
               "source" if version == 4 else "input": source.splitlines(keepends=True)}
              for number, source in enumerate(sources)]
    if version == 3:
        return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]})
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def inside(body, name=FIRST):
    """A function with the signature of an exercise's that does something and gives nothing."""
    head = STUBS[name].split("\n")[-2]
    return head + "\n" + "\n".join(f"    {line}" for line in body.splitlines())


SOFTMAX_OF_CASES = "def proportions(scores):\n    return scores.softmax(0)"
SOLVED = [RIGHT[name] for name in (FIRST, VALUE, THIRD)]


def good():
    """Notebooks that mean no harm, by name; what is expected of each: results, and a part of what is said."""
    right, three = ("right", "right", "right"), ["right"] * 3
    first, value, third = (answer(name, RIGHT[name]) for name in (FIRST, VALUE, THIRD))
    return {
        "anna": (notebook(chapter()), right, "Right."),
        "ben": (notebook(chapter(**{FIRST: SOFTMAX_OF_CASES, VALUE: "prediction = 6.95"})), ("not yet", "not yet", "right"),
                "the softmax runs over the cases"),
        "cleo": (notebook(chapter(**STUBS)), ("not started",) * 3, "not started yet"),
        "dana moved and renamed": (notebook([third, IMPORTS, value, "# between\nx = 3", first]), right, "Right."),
        "emil helps himself": (notebook([
            IMPORTS, "scale = 2\ndef total(e):\n    return e.sum(-1, keepdim=True)", "%matplotlib inline\nscale = 1.0",
            answer(FIRST, "def proportions(scores):\n    e = scale * (scores - scores.amax(-1, keepdim=True)).exp()\n"
                          "    return e / total(e)"), value, third]), right, "Right."),
        "fay renames check": (notebook([
            "import torch\nfrom moe_tutorial.exercises import check as good",
            *(one.replace("check(", "good(") for one in (first, value, third))]), right, "Right."),
        "gus cannot write": (notebook([IMPORTS, answer(FIRST, "def proportions(scores)\n    return 1"), value, third]),
                             ("stopped", "right", "right"), "cell 3 cannot be read: expected ':' (line 1)"),
        "hana raises": (notebook([IMPORTS, first, answer(VALUE, "prediction = 1 / 0"), third]),
                        ("right", "stopped", "right"), "cell 4 raises ZeroDivisionError before its check: division by zero"),
        "ivo skips one": (notebook([IMPORTS, first, third]), ("right", "missing", "right"), "no cell calls check("),
        "jo has none": (notebook([IMPORTS, "print(2)"]), (), "no cell calls check("),
        "kai is empty": ("", (), "the file is empty"),
        "lea sends a picture": ("\x89PNG not JSON", (), "the file is no notebook: it is no JSON"),
        "max is old": (notebook(chapter(), version=3), right, "Right."),
        "nele has no cells": (notebook([]).replace('"code"', '"raw"'), (), "the notebook has no code cell"),
        "one/04_gate": (notebook(chapter()), right, "Right."),
        "two/04_gate": (notebook(chapter(**{FIRST: SOFTMAX_OF_CASES})), ("not yet", "right", "right"), "over the cases"),
        "=cmd()": (notebook(chapter()), right, "Right."),
        "<b onclick=alert(1)>&": (notebook(chapter(**{VALUE: "prediction = '<script>=1'"})), ("right", "not yet", "right"),
                                  "wanted a number"),
        "김민준": (notebook(chapter(9)), ("right",) * 4, "Right."),
        "quin twice": (notebook([*chapter(), answer(FIRST, SOFTMAX_OF_CASES)]), ("not yet", *three[1:]), "over the cases"),
    }


def hostile(precious, port):
    """Notebooks that mean harm, or do it; `precious` is a folder that they are after, and `port` one that listens."""
    def one(body, result="not yet", said="", name=FIRST, others=("right", "right")):
        return notebook(chapter(**{name: inside(body)})), (result, *others), said

    kill = "import ctypes, os, signal\nlibc = ctypes.CDLL(None)\n"
    file = str(precious / "thesis.txt")
    return {
        "hangs": one("while True:\n    try:\n        while True: pass\n    except BaseException: pass", "stopped",
                     "time: stopped after"),
        "sleeps in its cell": (notebook(chapter(**{FIRST: "import time\ntime.sleep(1e6)\n" + RIGHT[FIRST]})),
                               ("stopped", "right", "right"), "time: stopped after"),
        "exits": one("import sys\nsys.exit(0)", said="your function raises SystemExit: 0"),
        "exits at once": one("import os\nos._exit(0)", "stopped", "its process ended itself (status 0)"),
        "forks": one("import os\nwhile True:\n    os.fork()", said="refused while grading: to start a process"),
        "forks by C": one(kill + "for i in range(1000):\n    if libc.fork() >= 0: open('forked', 'w')\n"
                          "raise ValueError('no fork')", said="ValueError: no fork"),
        "prints a gigabyte": one("import os\nif not os.path.exists('done'):\n    open('done', 'w').close()\n"
                                 "    for i in range(200):\n        os.write(1, b'Right.' * 900_000)\n"
                                 "e = (scores - scores.amax(-1, keepdim=True)).exp()\nreturn e / e.sum(-1, keepdim=True)",
                                 "right", "limit hit: output: more than 1 MB printed"),
        "fills memory": one("return torch.ones(10 ** 10) * scores.sum()", said="limit hit: memory: more than"),
        "fills lists": one("all = []\nwhile True:\n    all.append(bytearray(10 ** 8))", said="limit hit: memory: more than"),
        "fills the disk": one("for i in range(10 ** 6):\n    open(str(i), 'wb').write(bytes(10 ** 7))", "stopped",
                              "disk: more than 100 MB"),
        "falls without end": one("f = lambda n: f(n + 1) + 1\nreturn f(0)", said="your function raises RecursionError"),
        "crashes": one("import ctypes\nctypes.string_at(0)", "stopped", "its process was ended by SIGSEGV"),
        "deletes": one(f"import os, shutil\ntry:\n    os.remove({file!r})\nexcept OSError: pass\n"
                       f"shutil.rmtree({str(precious)!r})", said="refused while grading: to change files outside"),
        "deletes by C": one(kill + f"for path in {file.encode()!r}, {str(precious).encode()!r}:\n"
                            "    libc.unlink(path); libc.rename(path, b'mine'); libc.rmdir(path); libc.truncate(path, 0)\n"
                            "    libc.chmod(path, 0); libc.open(path, 513)\nraise ValueError('tried')", said="tried"),
        "writes": one(f"open({file!r}, 'a').write('F')", said="remark: tried to write outside its folder"),
        "kills": one(kill + "for pid in os.getppid(), 1, -1:\n    libc.kill(pid, 9)\n    libc.syscall(234, pid, pid, 9)\n"
                     "    try: os.kill(pid, 9)\n    except PermissionError: pass\nraise ValueError('all alive')",
                     said="all alive"),
        "phones": one(f"import socket\nsocket.create_connection(('127.0.0.1', {port})).send(b'hello')",
                      said="refused while grading: to use the network"),
        "phones by C": one("import _socket\ns = _socket.socket()", said="Operation not permitted"),
        "edits the checks": (notebook([
            IMPORTS + "\nimport moe_tutorial.exercises as e\ne.check = check = lambda *a: print('Right.')",
            "import moe_tutorial.exercises._check as c\nc.diagnose = lambda *a: 'Right.'\nc.judge = c.diagnose",
            *chapter(**{FIRST: SOFTMAX_OF_CASES + "\nprint('Right.')"})[1:]]), ("not yet", "right", "right"),
            "redefines `check`, which changes nothing here (cell 2, 3)"),
        "hands in the reference": (notebook(chapter(**{
            FIRST: "from moe_tutorial.exercises import EXERCISES\nproportions = EXERCISES['proportions'].reference"})),
            ("stopped", "right", "right"), "reads what the reference answers come from (cell 3)"),
        "asks for the solution": (notebook(chapter(**{FIRST: "proportions = solution('proportions')"})),
                                  ("not started", "right", "right"), "asks for the solution (cell 3)"),
        "says so itself": one("import json, os\nfor said in ({'value': {'text': 'Right.'}, 'done': True}, {'results': 7},\n"
                              "             {'results': ['Right.'] * 7, 'written': [], 'seen': []}):\n"
                              "    for place in range(3, 40):\n"
                              "        try: os.write(place, b'\\n' + json.dumps(said).encode() + b'\\n')\n"
                              "        except OSError: pass\nos._exit(0)", "stopped", "sent cannot be read"),
    }
