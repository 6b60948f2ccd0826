"""Prices in a real browser, without a kernel and without a network, held to `moe_tutorial.sparse`; and its widgets."""

import html
import re

import pytest
import torch

from moe_tutorial import balanced_assignment, update_bias
from moe_tutorial.interactive import Prices

f64 = torch.float64
# Those of chapter 13: expert 0 is liked best.
SCORES = torch.randn(256, 8, generator=torch.Generator().manual_seed(0), dtype=f64) + torch.linspace(1.5, -1.5, 8, dtype=f64)
UNIT = 1_000_000
RATES = ("0.01", "0.05", "0.2")
RULES = [(rate, wrong) for wrong in (False, True) for rate in RATES]
STEPS = 200

# What is drawn and written, read from the page.
READ = """() => {
    const all = (selector) => [...document.querySelectorAll(".moe-live " + selector)];
    const numbers = (element, ...names) => names.map((name) => Number(element.getAttribute(name)));
    return {
        ...document.querySelector(".moe-interactive").drawn(),
        status: all("[role=status]")[0].textContent,
        rule: all(".moe-rule")[0].textContent,
        bars: all("[data-expert]").map((bar) => numbers(bar, "x", "width", "y")),
        even: numbers(all("[data-even]")[0], "data-even", "x1", "x2"),
        loads: all("[data-load]").map((text) => [text.textContent, ...numbers(text, "x", "y")]),
        prices: all("[data-price]").map((text) => text.textContent),
        base: numbers(all("[data-base]")[0], "y1", "y2"),
        curve: all("[data-curve]")[0].getAttribute("d").slice(1).split("L").map((place) => place.split(" ").map(Number)),
        mark: numbers(all("[data-mark]")[0], "cx", "cy"),
        ticks: all("[data-dual]").map((text) => numbers(text, "data-dual", "y")),
        name: all("[data-name]")[0].textContent,
        said: all("svg[role=img]").map((drawing) => drawing.getAttribute("aria-label")),
        controls: Object.fromEntries(all(":is(input, select)").map((control) => [control.name, control.value])),
        beside: all("output")[0].textContent,
    };
}"""

# Loads, prices and dual of every step, by the slider.
FOLLOW = """() => {
    const slider = document.querySelector("[name=step]"), seen = [];
    for (let step = 0; step <= Number(slider.max); step++) {
        slider.value = step;
        slider.dispatchEvent(new Event("input"));
        const { load, price, dual, above } = document.querySelector(".moe-interactive").drawn();
        seen.push([load, price, dual, above]);
    }
    return seen;
}"""


class Wanted:
    """All steps of a rule with the package, in whole millionths, so that no last bit counts."""

    def __init__(self, scores=SCORES, rate="0.01", wrong=False):
        self.rate, self.wrong = rate, wrong
        scores = (scores.double() * UNIT).round()
        cases, experts = scores.shape
        self.best = scores.gather(1, balanced_assignment(scores)[:, None]).sum().item()
        self.even, bias = cases // experts, torch.zeros(experts, dtype=f64)
        self.loads, self.prices, self.duals = [], [], []
        for _ in range(STEPS + 1):
            load = torch.bincount((scores + bias).argmax(-1), minlength=experts)
            self.loads.append(load.tolist())
            self.prices.append((0 - bias).tolist())
            self.duals.append(((scores + bias).amax(-1).sum() - cases / experts * bias.sum()).item())
            bias = update_bias(bias, load, (-1 if wrong else 1) * float(rate) * UNIT)

    def sentence(self, step):
        low, high = min(self.loads[step]), max(self.loads[step])
        dual, above = self.duals[step], f"{(self.duals[step] - self.best) / UNIT:.2f}"
        said = (f"BASE's score, {self.best / UNIT:.2f}" if dual == self.best else
                f"{dual / UNIT:.2f}, {'less than 0.01' if above == '0.00' else above} above BASE's {self.best / UNIT:.2f}")
        loads = f"every load is {low}" if low == high else f"loads {low} to {high}"
        return f"Step {step}{', wrong sign' if self.wrong else ''}: the dual is {said}; {loads}."


WANTED = {rule: Wanted(SCORES, *rule) for rule in RULES}
FULLEST = max(max(load) for wanted in WANTED.values() for load in wanted.loads)


def choose(page, rate, wrong):
    page.locator("[name=rate]").select_option(label=rate)
    page.locator("[name=sign]").select_option(label="wrong" if wrong else "right")


def go(page, step):
    page.evaluate("""step => {
        const slider = document.querySelector("[name=step]");
        slider.value = step;
        slider.dispatchEvent(new Event("input"));
    }""", step)


