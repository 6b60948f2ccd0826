"""EM step by step in a real browser, without a kernel and without a network, held to `em` and its steps; and its widgets."""

import gzip
import html
import re
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import Mixture, em, mixture_nll, plots, responsibilities, training
from moe_tutorial.interactive import EMStepByStep
from moe_tutorial.interactive.em_step_by_step import Climb, the_toy

TOYS = {name: the_toy(name) for name in ("absolute_value", "three_segments", "zigzag")}
LIMITS = {"absolute_value": (-1, 5), "three_segments": (-3, 4), "zigzag": (-4, 4)}
BEGIN = {"task": "absolute_value", "experts": 2, "seed": 0, "variance": 1.0, "learned": False}
ZIGZAG = {"task": "zigzag", "experts": 3, "seed": 0, "variance": 1.0, "learned": True}
f64 = torch.float64

# What is drawn and written, read from the page.
READ = """() => {
    const all = (selector) => [...document.querySelectorAll(".moe-live " + selector)];
    const numbers = (element, ...names) => names.map((name) => Number(element.getAttribute(name)));
    const path = (element) => element.getAttribute("d").slice(1).replace("Z", "").split("L").map((point) =>
        point.trim().split(" ").map(Number));
    const drawn = document.querySelector(".moe-interactive").drawn();
    return {
        ...drawn,
        status: all("[role=status]")[0].textContent,
        numbers: all("[data-number]:not(text)").map((one) => one.textContent),
        table: all("tbody tr").map((row) => [...row.children].map((cell) => cell.textContent)),
        cases: all("[data-case]").map((one) => [Number(one.dataset.case), Number(one.dataset.mine),
            ...one.getAttribute("fill").match(/\\d+/g).map(Number),
            ...one.getAttribute("transform").match(/-?[\\d.]+/g).map(Number)]),
        shapes: all("[data-case]").map((one) => one.getAttribute("d")),
        lines: all("line[data-expert]").map((line) => [...numbers(line, "x1", "y1", "x2", "y2"), line.getAttribute("stroke"),
            line.getAttribute("stroke-dasharray")]),
        blend: path(all(".moe-blend")[0]),
        bands: all("path[data-band]").map((band) => [band.dataset.band, Number(band.dataset.expert), path(band)]),
        curves: Object.fromEntries(all("[data-curve]").map((curve) => [curve.dataset.curve, path(curve)])),
        marks: Object.fromEntries(all("[data-mark]").map((mark) => [mark.dataset.mark, numbers(mark, "cx", "cy")])),
        top: Number(all("[data-top]")[0].dataset.top),
        likelihoods: all("text[data-likelihood]").map((text) => [...numbers(text, "y"), Number(text.dataset.likelihood)]),
        slopes: all("text[data-slope]").map((text) => [...numbers(text, "x"), Number(text.dataset.slope)]),
        said: all("svg[role=img]").map((drawing) => drawing.getAttribute("aria-label")),
        controls: Object.fromEntries(all(":is(input, select)").map((control) => [control.name, control.value])),
        beside: all("output")[0].textContent,
        names: all("select[name=slope] option").map((option) => option.textContent),
    };
}"""


class Quick(EMStepByStep):
    """Without its still picture, which takes most of the time; `test_interactive` looks at it."""

    def still(self):
        return SimpleNamespace(caption="", description="", svg=lambda: "<svg xmlns='http://www.w3.org/2000/svg'/>")


def read(page):
    return page.evaluate(READ)


def press(page, *names, key="Enter"):
    for name in names:
        page.get_by_role("button", name=f"Both × {name}" if name == 10 else name, exact=True).press(key)


def settle(page, task, experts, seed, variance, learned):
    """Choose everything, as from the keyboard; each is a change of its own."""
    page.locator("select[name=task]").select_option(task)
    page.locator("select[name=experts]").select_option(str(experts))
    page.locator("select[name=learned]").select_option(str(int(learned)))
    field = page.locator("input[name=seed]")
    field.fill(str(seed))
    field.press("Enter")
    slider = page.locator("input[name=variance]")
    slider.press("Home")
    for _ in range(round(4 * (torch.tensor(variance).log2().item() + 2))):
        slider.press("ArrowRight")


