"""The gate explorer in a real browser, without a kernel and without a network, held to the package; and its widgets."""

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import gate_line, gate_scores, mixing_proportions, plots, vowel_task
from moe_tutorial.interactive import GateExplorer

CASES = vowel_task().train
WEIGHT = torch.tensor([[-12.0, 4.0], [0.0, 0.0], [6.0, 0.0]], dtype=torch.float64)
BIAS = torch.tensor([0.0, 0.0, -4.8], dtype=torch.float64)


@pytest.fixture
def explorer():
    return GateExplorer(CASES, WEIGHT, BIAS)


def proportions(weight=WEIGHT, bias=BIAS, temperature=1.0, point=(0.5, 2.0)):
    point = torch.tensor([point], dtype=torch.float64)
    return mixing_proportions(gate_scores(point, weight / temperature, bias / temperature))[0]


def drawn_proportions(page):
    """The bars as they are drawn: their widths as fractions of the width of a bar for 1, and the numbers beside them."""
    widths = page.locator("rect[data-row=p]").evaluate_all("bars => bars.map(bar => Number(bar.getAttribute('width')))")
    numbers = page.locator("rect[data-row=p] + text").all_text_contents()
    assert numbers == [f"{width / 248:.3f}" for width in widths]
    return torch.tensor(widths, dtype=torch.float64) / 248


def drawn_lines(page, kind):
    """The ends of the drawn lines in kHz, by the pair of experts."""
    lines = page.locator(f"line.{kind}").evaluate_all(
        "lines => lines.map(l => [l.dataset.pair, ...['x1', 'y1', 'x2', 'y2'].map(n => Number(l.getAttribute(n)))])")
    f1 = lambda u: 0.1 + (u - 42) / 310 * 1.3  # noqa: E731
    f2 = lambda v: 0.5 + (290 - v) / 282 * 3.3  # noqa: E731
    return {pair: torch.tensor([[f1(x1), f2(y1)], [f1(x2), f2(y2)]], dtype=torch.float64) for pair, x1, y1, x2, y2 in lines}


def assert_drawing(page, weight, bias, temperature=1.0, point=(0.5, 2.0)):
    assert_close(drawn_proportions(page), proportions(weight, bias, temperature, point), rtol=0, atol=1e-9)
    for kind in ("moe-line", "moe-border"):
        for pair, ends in drawn_lines(page, kind).items():
            i, j = map(int, pair.split())
            p = mixing_proportions(gate_scores(ends, weight / temperature, bias / temperature))
            assert_close(p[:, i], p[:, j], rtol=0, atol=1e-9)
            if kind == "moe-border":
                assert_close(p[:, i], p.max(-1).values, rtol=0, atol=1e-9)


def set_slider(page, name, value):
    page.locator(f"input[name={name}]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", str(value))


def test_it_begins_with_the_gate_it_was_given(shown, explorer):
    page, wrong = shown(explorer)
    assert_drawing(page, WEIGHT, BIAS)
    assert set(drawn_lines(page, "moe-line")) == {"0 1", "0 2", "1 2"} == set(drawn_lines(page, "moe-border"))
    # The three borders meet where all have one third.
    middle = torch.tensor([0.8, 2.4], dtype=torch.float64)
    assert all((ends - middle).norm(dim=-1).min() < 1e-9 for ends in drawn_lines(page, "moe-border").values())
    assert page.locator("circle[r='2.6']").count() == page.locator("path[d*='l3 5.4h-6z']").count() == 200
    assert wrong == []


def test_the_keyboard_moves_every_control(shown, explorer):
    page, wrong = shown(explorer)
    weight, bias = WEIGHT.clone(), BIAS.clone()
    for name, place in (("weight-f1", (0, 0)), ("weight-f2", (0, 1))):
        page.locator(f"input[name={name}]").focus()
        page.keyboard.press("ArrowRight")
        weight[place] += 0.1
        assert_drawing(page, weight, bias)
    page.get_by_label("bias").press("ArrowLeft")
    bias[0] -= 0.1
    assert_drawing(page, weight, bias)
    page.get_by_label("Move expert").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert [page.locator(f"input[name={n}]").input_value() for n in ("weight-f1", "weight-f2", "bias")] == ["6", "0", "-4.8"]
    page.get_by_label("weight of F2").press("End")
    weight[2, 1] = 20.0
    assert_drawing(page, weight, bias)
    page.get_by_label("temperature").press("Home")
    assert_drawing(page, weight, bias, 0.1)
    page.get_by_label("F1 (kHz)").press("ArrowRight")
    page.get_by_label("F2 (kHz)").press("PageDown")
    point = [float(page.locator(f"input[name=point-f{axis}]").input_value()) for axis in (1, 2)]
    assert point[0] == 0.51 and point[1] < 1.9
    assert_drawing(page, weight, bias, 0.1, point)
    page.get_by_role("button", name="Start again").press("Enter")
    assert_drawing(page, WEIGHT, BIAS)
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_point_is_dragged(shown, explorer, width):
    page, wrong = shown(explorer, viewport={"width": width, "height": 900}, has_touch=width == 390)
    box = page.locator("svg.moe-drawing").first.bounding_box()
    at = lambda f1, f2: (box["x"] + (42 + (f1 - 0.1) / 1.3 * 310) * box["width"] / 360,  # noqa: E731
                         box["y"] + (290 - (f2 - 0.5) / 3.3 * 282) * box["width"] / 360)
    page.mouse.move(*at(0.5, 2.0))
    page.mouse.down()
    page.mouse.move(*at(0.9, 1.5), steps=4)
    page.mouse.up()
    page.mouse.move(*at(0.3, 3.0))  # released: nothing follows
    point = [float(page.locator(f"input[name=point-f{axis}]").input_value()) for axis in (1, 2)]
    assert point == pytest.approx([0.9, 1.5], abs=0.011)
    assert_drawing(page, WEIGHT, BIAS, 1.0, point)
    page.mouse.move(*at(*point))
    page.mouse.down()
    page.mouse.move(*at(3.0, 1.0), steps=4)  # out of the plane: the point stays at its edge
    assert page.locator("input[name=point-f1]").input_value() == "1.4"
    assert wrong == []


