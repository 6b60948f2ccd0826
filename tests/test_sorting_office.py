"""The sorting office in a real browser, without kernel and network, held to `moe_tutorial.sparse`; its gates and widgets."""

import html
import json
import re
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import ROUTERS, capacity, chosen_experts, load_routers, places, plots, toys, train_on_ring
from moe_tutorial.interactive import SortingOffice
from moe_tutorial.interactive.sorting_office import Office, cases, office, to_the_clouds
from moe_tutorial.sparse import history

f64 = torch.float64
X = (1000 * toys.ring(256, seed=0).x).round() / 1000
STORED = history.load_history()
K_OF = {"plain": 1, "Switch loss": 1, "biases": 2, "wrong sign": 2, "noisy top-2": 2, "expert choice": 1}
ROWS = {"plain": "top-1", "Switch loss": "Switch 1", "biases": "biases", "wrong sign": "biases, wrong sign",
        "noisy top-2": "noisy top-2", "expert choice": "expert choice"}

# What is drawn and written.
READ = """() => {
    const live = document.querySelector(".moe-live"), all = (selector) => [...live.querySelectorAll(selector)];
    const number = (one, name) => Number(one.getAttribute(name));
    return {
        ...document.querySelector(".moe-interactive").drawn(),
        cases: all("[data-case]").map((one) => [number(one, "data-expert"), number(one, "data-served"),
            one.getAttribute("fill"), one.getAttribute("stroke"), one.getAttribute("d"),
            ...one.getAttribute("transform").match(/-?[\\d.]+/g).slice(0, 2).map(Number)]),
        texts: all("[data-load]").map((one) => one.textContent),
        widths: ["kept", "lost"].map((part) => all(`[data-${part}]`).map((one) => number(one, "width"))),
        line: all(".moe-room").map((one) => number(one, "x1"))[0] ?? null,
        status: all("[role=status]")[0].textContent,
        told: all(".moe-told")[0].textContent,
        said: all("svg[role=img]").map((drawing) => drawing.getAttribute("aria-label")),
        pressed: all("[aria-pressed=true]").map((one) => one.textContent),
        arrows: all("[data-arrow]").map((one) => one.parentNode.getAttribute("transform").match(/-?[\\d.]+/g).map(Number)),
        controls: Object.fromEntries(all(":is(input, select)").map((one) => [one.name, one.value])),
        still: live.querySelector("[name=step]").disabled,
    };
}"""

# Every router at these positions of the slider for steps and of that for the capacity factor.
TOUR = """([moments, factors]) => {
    const live = document.querySelector(".moe-live"), found = [], read = """ + READ + """;
    const move = (name, value) => {
        const input = live.querySelector(`[name=${name}]`);
        input.value = value;
        input.dispatchEvent(new Event("input", {bubbles: true}));
    };
    for (const one of live.querySelectorAll("[aria-pressed]")) {
        if (one.textContent === "by hand") continue;
        one.click();
        for (const moment of moments) {
            move("step", moment);
            for (const factor of factors) {
                move("capacity", factor);
                found.push(read());
            }
        }
    }
    return found;
}"""


class Quick(SortingOffice):
    """Without its still picture, which takes most of the time; `test_interactive` looks at it."""

    def still(self):
        return SimpleNamespace(caption="", description="", svg=lambda: "<svg xmlns='http://www.w3.org/2000/svg'/>")


def wanted(router, k, weight, bias, chooses, factor):
    """Expert and whether served of each case, load and dropped of each expert, and room, with functions of the package."""
    scores = X @ weight.T + bias
    room = None if factor is None else capacity(256, 8, k, factor)
    if router == "expert choice":
        p = torch.softmax(scores, -1)
        take = room or 32
        mine = torch.stack([torch.isin(torch.arange(256), p[:, i].topk(take).indices) for i in range(8)], 1)
        served = mine.any(1)
        expert = torch.where(served, (p * mine).argmax(1), p.argmax(1))
        return expert, served, mine.sum(0), torch.zeros(8).long(), room
    if router == "biases":
        scores = torch.softmax(scores, -1) + chooses
    elif router == "wrong sign":
        scores = torch.sigmoid(scores) + chooses
    chosen = chosen_experts(scores, k)
    kept = places(chosen, 8) < (256 if room is None else room)
    expert = chosen[:, 0].clone()
    for choice in reversed(range(k)):
        expert = torch.where(kept[:, choice], chosen[:, choice], expert)
    load, left = (torch.stack([(some == i).sum() for i in range(8)]) for some in (chosen, chosen[~kept]))
    return expert, kept.any(1), load, left, room