class Wanted:
    """What the package has after some presses: the weights of `em`, and the steps one by one where it has no word."""

    def __init__(self, task, experts, seed, variance, learned):
        self.toy, self.variance, self.learned = TOYS[task], torch.full((experts,), variance, dtype=f64), learned
        self.mixture = Mixture(experts, inputs=1, output="linear", seed=seed)
        self.q = self.mixture(self.toy.x)[1].detach()

    def press(self, *names):
        for name in names:
            for one in ("E", "M") * 10 if name == 10 else (name,):
                (self.guess if one == "E" else self.fit)()
        return self

    def outputs(self):
        return [part.detach() for part in self.mixture(self.toy.x)]

    def joint(self):
        """log p + log N, also where p is 0 in float64."""
        o, _ = self.outputs()
        gate = self.mixture.gate
        log_p = torch.log_softmax(self.toy.x @ gate.weight.detach().mT + gate.bias.detach(), -1)
        return log_p - 0.5 * ((self.toy.d - o[..., 0]) ** 2 / self.variance + self.variance.log())

    def guess(self):
        self.q = torch.softmax(self.joint(), -1)

    def fit(self):
        experts, gate = self.mixture.experts, self.mixture.gate
        weight, bias = training.weighted_least_squares(self.toy.x, self.toy.d, self.q)
        with torch.no_grad():
            experts.weight.copy_(weight)
            experts.bias.copy_(bias)
            for part, new in zip((gate.weight, gate.bias), training.gate_step(self.toy.x, self.q, gate.weight, gate.bias)):
                part.copy_(new)
        if self.learned:
            self.variance = training.variance_step(self.toy.d, self.outputs()[0], self.q, 1e-4)

    def numbers(self):
        (o, p), joint = self.outputs(), self.joint()
        F = torch.where(self.q > 0, self.q * (joint - self.q.log()), 0.0).sum().item()
        if p.min() > 0:
            assert training.bound(self.toy.d, o, p, self.q, self.variance).sum().item() == near(F, 100)
        return torch.logsumexp(joint, -1).sum().item(), F

    def over(self, expert, slope):
        """L and F with another slope of one expert."""
        mine = self.mixture.experts.weight.detach().clone()
        with torch.no_grad():
            self.mixture.experts.weight[expert] = slope
            found = self.numbers()
            self.mixture.experts.weight.copy_(mine)
        return found


def near(value, size=1.0):
    return pytest.approx(value, rel=1e-9, abs=1e-9 * size)


def assert_state(drawn, wanted):
    """The weights, the guess, L, F and the gap are those of the package to 1e-9."""
    o, p = wanted.outputs()
    experts = torch.cat([wanted.mixture.experts.weight[..., 0], wanted.mixture.experts.bias], -1).detach()
    assert_close(torch.tensor(drawn["experts"], dtype=f64), experts, rtol=1e-9, atol=1e-9)
    gate = torch.tensor(drawn["gate"], dtype=f64)
    assert_close(torch.softmax(wanted.toy.x * gate[:, 0] + gate[:, 1], -1), p, rtol=0, atol=1e-9)
    assert drawn["variance"] == near(wanted.variance.tolist())
    assert_close(torch.tensor(drawn["q"], dtype=f64), wanted.q, rtol=0, atol=1e-9)
    L, F = wanted.numbers()
    assert (drawn["L"], drawn["F"]) == (near(L, 100), near(F, 100))
    assert drawn["gap"] == pytest.approx(L - F, abs=1e-7 + 1e-9 * abs(L)) and drawn["gap"] > -1e-9


SETTINGS = [BEGIN, {**BEGIN, "seed": 7, "variance": 4.0}, {**BEGIN, "seed": 24, "experts": 3, "variance": 0.25},
            {**BEGIN, "seed": 3, "learned": True}, ZIGZAG, {**ZIGZAG, "seed": 11, "learned": False},
            {**ZIGZAG, "task": "three_segments", "seed": 5}, {**ZIGZAG, "task": "three_segments", "seed": 2, "experts": 2,
                                                             "variance": 2.0}]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
def test_each_press_computes_what_the_package_does(shown, setting):
    page, wrong = shown(Quick(*setting.values()))
    wanted = Wanted(**setting)
    assert_state(read(page), wanted)
    for name in ("E", "M", "M", "E", "M", 10, "E", "M"):
        press(page, name)
        assert_state(read(page), wanted.press(name))
    assert wrong == []


# From here a whole Newton step of the gate would lower its sum by 69 in round 24.
HALVED = {**ZIGZAG, "seed": 17, "variance": 0.25}


