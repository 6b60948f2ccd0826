"""The loss explorer in a real browser, without a kernel and without a network, held to `losses`; and its widgets."""

import html
import math
import re

import pytest
import torch
from matplotlib.patches import Polygon
from torch.testing import assert_close

from moe_tutorial import losses
from moe_tutorial.interactive import LossExplorer

D, OUTPUTS, P = 1.0, [0.9, 0.5, 1.6, -0.5, 5.0], [0.4, 0.25, 0.15, 0.1, 0.1]
VARIANCES = [float(f"{0.04 * 625 ** (step / 40):.2g}") for step in range(41)]
EQUATIONS = ("eq. 1.1", "eq. 1.2", "eq. 1.3")
BAR = 248  # the width of a bar for 1

# What is drawn and written, read from the page: the arrows' heads as they lie on the screen, in the panel's own width.
READ = """() => {
    const all = (selector, from = document) => [...from.querySelectorAll(selector)];
    const number = (element, name) => parseFloat(element.getAttribute(name));
    const panels = all("svg[data-loss]").map((panel) => {
        const whole = panel.getBoundingClientRect();
        return {
            name: panel.dataset.loss, said: panel.getAttribute("aria-label"), width: whole.width,
            error: panel.querySelector("[data-error]").textContent,
            hardest: panel.querySelector("[data-hardest]").textContent,
            lines: all("[data-line]", panel).map((line) => [line.dataset.line, number(line, "x1"), number(line, "x2")]),
            rows: all("[data-tick]", panel).map((tick, k) => {
                const part = (name) => panel.querySelector(`[data-${name}="${k}"]`);
                const head = part("head").getBoundingClientRect();
                return {
                    tick: [number(tick, "x1"), number(tick, "x2")], force: part("force").textContent,
                    shaft: [number(part("arrow"), "x1"), number(part("arrow"), "x2")],
                    head: [head.left, head.right].map((edge) => 100 * (edge - whole.left) / whole.width),
                    seen: [part("arrow"), part("head")].map((e) => getComputedStyle(e).visibility),
                    marked: number(part("back"), "fill-opacity"),
                };
            }),
        };
    });
    const place = (element) => element.getAttribute("transform").match(/-?\\d[-\\d.e]*/g).map(Number);
    return {
        panels,
        bars: ["p", "h"].map((row) => all(`rect[data-row=${row}]`).map((bar) =>
            [number(bar, "width"), bar.nextElementSibling.textContent])),
        grips: all("[data-grip]").map(place),
        marks: Object.fromEntries(all("[data-mark]").map((mark) => [mark.dataset.mark, place(mark)[0]])),
        experts: all("g[data-expert]").map(place),
        table: all(".moe-live table tr").map((row) => all("th, td", row).map((cell) => cell.textContent)),
        beside: Object.fromEntries(all(".moe-slider").map((label) =>
            [label.querySelector("input").name, label.querySelector("output").textContent])),
    };
}"""


def explorer(**changed):
    return LossExplorer(**{"d": D, "o": OUTPUTS, "p": P, **changed})


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def case(d, o, p):
    return tensor([[d]]), tensor(o)[None, :, None], tensor(p)[None]


def wanted(d, o, p, variance):
    """By equation E and the forces, and h, with the package."""
    c = case(d, o, p)
    found = [(losses.cooperative_error(*c), losses.cooperative_error_gradient(*c)),
             (losses.expected_error(*c), losses.expected_error_gradient(*c)),
             (losses.mixture_nll(*c, variance), losses.mixture_nll_gradient(*c, variance))]
    return ([(error.item(), (-gradient).flatten().tolist()) for error, gradient in found],
            losses.responsibilities(*c, variance)[0].tolist())


def number(text):
    """What a number on the page says; it has three decimals and a proper minus sign."""
    assert re.fullmatch(r"[+−]?\d+\.\d{3}", text) and text not in ("−0.000", "+0.000"), text
    return float(text.replace("−", "-"))


def rounded(value):
    return pytest.approx(value, abs=0.000501)


