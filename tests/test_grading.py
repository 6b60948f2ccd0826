"""`grade`: a class of made-up notebooks, with what each of them does to be graded well or to do harm."""

import csv
import hashlib
import os
import re
import socket
import subprocess
import sys

import made_up_class as made
import pytest

from moe_tutorial import grading
from moe_tutorial.grading import GradingError, fence, grade, whole_class
from moe_tutorial.grading.watch import Limits
from moe_tutorial.grading.workers import Worker, parts_of_fence

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forbids it to processes")


def hand_in(folder, notebooks):
    for name, text in notebooks.items():
        path = folder / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def rows(to):
    with open(to / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder, without=".done"):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and without not in path.parts}


def digest(folder):
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents(folder).items()}


class Lasting(Worker):
    """A worker that is used again, for a process that has PyTorch takes seconds to begin."""

    idle: list[Worker] = []

    def end(self):
        Lasting.idle.append(self)


@pytest.fixture
def lasting(monkeypatch):
    def worker(limits):
        one = Lasting.idle.pop() if Lasting.idle else Lasting(limits)
        one.limits = limits
        return one

    monkeypatch.setattr(whole_class, "Worker", worker)


@pytest.fixture(scope="module", autouse=True)
def end_of_lasting():
    yield
    for one in Lasting.idle:
        Worker.end(one)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, graded once: what was expected, the grades, where the results are, and what was around."""
    base = tmp_path_factory.mktemp("class")
    precious, folder = base / "precious", base / "handed in"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with socket.create_server(("127.0.0.1", 0)) as server:
        expected = made.good()
        if sys.platform == "linux":
            expected |= made.hostile(precious, server.getsockname()[1])
        hand_in(folder, {name: text for name, (text, *_) in expected.items()})
        before = digest(folder), digest(precious), os.stat(precious / "thesis.txt").st_mode
        grades = grade(folder, base / "graded", seconds=6, gigabytes=0.5, jobs=2)
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert before == (digest(folder), digest(precious), os.stat(precious / "thesis.txt").st_mode)
    return {name: (results, said) for name, (_, results, said) in expected.items()}, grades, base / "graded"


def test_each_notebook_gets_what_it_should(graded):
    expected, grades, to = graded
    got = {one.name: one for one in grades.notebooks}
    pages = {one.name: name for one, name in zip(grades.notebooks, grading.results.page_names(
        [one.path[:-6] for one in grades.notebooks]))}
    assert got.keys() == expected.keys()
    wrong = []
    for name, (results, said) in expected.items():
        page = grading.results.html.unescape((to / "students" / pages[name]).read_text(encoding="utf-8"))
        if tuple(mark.result for mark in got[name].marks) != results or said not in page.replace("<br>", " "):
            wrong.append((name, [(mark.result, mark.said, mark.limits, mark.remarks) for mark in got[name].marks],
                          got[name].problem, got[name].remarks))
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_of_a_page_is_markup_or_script_of_a_student(graded):
    _, _, to = graded
    for path in [*(to / "students").glob("*.html"), to / "overview.html"]:
        text = path.read_text(encoding="utf-8")
        assert "<script" not in text and "<b onclick" not in text and "http:" not in text and "https:" not in text
    assert "김민준.html" in os.listdir(to / "students")


def test_no_cell_of_the_table_is_a_formula(graded):
    _, _, to = graded
    assert any(row["student"] == "'=cmd()" for row in rows(to))
    assert not any(re.match(r"\s*[=+@-]", cell) for row in rows(to) for cell in row.values())


@linux
def test_what_is_left_of_the_answers_is_nothing(graded):
    """No process and no folder."""
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "grading/child.py" not in left
    assert not [one for one in os.listdir(grading.workers.tempfile.gettempdir()) if one.startswith("moe-grading-")]


def test_the_same_files_again_whatever_the_order_and_whoever_was_done(lasting, tmp_path, monkeypatch):
    few = {name: text for name, (text, *_) in list(made.good().items())[:5]}
    hand_in(tmp_path / "in", few)
    grade(tmp_path / "in", tmp_path / "one", jobs=1)
    whole, known = whole_class._graded, []

    def until_third(one, reports):
        known.append(one.name)
        if len(known) == 3:
            raise KeyboardInterrupt
        return whole(one, reports)

    monkeypatch.setattr(whole_class, "_graded", until_third)
    with pytest.raises(grading.Interrupted, match="stopped; 2 of 5 notebooks are graded, and a second call goes on"):
        grade(tmp_path / "in", tmp_path / "two", jobs=2)
    assert grade(tmp_path / "in", tmp_path / "two", jobs=2).notebooks[0].right == 3
    assert len(known) == 3 + 3  # two were done
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    (tmp_path / "in" / "ben.ipynb").unlink()
    grade(tmp_path / "in", tmp_path / "two")
    assert sorted(os.listdir(tmp_path / "two" / "students")) == ["anna.html", "cleo.html", "dana_moved_and_renamed.html",
                                                                 "emil_helps_himself.html"]


def test_a_folder_with_nothing_to_grade_is_said_in_a_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    many = tmp_path / "many" / "deep"
    many.mkdir(parents=True)
    for number in range(10_000):
        (many / f"{number}.txt").touch()
    for folder, said in (("empty", "no notebook (.ipynb) in it, nor in its folders; 0 other files"),
                         ("file", "Not a directory"), ("none", "No such file or directory"),
                         ("many", "no notebook (.ipynb) in it, nor in its folders; 10000 other files")):
        with pytest.raises(GradingError, match=re.escape(said)):
            grade(tmp_path / folder)
        assert not (tmp_path / f"{folder}-graded").exists()
    hand_in(many, {"anna": ""})
    with pytest.raises(GradingError, match="a folder of their own"):
        grade(many, many)
    with pytest.raises(GradingError, match="Not a directory"):
        grade(many, tmp_path / "file" / "there")


def test_a_limit_that_is_none_is_said(tmp_path):
    from moe_tutorial.__main__ import main
    hand_in(tmp_path, {"kai": ""})
    for option, given in (("--seconds", "0"), ("--seconds", "nan"), ("--gigabytes", "-1"), ("--jobs", "0")):
        with pytest.raises(SystemExit) as ended:
            main(["grade", str(tmp_path), option, given])
        assert option[2:] in str(ended.value) and "\n" not in str(ended.value)
    with pytest.raises(TypeError, match="folder"):
        grade(3)


def test_what_is_no_notebook_is_said_of_each(lasting, tmp_path):
    folder = tmp_path / "in"
    hand_in(folder, {"list": "[1, 2]", "number": "3", "other": '{"a": 1}', "cells": '{"cells": [1]}', "deep": "[" * 100_000,
                     "none": '{"cells": null}', "source": '{"cells": [{"cell_type": "code", "source": [3]}]}'})
    (folder / "bytes.ipynb").write_bytes(b"\xff\xfe\x00")
    (folder / "folder.ipynb").mkdir()
    (folder / "link.ipynb").symlink_to(tmp_path / "secret")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "list-checkpoint.ipynb").write_text("")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.ipynb")
    grades = grade(folder, tmp_path / "out")
    problems = {one.name: one.problem for one in grades.notebooks}
    assert len(problems) == 9 + hasattr(os, "mkfifo")
    assert all(said.startswith(("the file is no notebook", "this is no file")) for said in problems.values()), problems


@linux
def test_all_of_the_fence_stands_here_and_what_does_not_is_said(lasting, tmp_path, monkeypatch, capsys):
    worker = whole_class.Worker(Limits())
    stands = parts_of_fence(worker)
    worker.end()
    assert stands == dict.fromkeys(stands, True)
    hand_in(tmp_path / "in", {"kai": ""})
    monkeypatch.setattr(whole_class, "parts_of_fence", lambda *any: {**stands, "landlock": False})
    from moe_tutorial.__main__ import main
    main(["grade", str(tmp_path / "in")])
    said = "the kernel refuses every write outside the folder"
    assert f"Not held on this machine: {said}." in capsys.readouterr().out
    assert f"{said}: not here" in (tmp_path / "in-graded" / "overview.html").read_text(encoding="utf-8")


def test_where_processes_cannot_be_forked_each_begins_anew():
    with Worker(Limits(), forks=False) as worker:
        report = worker.run({"task": "run", "exercise": "proportions", "names": [], "cases": [],
                             "cells": [[1, "check('proportions', 0.5)\nimport os\nos.write(1, b'x' * 2_000_000)"]]})
    assert report.last("value") == {"number": 0.5, "shown": "0.5"} and report.last("done")
    assert report.hit == ["output: more than 1 MB printed, thrown away"]


def test_pythons_own_refusals(tmp_path):
    """They are all that there is on Windows and macOS."""
    (tmp_path / "own").mkdir()
    (tmp_path / "kept").write_text("kept")
    attempts = ("open('../kept', 'w')", "os.remove('../kept')", "os.rename('../kept', 'x')", "os.rename('x', '../kept')",
                "os.open('../new', os.O_CREAT)", "os.mkdir('../new')", "os.symlink('a', '../new')", "os.rmdir('..')",
                "os.system('true')", "subprocess.run(['true'])", "socket.create_connection(('127.0.0.1', 1))",
                "pathlib.Path('../kept').unlink()", "shutil.rmtree('..')", "os.truncate('../kept', 0)",
                "os.chmod('../kept', 0)", "open(b'../kept', 'ab')", "os.kill(os.getpid(), 0)")
    code = (f"import os, pathlib, shutil, socket, subprocess, sys\nsys.path.insert(0, {os.path.dirname(fence.__file__)!r})\n"
            "import fence\nopen('x', 'w').close()\n"
            "fence._hook(os.getcwd(), lambda what: None)\nopen('y', 'w').close(); os.remove('y'); open('../kept').read()\n"
            f"for one in {attempts!r}:\n    try: exec(one)\n    except PermissionError as error:\n"
            "        assert 'refused while grading' in str(error), one\n    else: print(one)\n")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "own", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert (tmp_path / "kept").read_text() == "kept" and sorted(os.listdir(tmp_path)) == ["kept", "own"]