@pytest.mark.parametrize("setting", [*SETTINGS, HALVED], ids=lambda s: "-".join(map(str, s.values())))
def test_rounds_of_e_and_m_are_those_of_em(shown, setting):
    task, experts, seed, variance, learned = setting.values()
    toy = TOYS[task]
    page, wrong = shown(Quick(task, experts, seed, variance, learned))
    mixture = Mixture(experts, inputs=1, output="linear", seed=seed)
    history = em(mixture, toy.x, toy.d, iterations=30, variance=variance, learn_variance=learned)
    L = (-len(toy) * history.loss[:, 0]).tolist()
    assert read(page)["L"] == near(L[0], 100)
    for rounds in (10, 20, 30):
        press(page, 10)
        drawn = read(page)
        assert drawn["L"] == near(L[rounds], 100)
    slopes = torch.tensor(drawn["experts"], dtype=f64)[:, :1]
    assert_close(slopes, mixture.experts.weight[:, 0].detach(), rtol=1e-9, atol=1e-9)
    assert wrong == []


def test_the_starts_in_the_page_are_those_of_the_package():
    starts = EMStepByStep().data()["starts"]
    assert len(starts) == 25
    for experts in (2, 3):
        for seed, rows in enumerate(starts):
            mixture = Mixture(experts, inputs=1, output="linear", seed=seed)
            assert not mixture.gate.weight.any() and not mixture.gate.bias.any()
            assert rows[:experts] == torch.cat([mixture.experts.weight[:, 0], mixture.experts.bias], -1).tolist()


def test_l_and_f_of_the_sum_are_those_of_the_chapter():
    """L is minus eq. 1.3, and h that of chapter 6, where all variances are one."""
    wanted = Wanted(**{**BEGIN, "variance": 0.5}).press("E", "M", "E")
    o, p = wanted.outputs()
    assert wanted.numbers()[0] == pytest.approx(-mixture_nll(wanted.toy.d, o, p, 0.5).sum().item())
    assert_close(wanted.q, responsibilities(wanted.toy.d, o, p, 0.5))


def colour(name):
    return torch.tensor([int(name[at:at + 2], 16) for at in (1, 3, 5)], dtype=f64)


def number(text):
    return float(text.replace("−", "-"))


def assert_drawing(page, wanted, task, expert=0):
    """Hold everything that is drawn and written to the package."""
    drawn, toy = read(page), TOYS[task]
    assert_state(drawn, wanted)
    o, p = wanted.outputs()
    K, (low, high) = p.shape[-1], LIMITS[task]
    x_of = lambda u: (u - 42) / 310 * 2.1 - 1.05  # noqa: E731
    y_of = lambda v: high - (v - 8) / 202 * (high - low)  # noqa: E731
    experts = drawn["experts"]
    colours = torch.stack([colour(one) for one in plots.EXPERT_COLOURS[:K]])
    assert len({dash for *_, dash in drawn["lines"]}) == K, "not by colour alone"
    for (slope, bias), (x1, y1, x2, y2, stroke, _), own in zip(experts, drawn["lines"], plots.EXPERT_COLOURS):
        assert [x_of(x1), x_of(x2)] == pytest.approx([-1.05, 1.05]) and stroke == own
        assert [y_of(y1), y_of(y2)] == pytest.approx([bias - 1.05 * slope, bias + 1.05 * slope], abs=1e-9)
    blend = (p[..., None] * o).sum(-2)[:, 0]
    points = torch.tensor(drawn["blend"], dtype=f64)
    assert_close(x_of(points[:, 0]), toy.x[:, 0])
    assert_close(y_of(points[:, 1]), blend)
    step = 3 if len(toy) > 150 else 1
    assert [n for n, *_ in drawn["cases"]] == list(range(0, len(toy), step))
    outlines = {}
    for (n, mine, *paint, u, v), outline in zip(drawn["cases"], drawn["shapes"]):
        assert (x_of(u), y_of(v)) == (pytest.approx(toy.x[n, 0].item()), pytest.approx(toy.d[n, 0].item()))
        largest, k = wanted.q[n].max(0)
        if abs(largest - 0.6) > 1e-6:
            assert mine == (int(k) if largest >= 0.6 else -1)
        assert paint == pytest.approx((wanted.q[n] @ colours).tolist(), abs=0.51)
        assert outlines.setdefault(mine, outline) == outline
    assert len(set(outlines.values())) == len(outlines), "each expert has a shape of its own"
    for name, k, corners in drawn["bands"]:
        shares = {"p": p, "q": wanted.q}[name]
        upper = torch.tensor(corners[:len(toy)], dtype=f64)
        lower = torch.tensor(corners[len(toy):], dtype=f64).flip(0)
        assert_close((upper - lower)[:, 1] / 34, shares[:, k], rtol=0, atol=4e-4)
        assert_close(x_of(upper[:, 0]), toy.x[:, 0], rtol=0, atol=5e-4)
    assert len(drawn["bands"]) == 2 * K
    assert_bound(drawn, wanted, expert)
    assert_words(drawn, wanted)
    return drawn