def assert_drawn(drawn, router, k, weight, bias, chooses, factor):
    """All that the page draws and writes is what the package says."""
    expert, served, load, dropped, room = wanted(router, k, weight, bias, chooses, factor)
    assert (drawn["router"], drawn["k"], drawn["room"]) == (router, k, room) and drawn["pressed"] == [router]
    assert drawn["load"] == load.tolist() and drawn["dropped"] == dropped.tolist()
    assert drawn["expert"] == expert.tolist() and drawn["served"] == served.tolist()
    assert len({case[4] for case in drawn["cases"]}) == len(set(drawn["expert"])), "a shape for each expert"
    assert [case[:2] for case in drawn["cases"]] == torch.stack([expert, served.long()], 1).tolist()
    assert all(stroke == plots.EXPERT_COLOURS[mine] and fill == (stroke if has else "#fff")
               for mine, has, fill, stroke, *_ in drawn["cases"])
    u, v = torch.tensor([case[5:] for case in drawn["cases"]], dtype=f64).T
    drawn_at = torch.stack([(u - 42 - 155) / 282, (8 + 141 - v) / 282], 1) * 9
    assert_close(drawn_at, X, rtol=0, atol=0.002)
    assert drawn["texts"] == [f"{a}, {b} dropped" if b else f"{a}" for a, b in zip(load.tolist(), dropped.tolist())]
    for name, count in zip(("kept", "lost"), (load - dropped, dropped)):
        widths = drawn["widths"][("kept", "lost").index(name)]
        assert widths == pytest.approx((214 / max(128 * k, int(load.max())) * count).tolist(), abs=1e-6)
    assert drawn["line"] == (None if room is None else pytest.approx(46 + room * 214 / max(128 * k, int(load.max()))))
    assert_said(drawn, router, k, load, dropped, served, room)


def assert_said(drawn, router, k, load, dropped, served, room):
    status, loads, alone = drawn["status"], drawn["said"][1], int((~served).sum())
    if router == "expert choice":
        assert status.endswith(f"Each expert takes {room or 32} of 256 cases. Nobody takes {alone} of them.")
    else:
        lost, of = int(dropped.sum()), "512 choices" if k == 2 else "256 cases"
        assert ("No capacity." if room is None else f"Capacity {room}: {lost} of {of} dropped.") in status
        assert (f" {alone} of the 256 cases lost both." in status) == (k == 2 and room is not None)
        assert status.endswith(loads[loads.index("Expert"):])
    for i in range(8):
        has = re.search(rf"[Ee]xpert {i} has (\d+)(?:, (\d+) dropped)?", loads)
        assert (has and [int(has[1]), int(has[2] or 0)]) == ([load[i], dropped[i]] if load[i] else None)
    none = [str(i) for i in range(8) if not load[i]]
    idle = re.search(r"experts? ([\d, and]+) (?:have|has) none", loads)
    assert re.findall(r"\d", idle[1]) == none if none else idle is None
    assert f" {alone} of them hollow" in drawn["said"][0] and ("No capacity" in loads) == (room is None)


def test_every_router_sends_the_cases_where_the_package_does(shown):
    page, wrong = shown(Quick())
    moments, factors = [0, 4, 12, 29, 30], [20, 25, 41, 61]
    tour = iter(page.evaluate(TOUR, [moments, factors]))
    for router, k in K_OF.items():
        gates = STORED[router]
        for moment in moments:
            for factor in factors:
                drawn = next(tour)
                assert drawn["step"] == history.MOMENTS[moment] and not drawn["still"]
                assert f"step {drawn['step']}." in drawn["status"] and drawn["status"].lower().startswith(router.lower())
                assert_drawn(drawn, router, k, *(gates[part][moment] for part in ("weight", "bias", "chooses")),
                             None if factor == 61 else factor / 20)
                assert_close(torch.tensor(drawn["weight"]).double(), gates["weight"][moment])
                b = ", ".join(f"{value:.2f}" for value in gates["chooses"][moment].tolist()).replace("-0.00", "0.00")
                assert drawn["told"] == (f"b, which only chooses: {b.replace('-', '−')}." if k == 2 and "top" not in router
                                         else "")
    assert next(tour, None) is None and wrong == []


