"""What holds for every interactive: two faces, one of them for pages, light, and of use without script and in print."""

import functools
import gzip
import os
import subprocess
import sys

import nbformat
import pytest
import torch
from execute import ROOT, notebooks
from jupyter_client.manager import start_new_kernel

from moe_tutorial import vowel_task
from moe_tutorial.interactive import (
    EMStepByStep,
    GateExplorer,
    GrowATree,
    LossExplorer,
    Prices,
    SortingOffice,
    TrainingPlayer,
    TrainItYourself,
    WhichExpert,
)

TASK = vowel_task()
COLAB = ROOT / ".venv" / "colab"

MAKE = {
    "GateExplorer": lambda: GateExplorer(TASK.train, TASK.train.x[:3], TASK.train.x[:3, 0]),
    "LossExplorer": lambda: LossExplorer(1, [0.9, 0.5, 1.6, -0.5, 5.0], [0.4, 0.25, 0.15, 0.1, 0.1]),
    "TrainingPlayer": lambda: TrainingPlayer(TASK, losses=["cooperative"], experts=[2, 8], seeds=[3]),
    "TrainItYourself": lambda: TrainItYourself(),
    "EMStepByStep": lambda: EMStepByStep(),
    "GrowATree": lambda: GrowATree(seed=0),
    "SortingOffice": lambda: SortingOffice(),
    "WhichExpert": lambda: WhichExpert(),
    "Prices": lambda: Prices(torch.linspace(0, 9, 32).sin().reshape(8, 4)),
}

# What the controls show, what is drawn, and what the script says that it is.
STATE = """() => ({
    controls: [...document.querySelectorAll(".moe-live :is(input, select)")].map((control) => [control.name, control.value]),
    beside: [...document.querySelectorAll(".moe-live output")].map((output) => output.textContent),
    drawn: document.querySelector(".moe-interactive").drawn(),
    said: [...document.querySelectorAll(".moe-live svg[role=img]")].map((drawing) => drawing.getAttribute("aria-label")),
})"""

# Every control to its end, as a reader does it.
MOVE = """() => {
    for (const control of document.querySelectorAll(".moe-live :is(input, select)")) {
        control.value = control.tagName === "SELECT" ? control.options[control.options.length - 1].value : control.max;
        for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind, {bubbles: true}));
    }
}"""

every_interactive = pytest.mark.parametrize("kind", MAKE)


@functools.cache
def made(kind):
    return MAKE[kind]()


@every_interactive
def test_the_page_face_is_the_same_each_time_and_asks_for_nothing(kind):
    html = made(kind).html()
    assert html == MAKE[kind]().html()
    for namespace in ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"):
        html = html.replace(namespace, "")
    for address in ("http:", "https:", "//cdn", "import(", "fetch("):
        assert address not in html, address


@every_interactive
def test_without_script_and_in_print_there_are_a_picture_and_a_sentence(shown, kind):
    interactive = made(kind)
    for context in ({"java_script_enabled": False}, {}):
        page, wrong = shown(interactive, **context)
        if not context:
            assert page.locator(".moe-live").is_visible() and not page.locator(".moe-still").is_visible()
            page.emulate_media(media="print")
        assert not page.locator(".moe-live").is_visible()
        picture = page.locator(".moe-still img")
        assert picture.is_visible() and len(picture.get_attribute("alt")) > 60
        said = page.locator(".moe-still figcaption").inner_text()
        assert said.endswith(interactive.invitation) and "script" in said
        assert wrong == []


@every_interactive
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_controls_have_names_and_nothing_is_cut_off(shown, kind, width):
    page, wrong = shown(made(kind), viewport={"width": width, "height": 900})
    for _ in range(2):
        assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        page.evaluate(MOVE)
    controls = page.locator(".moe-live").locator("input, select, button")
    assert controls.count() > 3
    for control in controls.all():
        name = control.evaluate("e => e.tagName === 'BUTTON' ? e.textContent : [...e.labels].map(l => l.textContent).join()")
        assert name.strip(), control.evaluate("e => e.outerHTML")
        box = control.bounding_box()
        assert box is None or (box["height"] >= 24 and box["x"] >= 0 and box["x"] + box["width"] <= width)
    smallest = 10.5 if width > 320 else 9.5  # 320 px are a screen at 400 %
    small = page.locator(".moe-live svg text").evaluate_all("""(texts, least) => texts.filter(text => {
        const {a, b} = text.getScreenCTM();
        return text.getBoundingClientRect().width && parseFloat(getComputedStyle(text).fontSize) * Math.hypot(a, b) < least;
    }).map(text => text.textContent)""", smallest)
    assert small == [], "letters too small to read"
    assert wrong == []