def line_through(pairs):
    """The value at a place, from two ticks of an axis."""
    (u, a), *_, (v, b) = pairs
    return lambda place: a + (place - u) * (b - a) / (v - u)


def assert_bound(drawn, wanted, expert):
    """L and F over the slope, which touch after an E step, and F has its top where it says."""
    assert drawn["chosen"] == expert and drawn["controls"]["slope"] == str(expert)
    assert 3 <= len(drawn["slopes"]) <= 6 and 2 <= len(drawn["likelihoods"]) <= 6
    w_of, value_of = line_through(drawn["slopes"]), line_through([(y - 4, v) for y, v in drawn["likelihoods"]])
    now, size = drawn["experts"][expert][0], abs(drawn["L"]) + 100
    assert w_of(drawn["marks"]["L"][0]) == w_of(drawn["marks"]["F"][0]) == pytest.approx(now, abs=1e-6)
    assert value_of(drawn["marks"]["L"][1]) == pytest.approx(drawn["L"], abs=1e-6 * size)
    assert value_of(drawn["marks"]["F"][1]) == pytest.approx(drawn["F"], abs=1e-6 * size)
    for mark in drawn["marks"].values():
        assert 42 <= mark[0] <= 352 and 8 <= mark[1] <= 196, "what is pressed for is in sight"
    L, F = (torch.tensor(drawn["curves"][name], dtype=f64) for name in "LF")
    assert (L[:, 1] <= F[:, 1] + 1e-6).all(), "the bound lies below"
    inside = (L[:, 1] < 2000) & (F[:, 1] < 2000)
    for at in inside.nonzero()[:, 0].tolist()[::9]:
        found = wanted.over(expert, w_of(L[at, 0].item()))
        assert [value_of(c[at, 1].item()) for c in (L, F)] == [pytest.approx(v, abs=1e-6 * (size + abs(v))) for v in found]
    top = drawn["top"]
    highest = wanted.over(expert, top)[1]
    for other in (top - 1e-3, top + 1e-3):
        assert wanted.over(expert, other)[1] < highest


def assert_words(drawn, wanted):
    L, F = wanted.numbers()
    said = [one.split(" = ") for one in drawn["numbers"]]
    assert [name for name, _ in said] == ["L", "F", "gap"]
    for (_, text), value in zip(said, (L, F)):
        assert re.fullmatch(r"−?\d+\.\d{3}", text) and number(text) == pytest.approx(value, abs=0.000501)
    gap = said[2][1]
    if L - F > 0.001:
        assert number(gap) == pytest.approx(L - F, abs=0.000501)
    else:
        assert gap in ("0", "below 0.001", "0.001")
    assert drawn["table"][-1][1:] == [text for _, text in said]
    assert len(drawn["table"]) == min(6, drawn["presses"] + 1)
    fit, bands, bound = drawn["said"]
    for k, (slope, bias) in enumerate(drawn["experts"]):
        assert f"Expert {k}: slope {slope:.3f}, bias {bias:.3f}".replace("-", "−").replace("−0.000", "0.000") in fit
    assert bands.count("expert 0") == 2
    assert f"L is {said[0][1]} and F is {said[1][1]}" in bound


@pytest.mark.parametrize("setting", [BEGIN, {**ZIGZAG, "seed": 3}, {**ZIGZAG, "task": "three_segments", "seed": 9}],
                         ids=lambda s: s["task"])