def test_the_gate_is_moved_by_hand(shown):
    page, wrong = shown(Quick("by hand", factor=1.25))
    weight, bias = to_the_clouds(), torch.zeros(8, dtype=f64)
    drawn = page.evaluate(READ)
    assert drawn["still"], "by hand there are no steps"
    assert_drawn(drawn, "by hand", 1, weight, bias, None, 1.25)
    slider = lambda name: page.locator(f"[name='{name}']")  # noqa: E731
    for presses in (3, 10, 20):
        for _ in range(presses):
            slider("bias-2").press("ArrowRight")
        bias[2] += presses / 10
        assert_drawn(page.evaluate(READ), "by hand", 1, weight, bias, None, 1.25)
    slider("expert").select_option("5")
    slider("up").press("Home")
    weight[5, 1] = -6.0
    slider("across").press("ArrowRight")
    weight[5, 0] = -2.0  # from -2.121 to the next place of the slider
    assert page.evaluate(READ)["controls"] | {"expert": "5", "up": "-6", "across": "-2"} == page.evaluate(READ)["controls"]
    assert_drawn(page.evaluate(READ), "by hand", 1, weight, bias, None, 1.25)
    slider("capacity").press("End")
    assert_drawn(page.evaluate(READ), "by hand", 1, weight, bias, None, None)
    page.get_by_role("button", name="Start again").click()
    assert_drawn(page.evaluate(READ), "by hand", 1, to_the_clouds(), torch.zeros(8, dtype=f64), None, 1.25)
    assert wrong == []


def test_an_arrow_is_dragged_and_stays_where_the_sliders_can_go(shown):
    page, wrong = shown(Quick("plain", 1500, None))
    weight, bias = (STORED["plain"][part][-1].clone() for part in ("weight", "bias"))
    box = page.locator(".moe-live svg").first.bounding_box()
    scale = box["width"] / 360
    for (x, y), to in (((-2.0, 1.0), (-4.0, 2.0)), ((4.4, -4.4), (6.0, -6.0))):
        u, v = page.evaluate(READ)["arrows"][7]
        page.mouse.move(box["x"] + u * scale, box["y"] + v * scale)
        page.mouse.down()
        page.mouse.move(box["x"] + (42 + 155 + 282 * x / 9) * scale, box["y"] + (8 + 141 - 282 * y / 9) * scale)
        page.mouse.up()
        weight[7] = torch.tensor(to, dtype=f64)
        drawn = page.evaluate(READ)
        assert drawn["chosen"] == 7 and drawn["controls"]["expert"] == "7"
        assert_close(torch.tensor(drawn["weight"][7]).double(), weight[7], rtol=0, atol=0.11)
        weight[7] = torch.tensor(drawn["weight"][7])
        assert_drawn(drawn, "by hand", 1, weight, bias, None, None)
        assert [float(drawn["controls"][name]) for name in ("across", "up")] == drawn["weight"][7]
    assert wrong == []


@pytest.mark.parametrize("router, k", [("biases", 2), ("expert choice", 1)])
def test_who_moves_a_recorded_gate_takes_it_over_without_what_only_chooses(shown, router, k):
    page, wrong = shown(Quick(router, 1498, 1.0))
    gates = STORED[router]
    page.locator("[name=bias-0]").press("Home")
    weight, bias = gates["weight"][-3], gates["bias"][-3].clone()
    bias[0] = -8.0
    assert_drawn(page.evaluate(READ), "by hand", k, weight, bias, None, 1.0)
    page.get_by_role("button", name=router).click()
    assert_drawn(page.evaluate(READ), router, k, gates["weight"][-3], gates["bias"][-3], gates["chooses"][-3], 1.0)
    assert wrong == []


