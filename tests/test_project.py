"""The files around the course agree with each other."""

import re
import tomllib

import pytest
from execute import ROOT


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


@pytest.mark.parametrize("workflow", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem)
def test_workflows_pin_actions_by_hash_and_ask_for_little(workflow):
    text = workflow.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)", text)
    assert used and all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action) for action in used)
    assert re.search(r"^permissions:\n  contents: read$", text, re.M)
    assert "secrets." not in text


def test_ci_runs_the_command_of_the_readme():
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^MOE_BROWSER_REQUIRED=1 make (book )?test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)


def test_the_package_and_the_citation_have_one_version():
    import moe_tutorial

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r'^version: "?([^"\n]+)', citation, re.M)[1] == moe_tutorial.__version__