def two(value):
    return f"{value / UNIT:.2f}".replace("-", "−")


def assert_shown(page, wanted, step, fullest=FULLEST):
    """Hold everything that is drawn and written to the package."""
    drawn = page.evaluate(READ)
    load, price, dual = wanted.loads[step], wanted.prices[step], wanted.duals[step]
    assert (drawn["step"], drawn["beside"], drawn["controls"]["step"]) == (step, str(step), str(step))
    assert drawn["load"] == load and [round(value * UNIT) for value in drawn["price"]] == price
    assert round(drawn["dual"] * UNIT) == dual and round(drawn["above"] * UNIT) == dual - wanted.best
    assert drawn["status"] == wanted.sentence(step)
    assert drawn["rule"] == f"b ← b {'−' if wanted.wrong else '+'} {wanted.rate} · sign({wanted.even} − load)"

    width = lambda cases: pytest.approx(200 * cases / fullest, abs=1e-6)  # noqa: E731
    assert [(x, w) for x, w, _ in drawn["bars"]] == [(62, width(cases)) for cases in load]
    assert drawn["even"] == [wanted.even, *[pytest.approx(62 + 200 * wanted.even / fullest, abs=1e-6)] * 2]
    assert [text for text, *_ in drawn["loads"]] == [str(cases) for cases in load]
    assert drawn["prices"] == [two(value) for value in price]
    for (x, w, top), (_, left, base) in zip(drawn["bars"], drawn["loads"], strict=True):
        assert left == pytest.approx(x + w + 5) and top < base < top + 25, "a load stands at the end of its bar"

    # The axis by two of its ticks.
    unit = 1000 if drawn["name"].endswith("thousands") else 1
    (low, bottom), *_, (high, top) = [(value * unit, y - 4) for value, y in drawn["ticks"]]
    across = lambda at: pytest.approx(42 + 310 * at / STEPS, abs=0.01)  # noqa: E731
    up = lambda value: pytest.approx(bottom + (value / UNIT - low) / (high - low) * (top - bottom), abs=0.02)  # noqa: E731
    assert drawn["base"] == [up(wanted.best)] * 2
    assert drawn["curve"] == [[across(at), up(value)] for at, value in enumerate(wanted.duals[: step + 1])]
    assert drawn["mark"] == [across(step), up(dual)]

    bars, curve = drawn["said"]
    assert f"N/K = {wanted.even}" in bars
    assert all(f"expert {k} has {load[k]} and costs {two(price[k])}" in bars for k in range(len(load)))
    assert f"from {two(wanted.duals[0])} to {two(wanted.duals[STEPS])}; at step {step} it is {two(dual)}" in curve
    assert f"BASE's score, {two(wanted.best)}" in curve


def test_every_step_of_every_rule_is_that_of_the_package(shown):
    page, wrong = shown(Prices(SCORES))
    assert_shown(page, WANTED["0.01", False], 0)
    for rule, wanted in WANTED.items():
        choose(page, *rule)
        seen = page.evaluate(FOLLOW)
        assert [load for load, *_ in seen] == wanted.loads
        for at, values in ((1, wanted.prices), (2, wanted.duals), (3, [dual - wanted.best for dual in wanted.duals])):
            assert torch.equal(torch.tensor([one[at] for one in seen], dtype=f64).mul(UNIT).round(),
                               torch.tensor(values, dtype=f64))
        for step in (0, 1, 40, 152, 153, STEPS):
            go(page, step)
            assert_shown(page, wanted, step)
    assert wrong == []


def test_the_numbers_of_the_chapter(shown):
    page, wrong = shown(Prices(SCORES))
    said = lambda: page.locator("[role=status]").inner_text()  # noqa: E731
    assert said() == "Step 0: the dual is 520.56, 164.13 above BASE's 356.42; loads 0 to 123."
    go(page, 40)
    assert said() == "Step 40: the dual is 437.88, 81.46 above BASE's 356.42; loads 3 to 97."
    go(page, 153)
    assert said() == "Step 153: the dual is BASE's score, 356.42; every load is 32."
    assert page.evaluate(READ)["prices"] == ["1.51", "1.08", "0.81", "0.37", "0.01", "−0.50", "−1.03", "−1.51"]
    choose(page, "0.01", wrong=True)
    assert said() == "Step 153, wrong sign: the dual is 993.70, 637.27 above BASE's 356.42; loads 0 to 134."
    assert page.evaluate(READ)["load"] == [134, 75, 47, 0, 0, 0, 0, 0], "the three that had too many"
    assert wrong == []