def mixed(p, expert, value):
    """The rule for the other proportions, in plain numbers."""
    others = sum(share for k, share in enumerate(p) if k != expert)
    return [value if k == expert else share / others * (1 - value) if others else (1 - value) / (len(p) - 1)
            for k, share in enumerate(p)]


def assert_shown(page, d=D, o=OUTPUTS, p=P, variance=1.0, expert=0):
    """Hold everything that is drawn and written to `losses` for this case."""
    drawn, (found, h) = page.evaluate(READ), wanted(d, o, p, variance)
    y = sum(share * value for share, value in zip(p, o))
    assert [number(v) for v in drawn["beside"].values()] == [rounded(v) for v in (o[expert], p[expert], d, variance)]
    assert page.get_by_label("Move expert").input_value() == str(expert)

    line = lambda value: pytest.approx(20 + (value + 2) * 40, abs=1e-6)  # noqa: E731
    assert drawn["marks"] == {"y": line(y), "d": line(d)}
    assert [x for x, _ in drawn["experts"]] == [line(value) for value in o]
    assert len({height for _, height in drawn["experts"]}) == len(o), "each expert has a height of its own"

    for bars, values in zip(drawn["bars"], (p, h)):
        assert [width / BAR for width, _ in bars] == pytest.approx(values, abs=1e-9)
        assert [number(text) for _, text in bars] == [rounded(v) for v in values]
    assert [x for x, _ in drawn["grips"]] == pytest.approx([62 + BAR * share for share in p], abs=1e-6)

    head, *rows, last = drawn["table"]
    assert head == ["expert", "o", "p", "h", "1.1", "1.2", "1.3"]
    for k, (name, *cells) in enumerate(rows):
        assert name == str(k)
        assert [number(cell) for cell in cells] == [
            rounded(v) for v in (o[k], p[k], h[k], *(pushes[k] for _, pushes in found))]
    assert len(rows) == len(o) and last[0] == "E"
    assert [number(cell) for cell in last[1:]] == [rounded(error) for error, _ in found]

    across = lambda value: 24 + (value + 2) / 8 * 52  # noqa: E731
    for panel, name, (error, pushes) in zip(drawn["panels"], EQUATIONS, found, strict=True):
        assert panel["name"] == name and number(panel["error"].removeprefix("E = ")) == rounded(error)
        lines = [("d", d), ("y", y)] if name == "eq. 1.1" else [("d", d)]
        for (kind, *ends), (mark, value) in zip(panel["lines"], lines, strict=True):
            assert kind == mark and ends == pytest.approx([across(value)] * 2, abs=1e-3)
        largest = max(map(abs, pushes))
        hardest = [k for k in range(len(o)) if f"{abs(pushes[k]):.3f}" == f"{largest:.3f}" != "0.000"]
        for k, (row, push) in enumerate(zip(panel["rows"], pushes, strict=True)):
            assert number(row["force"]) == rounded(push) and (push < 0.0005 or row["force"][0] == "+")
            assert row["tick"] == pytest.approx([across(o[k])] * 2, abs=1e-3)
            assert row["marked"] == (k in hardest)
            if number(row["force"]) == 0:
                assert row["seen"] == ["hidden"] * 2
                continue
            assert row["seen"] == ["visible"] * 2
            end = across(o[k]) + 20 * push / largest
            way = 1 if push > 0 else -1
            tip, base = row["head"][::-way]
            assert tip == pytest.approx(end, abs=0.1), "the head's tip is where the arrow ends"
            assert (tip - base) * way > 0 and (base - across(o[k])) * way > -1.2, "the head does not reach behind"
            begin, stop = row["shaft"]
            assert begin == pytest.approx(across(o[k]), abs=1e-3) and (stop - begin) * way >= 0 and (end - stop) * way >= 0
        if len(hardest) == 1:
            way = "right" if pushes[hardest[0]] > 0 else "left"
            assert panel["hardest"] == f"hardest: expert {hardest[0]}, to the {way}"
            said = f"{largest:.3f} to the {way}, hardest"
            assert f"Expert {hardest[0]} at {o[hardest[0]]:.3f}: ".replace("-", "−") in panel["said"]
            assert panel["said"].count("hardest") == 1 and said in panel["said"]