@every_interactive
def test_who_comes_back_or_loads_anew_sees_controls_that_say_what_is_drawn(shown, kind):
    """Back without the cache of pages, which is off here: Chromium would fill the fields anew, without an event."""
    page, wrong = shown(made(kind))
    fresh = page.evaluate(STATE)
    for again in (lambda: (page.goto("about:blank"), page.go_back(), page.wait_for_timeout(50)), page.reload):
        page.evaluate(MOVE)
        moved = page.evaluate(STATE)
        assert all(before != after for before, after in zip(fresh["controls"], moved["controls"]))
        again()
        assert page.evaluate(STATE) == fresh
    page.evaluate("""() => {
        for (const control of document.querySelectorAll(".moe-live :is(input, select)")) control.value = control.max || "";
        dispatchEvent(new Event("pageshow"));
    }""")
    assert page.evaluate(STATE) == fresh, "another browser may fill the fields although they ask it not to"
    assert wrong == []


@every_interactive
def test_two_of_a_kind_on_a_page_share_no_id_and_move_alone(shown, kind):
    class Twice:
        name = "twice"

        def html(self):
            return made(kind).html() * 2

    page, wrong = shown(Twice())
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids)) >= 2
    own = page.locator("[clip-path]").evaluate_all("""parts => parts.map((part) => {
        const clip = document.querySelector(part.getAttribute("clip-path").slice(4, -1));
        return clip.matches("clipPath") && clip.closest(".moe-interactive") === part.closest(".moe-interactive");
    })""")
    clips = {"GateExplorer": 2, "LossExplorer": 0, "TrainingPlayer": 4, "TrainItYourself": 2, "EMStepByStep": 4,
             "GrowATree": 2, "SortingOffice": 2, "Prices": 2, "WhichExpert": 0}
    assert all(own) and len(own) == clips[kind]
    drawn = lambda: page.locator(".moe-interactive").evaluate_all("all => all.map((one) => one.drawn())")  # noqa: E731
    first, second = drawn()
    assert first == second
    page.locator(".moe-interactive").nth(1).get_by_role("combobox").first.press("End")
    page.locator(".moe-interactive").nth(1).locator("input").first.press("End")
    assert drawn()[0] == first and drawn()[1] != first
    assert wrong == []


def test_a_script_that_fails_leaves_the_picture(shown):
    class Broken(GateExplorer):
        def data(self):
            return {**super().data(), "weight": None}

    page, wrong = shown(Broken(TASK.train, TASK.train.x[:3], TASK.train.x[:3, 0]))
    assert page.locator(".moe-still").is_visible() and not page.locator(".moe-live").is_visible()
    assert len(wrong) == 1


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_carries_no_more_than_60_kilobytes_of_interactives(path):
    notebook = nbformat.read(path, as_version=4)
    faces = [output.data["text/html"] for cell in notebook.cells for output in cell.get("outputs", [])
             if "moe-interactive" in output.get("data", {}).get("text/html", "")]
    assert sum(len(gzip.compress(face.encode())) for face in faces) <= 60_000


@pytest.fixture(scope="module", params=["8.1.9", "7.7.1"])
def kernel(request):
    """A kernel with this version of ipywidgets."""
    environment = dict(os.environ, PYTHONWARNINGS="ignore", PYTHONPATH=str(COLAB) if request.param == "7.7.1" else "")
    manager, client = start_new_kernel(kernel_name="python3", env=environment, extra_arguments=["--log-level=ERROR"])
    yield request.param, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_somebody_at_a_kernel_gets_widgets_and_a_program_the_page_face(kernel):
    version, client = kernel
    code = "\n".join([
        "import ipywidgets, torch",
        "from moe_tutorial import interactive, vowel_task",
        f"assert ipywidgets.__version__ == {version!r}, ipywidgets.__version__",
        "x = vowel_task().train",
        "interactive.GateExplorer(x, x.x[:3], x.x[:3, 0])"])
    for somebody in (True, False):
        seen = []
        client.execute_interactive(code, allow_stdin=somebody, timeout=60, output_hook=seen.append)
        assert not [m["content"] for m in seen if m["msg_type"] == "error"]
        data = next(m["content"]["data"] for m in seen if m["msg_type"] == "execute_result")
        opened = {m["content"]["comm_id"]: m["content"]["data"]["state"] for m in seen if m["msg_type"] == "comm_open"}
        assert "moe-interactive" in data["text/html"] and data["text/plain"].startswith("Gate explorer.")
        view = data.get("application/vnd.jupyter.widget-view+json")
        if somebody:
            assert opened[view["model_id"]]["_model_name"] == "VBoxModel"
        else:
            assert view is None and not opened


def test_the_widgets_of_every_interactive_work_with_the_ipywidgets_of_colab():
    """The tests of the widgets once more, with the older ipywidgets before the other packages."""
    code = "import ipywidgets, pytest, sys; assert ipywidgets.__version__ == '7.7.1'; sys.exit(pytest.main(sys.argv[1:]))"
    files = [ROOT / "tests" / f"test_{made(kind).name.replace('-', '_')}.py" for kind in MAKE]
    options = ["-q", "-k", "widgets_compute", "-W", "ignore", "-p", "no:cacheprovider"]
    done = subprocess.run([sys.executable, "-c", code, *options, *files], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(COLAB)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(MAKE)} passed" in done.stdout