@pytest.mark.parametrize("width, columns", [(1280, 2), (360, 1)])
def test_the_keyboard_does_all_and_nothing_is_cut_off(shown, width, columns):
    page, wrong = shown(Prices(SCORES), viewport={"width": width, "height": 900})
    button = lambda name: page.get_by_role("button", name=name)  # noqa: E731
    right, step = WANTED["0.01", False], page.locator("[name=step]")
    button("Back").press("Enter")
    assert_shown(page, right, 0)
    for at in (1, 2, 3):
        button("Next").press("Enter")
        assert_shown(page, right, at)
    button("Back").press("Space")
    assert_shown(page, right, 2)
    step.press("End")
    button("Next").press("Enter")
    assert_shown(page, right, STEPS)
    step.press("ArrowLeft")
    assert_shown(page, right, STEPS - 1)
    page.get_by_label("Sign").press("ArrowDown")
    page.get_by_label("Step size u").press("End")
    assert_shown(page, WANTED["0.2", True], STEPS - 1)
    assert page.evaluate(READ)["name"] == "dual D(b), thousands"
    for at, rule in enumerate(RULES):
        choose(page, *rule)
        go(page, 40 * at)
        outside = page.locator(".moe-live svg text").evaluate_all("""texts => texts.filter((text) => {
            const [own, all] = [text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()];
            return text.textContent &&
                (own.left < all.left || own.right > all.right || own.top < all.top || own.bottom > all.bottom);
        }).map((text) => text.textContent)""")
        assert outside == []
    button("Reset").press("Enter")
    assert_shown(page, WANTED["0.2", True], 0)
    boxes = [drawing.bounding_box() for drawing in page.locator(".moe-live svg").all()]
    assert len({box["x"] for box in boxes}) == columns and len({box["y"] for box in boxes}) == 3 - columns
    assert wrong == []