def press(page, name, *keys):
    for key in keys:
        page.locator(f"input[name={name}]").press(key)
    return float(page.locator(f"input[name={name}]").input_value())


def test_it_begins_with_the_case_it_was_given(shown):
    page, wrong = shown(explorer())
    assert_shown(page)
    assert wrong == []


def test_values_between_the_sliders_steps_are_kept(shown):
    o, p = [1 / 3, -1.234, 5.678], [1 / 3, 1 / 6, 1 / 2]
    page, wrong = shown(LossExplorer(0.777, o, p, variance=0.123))
    assert_shown(page, 0.777, o, p, 0.123)
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_keyboard_moves_every_control(shown, width):
    page, wrong = shown(explorer(), viewport={"width": width, "height": 900})
    o, p, d = list(OUTPUTS), list(P), D
    press(page, "output", "ArrowRight")
    o[0] = 0.95
    assert_shown(page, d, o, p)
    page.get_by_label("Move expert").press("ArrowDown")
    page.get_by_label("Move expert").press("ArrowDown")
    assert_shown(page, d, o, p, expert=2)
    o[2] = press(page, "output", "Home")
    assert o[2] == -2.0
    assert_shown(page, d, o, p, expert=2)
    p = mixed(p, 2, press(page, "proportion", "ArrowRight"))
    assert p[2] == 0.16
    assert_shown(page, d, o, p, expert=2)
    d = press(page, "desired", "PageDown", "ArrowLeft")
    assert d < 0.5
    assert_shown(page, d, o, p, expert=2)
    variance = VARIANCES[int(press(page, "variance", "ArrowLeft", "ArrowLeft"))]
    assert variance == 0.72
    assert_shown(page, d, o, p, variance, 2)
    for key, end in (("Home", 0.04), ("End", 25.0)):
        press(page, "variance", key)
        assert_shown(page, d, o, p, end, 2)
    page.get_by_role("button", name="Equal proportions").press("Enter")
    assert_shown(page, d, o, [0.2] * 5, 25.0, 2)
    page.get_by_role("button", name="Start again").press("Enter")
    assert_shown(page)
    assert wrong == []


def test_a_proportion_of_1_leaves_0_and_then_equal_shares(shown):
    page, wrong = shown(explorer())
    press(page, "variance", "Home")
    press(page, "proportion", "End")
    # A proportion of 0 has a finite logarithm, as in the package; expert 3 is right and has nothing.
    assert_shown(page, p=[1.0, 0, 0, 0, 0], variance=0.04)
    press(page, "desired", "End")
    assert_shown(page, d=6.0, p=[1.0, 0, 0, 0, 0], variance=0.04)
    press(page, "proportion", "ArrowLeft")
    assert_shown(page, d=6.0, p=[0.99] + [0.0025] * 4, variance=0.04)
    assert wrong == []


def test_experts_that_are_pushed_alike_or_not_at_all(shown):
    page, wrong = shown(LossExplorer(6, [6, 6, -2, -2, 5, 5, 1, 1], variance=0.05))
    assert_shown(page, 6.0, [6.0, 6.0, -2.0, -2.0, 5.0, 5.0, 1.0, 1.0], [0.125] * 8, 0.05)
    hardest = page.locator("[data-hardest]").all_text_contents()
    assert hardest == ["all alike, to the right", "hardest: 2 →, 3 →", "no expert is pushed"]
    page, wrong = shown(LossExplorer(2, [1, 3]))
    assert page.locator("[data-hardest]").all_text_contents() == [
        "no expert is pushed", "hardest: 0 →, 1 ←", "hardest: 0 →, 1 ←"]
    page, wrong = shown(LossExplorer(2, [1, 1, 1, 1, 1, 2]))
    assert page.locator("[data-hardest]").all_text_contents() == [
        "all alike, to the right", *["hardest: 5 experts alike"] * 2]
    assert wrong == []