def test_what_is_drawn_is_what_the_package_has(shown, setting):
    page, wrong = shown(Quick())
    settle(page, **setting)
    wanted = Wanted(**setting)
    drawn = assert_drawing(page, wanted, setting["task"])
    assert drawn["presses"] == 0
    for at, name in enumerate(("E", "M", 10, "E", 10, 10, "M")):
        press(page, name)
        expert = at % setting["experts"]
        page.locator("select[name=slope]").select_option(str(expert))
        drawn = assert_drawing(page, wanted.press(name), setting["task"], expert)
        row = drawn["table"][-1][0]
        assert row == f"{at + 1}. {'E, M × 10' if name == 10 else name}"
        if name == "E":
            assert drawn["marks"]["L"][1] == pytest.approx(drawn["marks"]["F"][1], abs=1e-6), "it touches"
        else:
            assert drawn["top"] == pytest.approx(drawn["experts"][expert][0], abs=1e-6), "M has run to the top"
    assert wrong == []


def test_a_second_e_changes_nothing_and_a_second_m_the_gate_alone(shown):
    page, wrong = shown(Quick())
    press(page, "E")
    first = read(page)
    assert first["status"] == f"E: the guess q is now h. F has risen by 10.749 and touches L, at {first['numbers'][0][4:]}."
    press(page, "E", key="Space")
    second = read(page)
    assert second["status"] == "E: nothing changes, for the guess q is h already."
    assert [second[name] for name in ("experts", "gate", "q", "L", "F")] == [
        first[name] for name in ("experts", "gate", "q", "L", "F")]
    press(page, "M")
    first = read(page)
    assert first["status"].startswith("M: experts and gate are fitted to the guess q. F has risen by 146.656, "
                                      "L has risen by 153.327, to")
    press(page, "M")
    second = read(page)
    assert second["status"].startswith("M: the experts stay, for they fit this guess already; only the gate goes on. F has")
    assert second["experts"] == first["experts"] and second["gate"] != first["gate"] and second["F"] > first["F"]
    assert wrong == []


def test_a_second_m_may_lower_l_where_f_does_not_touch_it(shown):
    page, wrong = shown(Quick(seed=2))
    press(page, "E", "M", "E", "M")
    first = read(page)
    press(page, "M")
    second = read(page)
    assert second["L"] < first["L"] - 0.03 and second["F"] > first["F"]
    assert f"F has risen by {second['F'] - first['F']:.3f}, L has fallen by 0.032, to" in second["status"]
    assert wrong == []


@pytest.mark.parametrize("setting", [BEGIN, ZIGZAG], ids=lambda s: s["task"])
def test_m_before_e_makes_twins_that_no_e_parts(shown, setting):
    page, wrong = shown(Quick(setting["task"]))
    press(page, "M")
    climb = Wanted(**setting).press("M")
    experts = torch.tensor(read(page)["experts"], dtype=f64)
    assert_close(experts[:, :1], climb.mixture.experts.weight[:, 0].detach(), rtol=1e-9, atol=1e-9)
    for _ in range(5):
        press(page, 10)
    drawn = read(page)
    for name in ("experts", "gate"):
        rows = torch.tensor(drawn[name], dtype=f64)
        assert_close(rows, rows[:1].expand_as(rows), rtol=0, atol=1e-9)
    assert (torch.tensor(drawn["q"], dtype=f64) - 1 / setting["experts"]).abs().max() < 1e-9
    assert wrong == []


def rounds_needed(variance):
    mixture = Mixture(2, inputs=1, output="linear", seed=range(25))
    toy = TOYS["absolute_value"]
    L = -100 * em(mixture, toy.x, toy.d, iterations=300, variance=variance).loss
    return (L >= L[-1] - 0.5).double().argmax(0).double()


def test_with_a_variance_of_4_the_lines_take_about_twice_as_many_rounds():
    ratio = rounds_needed(4.0) / rounds_needed(1.0)
    assert ((ratio >= 1.5) & (ratio <= 2.5)).all() and 1.7 < ratio.mean() < 2.2