def test_equal_scores_go_to_the_first_expert(shown):
    page, _ = shown(Quick("by hand", factor=2.0))
    for j in range(8):
        page.locator("[name=expert]").select_option(str(j))
        for name in ("across", "up"):
            page.locator(f"[name={name}]").evaluate(
                "one => { one.value = 0; one.dispatchEvent(new Event('input', {bubbles: true})); }")
    drawn = page.evaluate(READ)
    assert drawn["load"] == [256, *[0] * 7] and drawn["dropped"] == [192, *[0] * 7]
    assert drawn["served"] == [n < 64 for n in range(256)], "the first in the order of the cases have the places"


def test_what_the_page_carries_is_light_and_hangs_on_no_last_bit():
    data = SortingOffice().data()
    assert len(json.dumps(data, separators=(",", ":"))) < 60_000
    assert torch.equal(cases(), X) and data["x"] == (1000 * X).round().long().flatten().tolist()
    off = 1000 * toys.ring(256, seed=0).x
    assert ((off - off.floor() - 0.5).abs() > 1e-6).all(), "no case is rounded at a half"
    for router, gates in STORED.items():
        for moment in range(31):
            scores = office(router, moment, 1.0).scores()
            if router == "expert choice":
                p = torch.softmax(scores, -1).sort(dim=0, descending=True).values[31:]
                apart = (p[:-1] - p[1:])[:65]
            else:
                if K_OF[router] == 2 and router != "noisy top-2":
                    scores = (torch.softmax if router == "biases" else lambda s, _: torch.sigmoid(s))(scores, -1)
                    scores = scores + gates["chooses"][moment]
                best = scores.sort(dim=-1, descending=True).values[:, :K_OF[router] + 1]
                apart = best[:, :-1] - best[:, 1:]
            assert apart.min() > 1e-10, (router, moment)


# The gates --------------------------------------------------------------------------------------------------------------

def router_of(name, runs=0):
    followed = history.FOLLOWED[name]
    return ROUTERS[followed.router](8, followed.k, runs=runs, **dict(followed.settings))


@pytest.mark.parametrize("name", history.FOLLOWED)
def test_the_office_sends_as_the_router_itself_does(name):
    for moment in (0, 4, 11, 30):
        gates = {part: values[moment] for part, values in STORED[name].items()}
        router = router_of(name).eval()
        if hasattr(router, "bias"):
            router.bias = gates["chooses"]
        w = router(X @ gates["weight"].T + gates["bias"])
        expert, served, load, dropped = office(name, moment, None).sorted()
        assert load.tolist() == (w != 0).sum(0).tolist() and not dropped.any()
        assert torch.equal(served, (w != 0).any(1)) and (w.gather(1, expert[:, None])[served[:, None]] > 0).all()


@pytest.mark.parametrize("name", history.FOLLOWED)
def test_the_history_is_that_of_train_on_ring(name):
    run = train_on_ring(router_of(name, runs=2), steps=6, seeds=(0, 1))
    gates = history.gates(history.FOLLOWED[name], moments=(0, 6), steps=6, seeds=(0, 1))
    assert_close(gates["weight"][1], run.weights["gate.weight"][0], rtol=0, atol=1e-12)
    assert_close(gates["bias"][1], run.weights["gate.bias"][0], rtol=0, atol=1e-12)
    assert not gates["chooses"][0].any() and gates["chooses"][1].any() == (name in ("biases", "wrong sign"))
    early = history.gates(history.FOLLOWED[name], moments=(0, 1, 2, 5), steps=10)  # the step falls from the half on
    for part, values in STORED[name].items():
        assert_close(values[:4], early[part], rtol=0, atol=0.00051)


@pytest.mark.parametrize("name", history.FOLLOWED)
def test_what_is_followed_is_the_first_run_of_the_comparison(name):
    stored = load_routers()[ROWS[name]].weights
    assert len(STORED[name]["weight"]) == len(history.MOMENTS) == 31
    assert_close(STORED[name]["weight"][-1], stored["gate.weight"][0], rtol=0, atol=0.00051)
    assert_close(STORED[name]["bias"][-1], stored["gate.bias"][0], rtol=0, atol=0.00051)