def drag(page, begin, end):
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    page.mouse.move(end[0] + 60, end[1])  # released: nothing follows


@pytest.mark.parametrize("width", [1280, 390])
def test_marks_and_bars_are_dragged(shown, width):
    page, wrong = shown(explorer(), viewport={"width": width, "height": 900}, has_touch=width == 390)
    o, d = list(OUTPUTS), D
    line, chart = (page.locator("svg.moe-drawing").nth(at).bounding_box() for at in (0, 1))

    def on_line(value, height):
        return line["x"] + (20 + (value + 2) * 40) * line["width"] / 360, line["y"] + height * line["width"] / 360

    drag(page, on_line(5.0, 36 + 4 * 24), on_line(3.26, 20))
    o[4] = 3.25
    assert_shown(page, d, o, expert=4)
    drag(page, on_line(1.0, 13), on_line(-1.51, 30))
    d = -1.5
    assert_shown(page, d, o, expert=4)
    drag(page, on_line(0.5, 36 + 24), (2, line["y"] + 50))  # out of the drawing: the expert stays at the end of the line
    o[1] = -2.0
    assert_shown(page, d, o, expert=1)

    def on_bar(share, expert):
        scale = chart["width"] / 360
        return chart["x"] + (62 + BAR * share) * scale, chart["y"] + (4 + expert * 50 + 11) * scale

    drag(page, on_bar(0.15, 2), on_bar(0.602, 2))
    p = mixed(P, 2, 0.6)
    assert_shown(page, d, o, p, expert=2)
    drag(page, on_bar(p[3], 3), (chart["x"] + 5, chart["y"] + 5))
    p = mixed(p, 3, 0.0)
    assert_shown(page, d, o, p, expert=3)
    drag(page, on_bar(p[0], 0), on_bar(1.1, 0))
    assert_shown(page, d, o, [1.0, 0, 0, 0, 0])
    assert wrong == []


@pytest.mark.parametrize("width, columns", [(1280, 3), (390, 1)])
def test_the_losses_stand_side_by_side_or_below_each_other(shown, width, columns):
    page, wrong = shown(explorer(), viewport={"width": width, "height": 900})
    boxes = [panel.bounding_box() for panel in page.locator("svg[data-loss]").all()]
    assert len({box["x"] for box in boxes}) == columns and len({box["y"] for box in boxes}) == 4 - columns
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    texts = page.locator("svg[data-loss] text").evaluate_all("""texts => texts.map(text => {
        const [own, panel] = [text.getBoundingClientRect(), text.closest('[data-loss]').getBoundingClientRect()];
        return own.left >= panel.left && own.right <= panel.right && own.bottom <= panel.bottom;
    })""")
    assert len(texts) > 40 and all(texts), "nothing is cut off"
    assert wrong == []


def test_proportions_and_outputs_may_have_single_precision():
    p = torch.softmax(torch.linspace(-1, 1, 7), 0)
    assert p.double().sum() != 1
    made = LossExplorer(1, torch.linspace(0, 3, 7), p)
    assert_close(made.p, p.double(), rtol=1e-6, atol=0)
    assert_close(made.p.sum().item(), 1.0, rtol=0, atol=1e-15)
    assert "Pushed hardest" in made.still().description and made.widgets().children


def test_bad_cases_are_refused():
    for arguments, said in [
        ((1, [1.0]), "o has 1 outputs, wanted 2 to 8"),
        ((1, [1.0] * 9), "o has 9 outputs, wanted 2 to 8"),
        ((6.5, [1, 2]), "d must be from -2 to 6, got 6.5"),
        ((1, [1, -2.5]), r"o\[1\] must be from -2 to 6, got -2.5"),
        ((1, [1, math.nan]), "o must be finite, got nan"),
        ((1, [1, 2], [1.0]), "p has 1 proportions, wanted 2"),
        ((1, [1, 2], [0.5, 0.6]), "p must sum to 1"),
        ((1, [1, 2], [1.5, -0.5]), "p must not be negative"),
        ((1, [1, 2], None, 0.03), "variance must be from 0.04 to 25, got 0.03"),
        ((1, [1, 2], None, 26), "variance must be from 0.04 to 25, got 26"),
    ]:
        with pytest.raises(ValueError, match=said):
            LossExplorer(*arguments)