def test_seed_3_of_the_zigzag_finds_three_lines_and_seed_9_is_stuck_unless_the_variance_is_held(shown):
    page, wrong = shown(Quick("zigzag"))
    three = pytest.approx([-6, 6, 6], abs=0.1)

    def after(seed, learned, *presses):
        """The slopes and L after so many rounds of ten, and so many more."""
        settle(page, **{**ZIGZAG, "seed": seed, "learned": learned})
        for times in presses:
            press(page, *[10] * times)
            drawn = read(page)
            yield sorted(slope for slope, _ in drawn["experts"]), drawn["numbers"][0]

    (found, L), = after(3, True, 5)
    assert found == three and L.startswith("L = 762.")
    (early, L), (late, end) = after(9, True, 10, 5)
    assert max(map(abs, early)) < 1 and late == pytest.approx(early, abs=0.01)
    assert [number(text[4:]) for text in (L, end)] == pytest.approx([-159.2] * 2, abs=0.05)
    for seed in (3, 9):
        (found, _), = after(seed, False, 10)
        assert found == three
    assert wrong == []


def test_seed_9_of_the_zigzag_is_at_a_local_top_and_no_slow_ascent():
    toy, mixture = TOYS["zigzag"], Mixture(3, inputs=1, output="linear", seed=[9, 9])
    settings = {"learn_variance": True, "record_every": 1000}
    L = lambda history: (-300 * history.loss[-1]).tolist()  # noqa: E731
    assert L(em(mixture, toy.x, toy.d, iterations=1000, **settings)) == pytest.approx([-159.179] * 2, abs=0.001)
    with torch.no_grad():  # moved away, it goes back
        for part in mixture.experts.parameters():
            part += 0.02 * torch.randn(part.shape, generator=torch.Generator().manual_seed(0), dtype=f64)
    history = em(mixture, toy.x, toy.d, iterations=1000, **settings)
    assert L(history) == pytest.approx([-159.179] * 2, abs=0.001) and (history.squared_error[-1] > 1).all()


# From the ends of the settings: what is pressed never lowers F, nor L from where F touches it, and no number is lost.
CLIMB = """(rounds) => {
    const field = document.querySelector("input[name=seed]"), one = document.querySelector(".moe-interactive");
    const [e, m, both] = [...document.querySelectorAll(".moe-stay button")];
    const wrong = [];
    for (let seed = 0; seed < 25; seed += 4) {
        field.value = seed;
        field.dispatchEvent(new Event("change"));
        let before = one.drawn();
        for (const button of [e, m, m, ...Array(rounds).fill(both), m, e]) {
            button.click();
            const after = one.drawn(), text = document.querySelector(".moe-live").innerHTML;
            const slack = 1e-9 * (after.q.length + Math.abs(before.L));
            const touched = button !== m || before.gap < slack; // M raises L for certain from there only
            if (touched && !(after.L >= before.L - slack) || !(after.F >= before.F - slack) || after.gap < -slack ||
                Math.abs(after.L - after.F - after.gap) > 1e-6 || /NaN|Infinity/.test(text)) {
                wrong.push([seed, button.textContent, before.L, after.L, before.F, after.F, after.gap]);
            }
            before = after;
        }
    }
    return wrong;
}"""


@pytest.mark.parametrize("variance, learned", [(0.25, False), (4.0, True)])
@pytest.mark.parametrize("task", TOYS)
def test_no_press_lowers_f_nor_l_from_where_they_touch_and_all_numbers_stay_numbers(shown, task, variance, learned):
    page, wrong = shown(Quick(task, 3, 0, variance, learned))
    assert page.evaluate(CLIMB, 4) == []
    assert wrong == []


