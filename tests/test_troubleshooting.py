"""What the page on troubleshooting shows is what people see: messages that can be made here are made and compared."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata, util
from pathlib import Path

import nbformat
import pytest
import torch
from bs4 import BeautifulSoup
from execute import ROOT, chapters

from moe_tutorial import Mixture, interactive, vowel_task
from moe_tutorial.exercises import check

PAGE = (ROOT / "book" / "troubleshooting.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BLOCKS = [list(filter(None, block.splitlines())) for block in re.findall(r"^```text\n(.*?)^```$", PAGE, re.M | re.S)]
SHOWN = [line for block in BLOCKS for line in block]

# Of other programs than the course has, or of machines that these tests are not on.
ELSEWHERE = {
    "'make' is not recognized as an internal or external command,": "Windows, cmd",
    "make : The term 'make' is not recognized as the name of a cmdlet, function, script file, or operable program.":
        "Windows, PowerShell",
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": "pip, a full disk",
    "The kernel for 14_language_model.ipynb appears to have died. It will restart automatically.": "JupyterLab",
    "OMP: Error #15: Initializing libiomp5md.dll, but found libiomp5md.dll already initialized.": "Windows, OpenMP",
}


def test_ten_problems_each_with_what_is_seen_why_and_what_to_do():
    parts = re.split(r"^## ", PAGE, flags=re.M)[1:]
    numbered = [part for part in parts if re.match(r"\d+\. ", part)]
    assert [int(part.split(".")[0]) for part in numbered] == list(range(1, 11))
    for part in numbered:
        assert part.index("```text") < part.index("\n**Why.** ") < part.index("\n**What to do.** "), part[:40]


def test_where_readers_in_trouble_are_they_find_the_page():
    form = (ROOT / ".github" / "ISSUE_TEMPLATE" / "problem.yml").read_text(encoding="utf-8")
    assert "](../blob/HEAD/book/troubleshooting.md)" in form, "beside the address of the form, OWNER/REPOSITORY/issues/new"
    lost = BeautifulSoup((ROOT / "book" / "_static" / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert lost.find("a", href="book/troubleshooting.html")
    assert "](troubleshooting.md)" in (ROOT / "book" / "how_to_use.md").read_text(encoding="utf-8")


def plain_pip(*arguments, cwd):
    """What pip says without the settings of this machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [sys.executable, "-m", "pip", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode
    return (done.stdout + done.stderr).splitlines()


def no_make(tmp_path):
    done = subprocess.run(["bash", "-c", "make"], env={"PATH": str(tmp_path)}, executable=shutil.which("bash"),
                          capture_output=True, text=True)
    return [re.sub(r"^bash: line \d+: ", "", done.stderr.strip())]


def old_python_for_make(tmp_path):
    if not shutil.which("make"):
        pytest.skip("there is no make on this machine")
    old = tmp_path / "python3.10"
    old.write_text(f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 10, 12)\nsys.version = '3.10.12 (main)'\n"
                   "exec(sys.argv[-1])\n")
    old.chmod(0o755)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    for name in re.search(r"^[.]venv/installed: (.+)$", MAKEFILE, re.M)[1].split():
        (tmp_path / name).touch()
    done = subprocess.run(["make", f"PYTHON={old}", "lab"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode and not (tmp_path / ".venv").exists()
    return done.stderr.splitlines()


def old_python_for_pip(tmp_path):
    version, needed = metadata.version("moe-tutorial"), metadata.metadata("moe-tutorial")["Requires-Python"]
    wheel, about = tmp_path / f"moe_tutorial-{version}-py3-none-any.whl", f"moe_tutorial-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr(f"{about}/METADATA", f"Metadata-Version: 2.4\nName: moe-tutorial\nVersion: {version}\n"
                                           f"Requires-Python: {needed}\n")
        made.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{about}/RECORD", "")
    return plain_pip("download", "--no-index", "--no-deps", "--python-version=3.10", "--only-binary=:all:", "--dest=there",
                     str(wheel), cwd=tmp_path)


def no_network(tmp_path):
    return plain_pip("download", "--no-deps", "--retries=0", "--index-url=http://127.0.0.1:9/simple", "tqdm==4.70.1",
                     cwd=tmp_path)


def another_python(tmp_path):
    done = subprocess.run([sys.executable, "-I", "-S", "-c", "import torch"], capture_output=True, text=True)
    return [done.stderr.splitlines()[-1]]


def raised_by(source, names):
    try:
        exec(source, names)
    except (AssertionError, NameError) as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def set_up_without_the_course(tmp_path, monkeypatch):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    monkeypatch.delenv("MOE_TUTORIAL_ARCHIVE", raising=False)
    cells = nbformat.read(chapters()[0], as_version=4).cells
    source = next(cell.source for cell in cells if cell.get("id") == "setup")
    return raised_by(re.sub(r"%pip.*", "pass", source), {})


def in_the_middle(tmp_path):
    """A name that is missing in each cell of a chapter that is run alone, after what brings the course in."""
    cells = nbformat.read(chapters()[3], as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"][2:]
    said = [line for source in code if "%" not in source for line in raised_by(source, {})]
    assert len(said) > 20, "nearly every cell needs another one"
    return said


def still_picture(tmp_path):
    cases = vowel_task().train
    mixture = Mixture(experts=2, seed=0)
    html = interactive.GateExplorer(cases, mixture.gate.weight.detach(), mixture.gate.bias.detach()).html()
    caption = BeautifulSoup(html, "html.parser").select_one(".moe-still figcaption").text
    return [re.search(r"With script .*?(?=:)", caption)[0]]


def widgets_without_their_kernel(tmp_path):
    """What the extension of JupyterLab has in store, which is installed with ipywidgets."""
    extension = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "@jupyter-widgets" / "jupyterlab-manager"
    scripts = "".join(script.read_text(encoding="utf-8") for script in (extension / "static").glob("*.js"))
    return re.findall(r'"((?:Loading|Error displaying) widget[^"]*)"', scripts)


def tick(tmp_path):
    return re.findall(r'said.textContent = "(.+)";', (ROOT / "book" / "_static" / "progress.js").read_text(encoding="utf-8"))


def single_precision(tmp_path):
    with pytest.raises(TypeError) as raised:
        Mixture(experts=2, seed=0)(torch.zeros(3, 2, dtype=torch.float32))
    return [f"TypeError: {raised.value}"]


def answers(tmp_path, capsys):
    def empty(scores):
        raise NotImplementedError

    def prints(scores):
        return None

    def misses_a_name(scores):
        return exponentials / exponentials.sum(-1)  # noqa: F821

    for answer in (empty, torch.tensor([0.5, 0.5]), prints, misses_a_name):
        check("proportions", answer)
    return capsys.readouterr().out.splitlines()


PRODUCERS = {no_make: 1, old_python_for_make: 1, old_python_for_pip: 1, no_network: 2, another_python: 1, in_the_middle: 1,
             still_picture: 1, widgets_without_their_kernel: 2, tick: 1, single_precision: 1}


@pytest.mark.parametrize("produce", PRODUCERS, ids=lambda produce: produce.__name__)
def test_a_message_that_is_produced_is_on_the_page(produce, tmp_path):
    said = set(produce(tmp_path))
    assert len(said & set(SHOWN)) == PRODUCERS[produce], said


def test_the_set_up_cell_says_on_the_page_what_it_says_without_the_course(tmp_path, monkeypatch):
    said = set_up_without_the_course(tmp_path, monkeypatch)
    assert len(said) == 1 and said[0] in SHOWN


def test_what_check_says_is_on_the_page_in_its_order(tmp_path, capsys):
    assert answers(tmp_path, capsys) == BLOCKS[-1]


def test_on_windows_the_same_is_done_as_make_does():
    shown = re.search(r"^```bat\n(py -m venv .venv\n.*?)^```$", PAGE, re.M | re.S)[1].splitlines()
    made = [line.strip().replace(" --quiet", "").replace(" -r requirements-test.txt", "") for line in MAKEFILE.splitlines()]
    for line in shown[1:]:
        command = line.replace(r".venv\Scripts\python -m pip", "$(BIN)/pip")
        assert command.replace(r".venv\Scripts\jupyter", "$(BIN)/jupyter") in made, line


def test_every_line_of_the_page_that_a_program_says_is_produced_here_or_known_to_be_from_elsewhere(tmp_path, monkeypatch,
                                                                                                 capsys):
    said = {*ELSEWHERE, *set_up_without_the_course(tmp_path, monkeypatch)}
    monkeypatch.undo()
    for produce in PRODUCERS:
        (tmp_path / produce.__name__).mkdir()
        said |= set(produce(tmp_path / produce.__name__))
    said |= set(answers(tmp_path, capsys))
    assert [line for line in SHOWN if line not in said] == []
    assert ELSEWHERE.keys() <= set(SHOWN)