def test_the_still_picture_draws_and_says_the_forces():
    found, _ = wanted(D, OUTPUTS, P, 0.5)
    picture = explorer(variance=0.5).still()
    for ax, name, (error, pushes) in zip(picture.figure.axes, EQUATIONS, found, strict=True):
        assert ax.get_title() == f"{name}\nE = {error:.3f}".replace("-", "−")
        heads = {patch.get_gid(): patch.get_xy() for patch in ax.patches if isinstance(patch, Polygon) and patch.get_gid()}
        assert set(heads) == {f"head {k}" for k, push in enumerate(pushes) if abs(push) >= 0.0005}
        largest = max(map(abs, pushes))
        for k, push in enumerate(pushes):
            if f"head {k}" in heads:
                assert heads[f"head {k}"][0] == pytest.approx([OUTPUTS[k] + 4 * push / largest, k])
                way = "right" if push > 0 else "left"
                said = f"expert {k} at {OUTPUTS[k]:.3f}, {abs(push):.3f} to the {way}".replace("-", "−")
                assert said in picture.description
        hardest = max(range(5), key=lambda k: abs(pushes[k]))
        said = picture.description.split(f"{name}, E = ")[1].split("eq.")[0]
        assert f"Pushed hardest: expert {hardest}." in said
    alike = LossExplorer(2, [1.5, 2.5]).still().description
    assert "0.500 to the left. Pushed hardest: expert 0, expert 1. eq. 1.3" in alike


def assert_widgets(shown, d, o, p, variance):
    found, h = wanted(d, o, p, variance)
    assert explorer(d=d, o=o, p=p, variance=variance).still().description in html.unescape(shown.value)
    assert ", ".join(f"{v:.2f}" for v in h) in shown.value
    _, *rows, last = (re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in shown.value.split("<tr>")[1:])
    for k, (name, *cells) in enumerate(rows):
        assert [name, *map(number, cells)] == [
            str(k), *(rounded(v) for v in (o[k], p[k], h[k], *(pushes[k] for _, pushes in found)))]
    assert len(rows) == len(o) and [number(cell) for cell in last[1:]] == [rounded(error) for error, _ in found]


def test_the_widgets_compute_with_the_package(monkeypatch):
    expert, output, share, equal, desired, variance, again, shown = explorer().widgets().children
    o, p = list(OUTPUTS), list(P)
    assert_widgets(shown, D, o, p, 1.0)
    # From here on the pictures' descriptions alone: drawing them takes most of the time.
    monkeypatch.setattr("moe_tutorial.interactive._widgets._image", lambda picture: html.escape(picture.description))
    expert.value = 2
    assert (output.value, share.value) == (1.6, 0.15)
    output.value = o[2] = -1.25
    assert_widgets(shown, D, o, p, 1.0)
    share.value, p = 0.4, mixed(p, 2, 0.4)
    assert_widgets(shown, D, o, p, 1.0)
    desired.value = 4.0
    assert_widgets(shown, 4.0, o, p, 1.0)
    variance.value = 0.25
    assert_widgets(shown, 4.0, o, p, 0.25)
    share.value = 1.0
    assert_widgets(shown, 4.0, o, [0, 0, 1.0, 0, 0], 0.25)
    share.value = 0.7
    assert_widgets(shown, 4.0, o, [0.075, 0.075, 0.7, 0.075, 0.075], 0.25)
    equal.click()
    assert_widgets(shown, 4.0, o, [0.2] * 5, 0.25)
    assert share.value == 0.2
    again.click()
    assert expert.value == 0 and (output.value, share.value) == (0.9, 0.4)
    assert_widgets(shown, D, OUTPUTS, P, 1.0)