@pytest.mark.parametrize("motion, first, still, pictures, one", [("no-preference", 90, 25, 2 * STEPS, 1),
                                                                 ("reduce", 1040, 900, STEPS // 10, 10)])
def test_playing_goes_step_by_step_and_is_read_out_where_it_ends(shown, motion, first, still, pictures, one):
    """A browser draws every 16 ms, so that steps follow each other after 60 to 76 ms, or ten of them after a second."""
    page, wrong = shown(Prices(SCORES), reduced_motion=motion)
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    right, step = WANTED["0.01", False], page.locator("[name=step]")
    button, said = page.get_by_role("button", name=re.compile("Play|Pause")), page.locator("[role=status]")
    state = lambda: (button.inner_text(), said.get_attribute("aria-live"), int(step.input_value()))  # noqa: E731
    button.press("Enter")
    assert state() == ("Pause", "off", 0)
    page.clock.run_for(first)
    assert state() == ("Pause", "off", one)
    page.clock.run_for(still)
    assert state() == ("Pause", "off", one), "no faster than that"
    button.press("Enter")
    page.clock.run_for(5 * first)
    assert state() == ("Play", "polite", one), "a pause holds"
    button.press("Enter")
    page.clock.run_for(pictures * first)
    assert state() == ("Play", "polite", STEPS)
    assert_shown(page, right, STEPS)
    button.press("Enter")
    assert state() == ("Pause", "off", 0), "playing at the end begins again"
    page.get_by_role("button", name="Next").press("Enter")
    assert state() == ("Play", "polite", 1), "whoever moves takes over"
    button.press("Enter")
    page.get_by_label("Sign").select_option("1")
    page.clock.run_for(5 * first)
    assert state() == ("Play", "polite", 1)
    assert_shown(page, WANTED["0.01", True], 1)
    assert wrong == []


def test_a_pointer_pressed_on_the_curve_chooses_the_step(shown):
    page, wrong = shown(Prices(SCORES))
    curve = page.locator("svg:has([data-curve])")
    box = curve.bounding_box()
    place = lambda step: (box["x"] + (42 + 310 * step / STEPS) * box["width"] / 360, box["y"] + 50)  # noqa: E731
    page.mouse.move(*place(20))
    assert_shown(page, WANTED["0.01", False], 0)
    page.mouse.down()
    assert_shown(page, WANTED["0.01", False], 20)
    page.mouse.move(*place(60.3))
    assert_shown(page, WANTED["0.01", False], 60)
    page.mouse.move(*place(230))  # beside the drawing
    page.mouse.move(*place(203), steps=2)
    assert_shown(page, WANTED["0.01", False], STEPS)
    page.mouse.up()
    page.mouse.move(*place(10))
    assert_shown(page, WANTED["0.01", False], STEPS)
    assert curve.evaluate("curve => getComputedStyle(curve).touchAction") == "pan-y", "a finger can still scroll the page"
    assert wrong == []


def test_at_a_tie_the_first_expert_has_the_case(shown):
    scores = torch.zeros(4, 2)
    page, wrong = shown(Prices(scores))
    assert page.locator("[role=status]").inner_text() == "Step 0: the dual is BASE's score, 0.00; loads 0 to 4."
    seen = page.evaluate(FOLLOW)
    assert [load for load, *_ in seen[:3]] == [[4, 0], [0, 4], [4, 0]]
    assert [[round(100 * value) for value in price] for _, price, *_ in seen[:3]] == [[0, 0], [1, -1], [0, 0]]
    assert_shown(page, Wanted(scores), STEPS, fullest=4)
    # Tenths and hundredths make many ties, which sums of inexact numbers would break one way or the other.
    coarse = torch.randn(96, 6, generator=torch.Generator().manual_seed(1)).mul(10).round().double() / 10
    page, wrong = shown(Prices(coarse))
    for rate in ("0.01", "0.2"):
        choose(page, rate, wrong=False)
        assert [load for load, *_ in page.evaluate(FOLLOW)] == Wanted(coarse, rate).loads
    assert wrong == []


def test_it_begins_as_it_is_told_and_no_last_bit_changes_it(shown):
    page, wrong = shown(Prices(SCORES.float(), rate=0.2, wrong=True))
    assert page.evaluate(READ)["controls"] == {"rate": "2", "sign": "1", "step": "0"}
    choose(page, "0.01", wrong=False)
    go(page, 1)
    assert_shown(page, Wanted(SCORES.float()), 1)
    assert page.locator("output").get_attribute("aria-live") == "off", "the sentence alone is read out"
    assert Prices(SCORES * (1 + 1e-15)).html() == Prices(SCORES).html()
    assert wrong == []


def test_the_still_picture_says_how_the_loads_go():
    still = Prices(SCORES).still()
    assert "8 experts under the rule with u = 0.01: 0 to 123 cases at first, 32 at step 200." in still.caption
    assert "The dual goes from 520.56 to 356.42; BASE's score is 356.42." in still.caption
    assert "expert 0 from 123 to 32" in still.description and "expert 7 from 1 to 32" in still.description
    wrong = Prices(SCORES, 0.05, wrong=True).still()
    assert "with the wrong sign and u = 0.05: 0 to 123 cases at first, 0 to 134 at step 200" in wrong.caption


def test_bad_scores_and_rates_are_refused():
    for arguments, said in [
        ((torch.zeros(4, 1),), "scores must be of 2 to 8 experts, got 1"),
        ((torch.zeros(9, 9),), "scores must be of 2 to 8 experts, got 9"),
        ((torch.zeros(10, 4),), "scores must be of a multiple of 4 cases, .* and of at most 512, got 10"),
        ((torch.zeros(516, 4),), "and of at most 512, got 516"),
        ((torch.tensor([[0.0, 1.0], [-11.0, 10.5]]),), "scores must be from -10 to 10, got one of -11"),
        ((torch.zeros(4, 2), 0.02), "rate must be 0.01, 0.05 or 0.2, got 0.02"),
    ]:
        with pytest.raises(ValueError, match=said):
            Prices(*arguments)


def test_the_widgets_compute_with_the_package(monkeypatch):
    monkeypatch.setattr("moe_tutorial.interactive._widgets._image", lambda picture: html.escape(picture.description))
    rate, sign, step, back, following, again, shown = Prices(SCORES).widgets().children

    def assert_widgets(rule, at):
        wanted = WANTED[rule]
        assert step.value == at and f"<p>{wanted.sentence(at)}</p>" in shown.value
        for k, (load, price) in enumerate(zip(wanted.loads[at], wanted.prices[at])):
            assert f'<tr><th scope="row">{k}</th><td>{load}</td><td>{two(price)}</td></tr>' in shown.value
        last = f"dual D from {wanted.duals[0] / UNIT:.3g} to {wanted.duals[-1] / UNIT:.3g}"
        assert last in shown.value and f"BASE from {wanted.best / UNIT:.3g}" in shown.value

    assert_widgets(("0.01", False), 0)
    back.click()
    assert_widgets(("0.01", False), 0)
    following.click()
    assert_widgets(("0.01", False), 1)
    step.value = 153
    assert_widgets(("0.01", False), 153)
    sign.value = True
    assert_widgets(("0.01", True), 153)
    rate.value = 0.2
    step.value = STEPS
    following.click()
    assert_widgets(("0.2", True), STEPS)
    back.click()
    assert_widgets(("0.2", True), STEPS - 1)
    again.click()
    assert_widgets(("0.2", True), 0)
