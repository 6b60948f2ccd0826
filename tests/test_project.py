"""The files around the course agree with each other."""

import json
import re
import tomllib

import colab
import diagram
import nbformat
import pytest
import yaml
from execute import ROOT, notebooks
from stamp import UNKNOWN_ARCHIVE

import moe_tutorial

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))


def test_every_requirement_is_pinned_and_locked_to_the_same_version():
    locked = pins("constraints.txt")
    for name in ("requirements.txt", "requirements-test.txt"):
        for package, version in pins(name).items():
            assert locked[package] == version


def test_the_lock_knows_no_local_build():
    assert not re.search(r"\+cpu|@ file|^-e|://", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)


def test_the_package_asks_for_lower_bounds_only_and_the_book_satisfies_them():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = pins("constraints.txt")
    for requirement in project["dependencies"]:
        package, bound = re.fullmatch(r"([a-z]+)>=([\d.]+)", requirement).groups()
        as_numbers = [tuple(map(int, v.split(".")[:2])) for v in (bound, locked[package])]
        assert as_numbers[0] <= as_numbers[1]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_pin_actions_by_hash_and_ask_for_little(workflow):
    text = workflow.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)", text)
    for job in yaml.safe_load(text)["jobs"].values():
        # A job that may write runs nothing that was installed, and no code of a pull request.
        if "write" in job.get("permissions", {}).values():
            commands = " ".join(step.get("run", "") for step in job["steps"])
            assert not re.search(r"\b(make|pip|python|bash)\b", commands) and "checkout" not in str(job)
        assert job["timeout-minutes"] <= 90
    assert used and all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action) for action in used)
    assert re.search(r"^permissions:\n  contents: read$", text, re.M)
    assert "secrets." not in text


def test_ci_runs_the_command_of_the_readme():
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^MOE_BROWSER_REQUIRED=1 make (book )?test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)


def test_package_book_citation_and_changelog_have_one_version():
    version = moe_tutorial.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert f'\nversion: {version}\n' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"<p>Version {version}. " in (ROOT / "_config.yml").read_text(encoding="utf-8")
    changes = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert changes[changes[0] == "Not released yet"] == version


def test_every_notebook_has_the_same_set_up_cell_before_it_needs_the_package():
    cells = {}
    for path in notebooks():
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert code[0].id == "setup" and "remove-cell" in code[0].metadata["tags"], path.name
        cells[code[0].source] = path.name
    assert len(cells) == 1
    assert next(iter(cells)).count(UNKNOWN_ARCHIVE) == 1


def test_what_the_emulation_of_colab_says_when_a_cell_prints_something_else():
    stored = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)", outputs=[printed("1\n")])])
    assert colab.differences(stored, stored) == []
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)", outputs=[printed("2\n")])])
    assert colab.differences(new, stored) == [("print(1)", ["2\n"], ["1\n"])]


def printed(text):
    return nbformat.v4.new_output("stream", text=text)


def test_dependencies_are_kept_up_to_date_and_old_holes_can_be_reported():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions"}
    assert "private" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_command_of_a_workflow_is_one_of_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for workflow in WORKFLOWS:
        for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                for command in re.findall(r"^make (.+)$", step.get("run", ""), re.M):
                    words = re.sub(r'="[^"]*"', "=", command).split()
                    assert {word for word in words if "=" not in word} <= targets, command


SCRIPTS = [path for place in ("moe_tutorial/interactive", "book/_static") for ending in ("js", "d.ts")
           for path in sorted((ROOT / place).glob(f"*.{ending}"))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_line_of_a_script_is_longer_than_those_of_python(script):
    assert max(map(len, script.read_text(encoding="utf-8").splitlines())) <= 125


def test_what_checks_the_scripts_is_pinned_and_names_no_registry():
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(re.fullmatch(r"[\d.]+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not any("resolved" in package for package in locked.values())


def test_the_page_of_notation_shows_the_diagram_that_the_package_draws():
    picture = moe_tutorial.plots.model_diagram()
    assert diagram.PATH.read_text(encoding="utf-8") == picture.svg() + "\n", "run scripts/diagram.py"
    notation = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    assert f"{{figure}} _static/{diagram.PATH.name}\n:alt: {picture}\n" in notation