def test_the_keyboard_moves_every_control(shown):
    page, wrong = shown(Quick())
    press(page, "E", "M")
    setting = dict(BEGIN)

    def assert_fresh(**changed):
        setting.update(changed)
        drawn = assert_drawing(page, Wanted(**setting), setting["task"])
        words = {"absolute_value": "d = 4 |x|", "three_segments": "three segments", "zigzag": "zigzag"}[setting["task"]]
        assert drawn["status"] == (f"A setting was changed, back to the start: {words}, {setting['experts']} experts, seed "
                                   f"{setting['seed']}. The guess q is the gate's p.")
        assert (drawn["settings"], drawn["presses"]) == (setting, 0)
        assert drawn["controls"] == {"task": setting["task"], "experts": str(setting["experts"]), "slope": "0",
                                     "seed": str(setting["seed"]), "learned": str(int(setting["learned"])),
                                     "variance": f"{4 * torch.tensor(setting['variance']).log2().item():.0f}"}
        assert drawn["beside"] == f"{setting['variance']:.3f}"
        assert drawn["names"] == [f"slope of expert {k}" for k in range(setting["experts"])]

    page.locator("select[name=experts]").press("ArrowDown")
    assert_fresh(experts=3)
    page.locator("select[name=task]").press("End")
    assert_fresh(task="zigzag", experts=3, learned=True)
    page.locator("select[name=learned]").press("Home")
    assert_fresh(learned=False)
    page.locator("input[name=variance]").press("End")
    assert_fresh(variance=4.0)
    page.locator("input[name=variance]").press("ArrowLeft")
    assert_fresh(variance=2**1.75)
    page.locator("select[name=task]").press("ArrowUp")
    assert_fresh(task="three_segments", learned=True)
    for typed, seed in (("25", 24), ("-1", 0), ("1.6", 2), ("", 2)):
        field = page.get_by_label("Seed (0 to 24)")
        field.fill(typed)
        field.press("Enter")
        assert_fresh(seed=seed)
    page.locator("select[name=slope]").press("End")
    assert read(page)["chosen"] == 2
    page.locator("select[name=experts]").press("ArrowUp")
    drawn = read(page)
    assert drawn["chosen"] == 1 and drawn["controls"]["slope"] == "1", "there is no third expert any more"
    press(page, "E", 10)
    press(page, "Start again")
    drawn = read(page)
    assert drawn["status"].startswith("Back to the start: three segments, 2 experts, seed 2.") and drawn["presses"] == 0
    assert drawn["table"][0][0] == "start" and len(drawn["table"]) == 1
    assert wrong == []


def test_it_begins_as_the_class_is_told_also_between_the_steps_of_the_slider(shown):
    page, wrong = shown(Quick("three_segments", experts=2, seed=9, variance=0.777, learn_variance=False))
    setting = {"task": "three_segments", "experts": 2, "seed": 9, "variance": 0.777, "learned": False}
    drawn = assert_drawing(page, Wanted(**setting), "three_segments")
    assert drawn["settings"] == setting and drawn["beside"] == "0.777" and drawn["status"].startswith("At the start: three")
    page.evaluate("dispatchEvent(new Event('pageshow'))")
    assert read(page)["beside"] == "0.777"
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("task", TOYS)
def test_no_letter_is_cut_off(shown, task, width):
    page, wrong = shown(Quick(task), viewport={"width": width, "height": 900})
    for name in ("E", "M", "E", "M", 10, 10, 10, 10, 10):
        press(page, name)
        cut = page.locator(".moe-live svg.moe-drawing text").evaluate_all("""texts => texts.filter(text => {
            if (!text.textContent) return false;
            const [own, all] = [text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()];
            return own.left < all.left - 1 || own.right > all.right + 1 || own.top < all.top - 1 ||
                own.bottom > all.bottom + 1;
        }).map(text => text.textContent)""")
        assert cut == []
        assert page.locator(".moe-scroll").evaluate("e => e.scrollWidth <= e.clientWidth")
    assert wrong == []


def test_the_page_face_is_light_and_its_picture_says_where_it_begins_and_goes():
    interactive = EMStepByStep()
    assert len(gzip.compress(interactive.html().encode())) < 45_000
    wanted = Wanted(**BEGIN)
    L = [wanted.numbers()[0]]
    for _ in range(3):
        L.append(wanted.press("E", "M").numbers()[0])
    said = ", ".join(f"{L[rounds]:.3f}".replace("-", "−") for rounds in (0, 1, 3))
    still = interactive.still()
    assert still.caption == (f"d = 4 |x|, 2 experts, seed 0: the log likelihood L is {said} at the start, after one E and M "
                             "step, and after three.")
    assert "3 × E and M: the blend is within" in still.description
    low, high = EMStepByStep("zigzag").still().figure.axes[0].get_ylim()
    assert low < TOYS["zigzag"].d.min() and high > TOYS["zigzag"].d.max(), "all cases are drawn"


def test_bad_settings_are_refused():
    for arguments, kind, said in [
        ({"task": "vowels"}, ValueError, "unknown task 'vowels': choose one of 'absolute_value', 'three_segments', 'zig"),
        ({"experts": 4}, ValueError, "experts must be 2 or 3, got 4"),
        ({"experts": 2.5}, TypeError, "experts must be an int, got 2.5"),
        ({"seed": 25}, ValueError, "seed must be from 0 to 24, got 25"),
        ({"seed": -1}, ValueError, "seed must"),
        ({"variance": 0.2}, ValueError, "variance must be from 0.25 to 4, got 0.2"),
        ({"variance": 5}, ValueError, "variance must be from 0.25 to 4, got 5"),
        ({"learn_variance": 1}, TypeError, "learn_variance must be True or False, got 1"),
    ]:
        with pytest.raises(kind, match=said):
            EMStepByStep(**arguments)