def test_the_rounded_cases_go_where_chapter_12_sends_the_cases_themselves():
    task = toys.ring(256, seed=0)
    for c, factor in ((0.0, 1.0), (0.0, 1.25), (2.0, 1.25), (2.5, 1.25), (4.0, 1.25)):
        bias = torch.tensor([c, *[0.0] * 7], dtype=f64)
        sent = chosen_experts(task.x @ task.middle.T + bias, 1)
        left = (places(sent, 8) >= capacity(256, 8, factor=factor))[:, 0]
        expert, served, *_ = office("by hand", 0, factor).moved(0, (3.0, 0.0), c).sorted()
        assert torch.equal(expert, sent[:, 0]) and torch.equal(served, ~left)


def test_bad_settings_are_refused():
    for arguments, kind, said in [
        ({"router": "BASE"}, ValueError, "unknown router 'BASE': choose one of 'plain', 'Switch loss'"),
        ({"step": 3}, ValueError, "step must be one of 0, 1, 2, 5, 10, .*1500, got 3"),
        ({"step": 1.0}, TypeError, "step must be an int"),
        ({"factor": 0.9}, ValueError, "factor must be from 1 to 3 in steps of 0.05, or None, got 0.9"),
        ({"factor": 1.26}, ValueError, "factor must be"), ({"factor": 3.05}, ValueError, "factor must be"),
    ]:
        with pytest.raises(kind, match=said):
            SortingOffice(**arguments)


# The widgets ------------------------------------------------------------------------------------------------------------

def test_the_widgets_compute_with_the_package(monkeypatch):
    monkeypatch.setattr("moe_tutorial.interactive._widgets._image", lambda picture: html.escape(picture.description))
    router, step, factor, expert, across, up, bias, shown = SortingOffice("plain", 1500, 1.25).widgets().children

    def assert_shown(name, k, weight, own, chooses, given):
        _, served, load, dropped, room = wanted(name, k, weight, own, chooses, given)
        text = html.unescape(shown.value)
        alone = int((~served).sum())
        loads = "; ".join(f"expert {i} has {load[i]}" + (f", {dropped[i]} dropped" if dropped[i] else "")
                          for i in range(8) if load[i])
        assert f"E{loads[1:]}" in text and (f" {alone} of them with nobody" in text) == (alone > 0)
        assert (f"Capacity {room}" if room else "No capacity") in text and router.value == name

    gates = STORED["plain"]
    assert_shown("plain", 1, gates["weight"][-1], gates["bias"][-1], None, 1.25)
    factor.value = 1.0
    assert_shown("plain", 1, gates["weight"][-1], gates["bias"][-1], None, 1.0)
    for name in ("wrong sign", "biases"):
        router.value = name
        step.value = 6
        gates = STORED[name]
        assert_shown(name, 2, *(gates[part][6] for part in ("weight", "bias", "chooses")), 1.0)
    expert.value = 3
    assert [across.value, up.value] == pytest.approx(gates["weight"][6, 3].tolist())
    weight, own = gates["weight"][6].clone(), gates["bias"][6].clone()
    bias.value = 4.0
    own[3] = 4.0
    assert_shown("by hand", 2, weight, own, None, 1.0)
    across.value = -1.5
    weight[3, 0] = -1.5
    assert_shown("by hand", 2, weight, own, None, 1.0)
    step.value = 30
    assert_shown("by hand", 2, weight, own, None, 1.0)
    router.value = "expert choice"
    factor.value = 0.0
    gates = STORED["expert choice"]
    assert_shown("expert choice", 1, gates["weight"][30], gates["bias"][30], None, None)
    router.value = "by hand"
    assert_shown("by hand", 1, to_the_clouds(), torch.zeros(8, dtype=f64), None, None)


def test_the_sentence_of_an_office_is_that_of_its_page(shown):
    for arguments in (("plain", 1500, 1.25), ("wrong sign", 1500, 1.25), ("expert choice", 1500, 2.0), ("by hand", 0, None)):
        page, _ = shown(Quick(*arguments))
        assert page.evaluate(READ)["status"] == SortingOffice(*arguments).said()
    assert isinstance(SortingOffice()._begun(), Office)