def test_the_ground_has_the_colours_of_the_proportions(shown, explorer):
    page, wrong = shown(explorer)
    set_slider(page, "temperature", 0.5)
    page.wait_for_timeout(200)
    pixels = page.evaluate("""async () => {
        const image = new Image();
        image.src = document.querySelector('svg.moe-drawing image').getAttribute('href');
        await image.decode();
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [image.width, image.height];
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        return [...context.getImageData(0, 0, image.width, image.height).data];
    }""")
    steps = 80
    pixels = torch.tensor(pixels, dtype=torch.float64).reshape(steps, steps, 4)[..., :3]
    f1 = 0.1 + (torch.arange(steps) + 0.5) / steps * 1.3
    f2 = 3.8 - (torch.arange(steps) + 0.5) / steps * 3.3
    points = torch.stack(torch.meshgrid(f2, f1, indexing="ij")[::-1], dim=-1).reshape(-1, 2).double()
    p = mixing_proportions(gate_scores(points, WEIGHT / 10**0.5, BIAS / 10**0.5))
    colours = torch.tensor([[int(c[at:at + 2], 16) for at in (1, 3, 5)] for c in plots.EXPERT_COLOURS[:3]])
    wanted = p @ (0.25 * colours + 0.75 * 255).double()
    assert (pixels.reshape(-1, 3) - wanted).abs().max() <= 1
    assert wrong == []


def test_a_line_outside_the_plane_is_not_drawn_and_a_hidden_border_neither(shown):
    gate = torch.tensor([[4.0, 0.0], [0.0, 0.0], [0.0, 0.0]], dtype=torch.float64), torch.tensor([-2.0, 0.0, 8.0]).double()
    page, wrong = shown(GateExplorer(CASES, *gate))
    line = drawn_lines(page, "moe-line")
    assert set(line) == {"0 1"} and drawn_lines(page, "moe-border") == {}  # expert 2 has the largest share everywhere
    normal, offset = gate_line(*gate, 0, 1)
    assert_close(line["0 1"] @ normal, -offset.expand(2), rtol=0, atol=1e-9)
    assert wrong == []


def test_bad_gates_are_refused():
    with pytest.raises(ValueError, match=r"above 20.*got 69"):
        GateExplorer(CASES, WEIGHT * 5.75, BIAS)
    with pytest.raises(ValueError, match=r"wanted \(K, 2\) with at most 8"):
        GateExplorer(CASES, torch.zeros(9, 2).double(), torch.zeros(9).double())
    with pytest.raises(ValueError, match="F2 must be from 0.5 to 3.8 kHz, got 20"):
        GateExplorer(CASES, WEIGHT, BIAS, point=(0.5, 20))


def test_the_widgets_compute_with_the_package(explorer):
    box = explorer.widgets()
    expert, f1_weight, f2_weight, bias, temperature, f1, f2, shown = box.children
    said = plots.proportions(proportions()[None], ["F1 0.50, F2 2.00 kHz"]).description
    assert said in shown.value and explorer.still().description.split(":")[0] in shown.value
    expert.value = 2
    assert (f1_weight.value, f2_weight.value, bias.value) == (6.0, 0.0, -4.8)
    assert said in shown.value, "choosing an expert changes no weight"
    f1_weight.value, temperature.value, f1.value = -7.5, 2.0, 0.8
    weight = WEIGHT.clone()
    weight[2, 0] = -7.5
    now = proportions(weight, BIAS, 2.0, (0.8, 2.0))[None]
    assert plots.proportions(now, ["F1 0.80, F2 2.00 kHz"]).description in shown.value
    assert torch.equal(explorer.weight, WEIGHT), "the explorer keeps the gate it was given"