def assert_widgets(shown, wanted, expert=0):
    text = html.unescape(shown.value)
    L, F = wanted.numbers()
    found = re.search(r"L = (\S+), F = (\S+), gap = (\S+), the divergence", text)
    assert [number(one) for one in found.groups()] == [pytest.approx(v, abs=0.000501) for v in (L, F, L - F)]
    o, p = wanted.outputs()
    fits = plots.fits(wanted.toy.x, wanted.toy.d, {"now": (o, p)}, "c")
    assert fits.description in text
    for k, variance in enumerate(wanted.variance.tolist()):
        slope = wanted.mixture.experts.weight[k].item()
        assert f"xpert {k}: slope {slope:.3f}".replace("-", "−") in text and f"variance {variance:.4g}" in text
    assert f"log likelihood against slope of expert {expert}, now " in text


def test_the_widgets_compute_with_the_package(monkeypatch):
    monkeypatch.setattr("moe_tutorial.interactive._widgets._image", lambda picture: html.escape(picture.description))
    task, experts, variance, learned, seed, e, m, both, again, slope, shown = EMStepByStep().widgets().children
    assert_widgets(shown, Wanted(**BEGIN))
    wanted = Wanted(**BEGIN)
    for button, name in ((e, "E"), (m, "M"), (m, "M"), (e, "E"), (m, "M"), (both, 10)):
        button.click()
        assert_widgets(shown, wanted.press(name))
    again.click()
    assert_widgets(shown, Wanted(**BEGIN))
    task.value = "zigzag"
    assert (experts.value, learned.value) == (3, True)
    seed.value, variance.value = 30, 2.0
    assert seed.value == 24
    setting = {**ZIGZAG, "seed": 24, "variance": 2.0}
    both.click()
    slope.value = 2
    assert_widgets(shown, Wanted(**setting).press(10), expert=2)
    experts.value = 2
    assert slope.value == 0 and len(slope.options) == 2
    learned.value = False
    assert_widgets(shown, Wanted(**{**setting, "experts": 2, "learned": False}))


def test_the_climb_of_the_widgets_and_the_still_is_that_of_em():
    for setting in SETTINGS:
        toy = TOYS[setting["task"]]
        climb = Climb(toy, *list(setting.values())[1:])
        mixture = Mixture(setting["experts"], inputs=1, output="linear", seed=setting["seed"])
        history = em(mixture, toy.x, toy.d, iterations=12, variance=setting["variance"], learn_variance=setting["learned"])
        for _ in range(12):
            climb.e_step()
            assert climb.bound() == pytest.approx(climb.likelihood()) and climb.gap() == pytest.approx(0, abs=1e-9)
            climb.m_step()
        assert climb.likelihood() == near(-len(toy) * history.loss[-1].item(), 100)
        assert_close(climb.weight, mixture.experts.weight.detach())
        assert climb.gap() == pytest.approx(climb.likelihood() - climb.bound(), abs=1e-9)


def test_an_expert_without_cases_stays_and_cases_at_one_x_give_the_smallest_weights(shown):
    """Data and starts that the page does not have, so that the corners of the least squares are met."""
    x, d = [0.5] * 4, [1.0, 2.0, 3.0, 5.0]

    class Odd(Quick):
        def data(self):
            data = super().data()
            data["tasks"][0] |= {"x": x, "d": d}
            data["starts"][0] = [[0.1, 1.0], [0.2, 3.0], [0.3, 1000.0]]
            return data

    page, wrong = shown(Odd(experts=3))
    press(page, "E", "M")
    drawn = read(page)
    q = torch.tensor(drawn["q"], dtype=f64)
    assert drawn["experts"][2] == [0.3, 1000.0] and q[:, 2].sum() == 0
    x, d = (torch.tensor(values, dtype=f64)[:, None] for values in (x, d))
    lines = torch.cat([part.reshape(3, 1)[:2] for part in training.weighted_least_squares(x, d, q)], -1)
    assert_close(torch.tensor(drawn["experts"], dtype=f64)[:2], lines, rtol=1e-9, atol=1e-9)
    assert wrong == []
