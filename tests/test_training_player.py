"""The training player in a real browser, without a kernel and without a network, held to `train`; and its widgets."""

import html
import re

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import Mixture, foot_of_normal, gate_scores, mixing_proportions, plots, train, vowel_task
from moe_tutorial.interactive import TrainingPlayer
from moe_tutorial.interactive.training_player import film

TASK = vowel_task()
MARKS = {"X": torch.tensor([0.756, 0.105]), "T0": torch.tensor([-0.068, 0.012])}
RUNS = [(loss, experts, seed) for loss in ("mixture", "expected") for experts in (2, 8) for seed in (0, 2)]
ROUNDING = 0.005  # of the weights on a page

READ = """() => {
    const number = (element, ...names) => names.map((name) => Number(element.getAttribute(name)));
    const all = (selector, read) => [...document.querySelectorAll(selector)].map(read);
    const ends = (line) => number(line, "x1", "y1", "x2", "y2");
    const numbers = (text) => text.match(/-?[0-9.]+(e-[0-9]+)?/g).map(Number);
    return {
        said: document.querySelector(".moe-said").textContent,
        beyond: document.querySelector(".moe-beyond").textContent,
        slider: [document.querySelector("[name=epoch]").value, document.querySelector("[name=epoch]").max].map(Number),
        bars: all("rect[data-row=p]", (bar) => [number(bar, "width")[0], bar.nextElementSibling.textContent]),
        lines: all("line.moe-decision", (line) => [line.dataset.expert, line.getAttribute("stroke-width"), ends(line)]),
        borders: all("line.moe-border", (line) => [line.dataset.pair, ends(line)]),
        thin: all("line.moe-line", (line) => line.dataset.pair),
        now: all(".moe-now circle", (circle) => number(circle, "cx", "cy"))[0],
        curve: all("path.moe-error", (path) => numbers(path.getAttribute("d")))[0],
        trails: all("path[data-trail]", (path) => numbers(path.getAttribute("d").replaceAll("h0", " "))),
        feet: all("g[data-foot]", (foot) => numbers(foot.getAttribute("transform"))),
        marks: all("g[data-mark]", (mark) => [mark.dataset.mark, numbers(mark.getAttribute("transform"))]),
    };
}"""


@pytest.fixture(scope="module")
def player():
    return TrainingPlayer(TASK, losses=("mixture", "expected"), experts=(2, 8), seeds=(0, 2), marks=MARKS)


def number(text):
    return float(text.replace("\u2212", "-"))


def proportions(gate):
    return mixing_proportions(gate_scores(TASK.train.x, gate[:, :2], gate[:, 2]))


def in_kHz(ends):
    """The two ends of a line in the plane, `(2, 2)`."""
    u, v = torch.tensor(ends, dtype=torch.float64).reshape(2, 2).unbind(-1)
    return torch.stack([0.1 + (u - 42) / 310 * 1.3, 0.5 + (290 - v) / 282 * 3.3], -1)


def assert_shown(page, recording, frame):
    """Hold everything that is drawn and written at one epoch to a recording; a page's weights are rounded."""
    drawn = page.evaluate(READ)
    last, epoch, error = int(recording.epochs[-1]), int(recording.epochs[frame]), recording.error[frame].item()
    p, experts, gate = proportions(recording.gate[frame]), recording.experts[frame], recording.gate[frame]
    assert drawn["slider"] == [frame, len(recording.epochs) - 1]

    said = re.fullmatch(r"Epoch (\d+) of (\d+): mean squared error ([\d.]+), effective number of experts ([\d.]+); "
                        r"live: ([\d, ]+)\.( Here .*)?", drawn["said"])
    assert [int(said[1]), int(said[2])] == [epoch, last]
    assert float(said[3]) == pytest.approx(error, abs=0.00056)
    assert float(said[4]) == pytest.approx(torch.special.entr(p).sum(-1).exp().mean().item(), abs=0.03)
    used = [int(k) for k in said[5].split(", ")]
    for k, largest in enumerate(p.amax(0).tolist()):  # so close to 0.01 the rounding decides
        assert (k in used) == (largest > 0.01) or largest == pytest.approx(0.01, rel=0.07)
    at_the_end = f" Here the error has reached the criterion, {0.08}." if epoch == last else None
    assert said[6] == at_the_end

    widths = torch.tensor([width for width, _ in drawn["bars"]], dtype=torch.float64) / 248
    assert_close(widths, p.mean(0), rtol=0, atol=0.004)
    assert [text for _, text in drawn["bars"]] == [f"{width:.3f}" for width in widths.tolist()]

    def at(ends, row):
        return in_kHz(ends) @ row[:2] + row[2]

    room = ROUNDING * (1.4 + 3.8 + 1) + 1e-9
    lines = {int(k): (width, ends) for k, width, ends in drawn["lines"]}
    corners = torch.cartesian_prod(torch.tensor([0.1, 1.4]), torch.tensor([0.5, 3.8])).double()
    for k, row in enumerate(experts):
        beyond = corners @ row[:2] + row[2]
        if (beyond > room).all() or (beyond < -room).all():
            assert k not in lines
        elif (beyond > room).any() and (beyond < -room).any():
            width, ends = lines[k]
            assert at(ends, row).abs().max() <= room
            assert width == ("2.2" if k in used else "1")
    for pair, ends in drawn["borders"]:
        i, j = map(int, pair.split())
        scores = torch.stack([at(ends, row) for row in gate])
        assert (scores[i] - scores[j]).abs().max() <= 2 * room
        assert (scores.amax(0) - scores[i]).max() <= 2 * room
    assert all(int(k) in used for pair in drawn["thin"] for k in pair.split())

    tallest = 1.1 * recording.error.max().item()

    def place(epoch, error):
        return [pytest.approx(42 + epoch / last * 310, abs=1e-6), pytest.approx(160 - error / tallest * 152, abs=0.2)]

    points = [value for epoch, error in zip(recording.epochs.tolist(), recording.error.tolist())
              for value in place(epoch, error)]
    assert drawn["curve"] == points and drawn["now"] == place(epoch, error)

    rounded = (recording.experts[: frame + 1] / 0.01).round() * 0.01
    feet = foot_of_normal(rounded[..., :2], rounded[..., 2])
    places = torch.stack([42 + (feet[..., 0] + 0.8) / 2.1 * 310, 210 - (feet[..., 1] + 0.35) / 1.1 * 202], -1)
    for k, trail in enumerate(drawn["trails"]):
        assert_close(torch.tensor(trail).double().reshape(-1, 2), places[:, k], rtol=1e-4, atol=0.011)
    assert_close(torch.tensor(drawn["feet"]).double(), places[-1], rtol=1e-4, atol=0.011)
    assert len(drawn["trails"]) == len(experts)
    f1, f2 = feet[-1].T
    outside = ((f1 < -0.8) | (f1 > 1.3) | (f2 < -0.35) | (f2 > 0.75)).nonzero()[:, 0].tolist()
    assert drawn["beyond"] == (f"Outside the picture: {', '.join(map(str, outside))}." if outside else "")


def choose(page, name, value):
    page.locator(f"select[name={name}]").select_option(str(value))


def test_a_recording_is_what_train_makes_of_the_same_start():
    for loss, step_size, experts, seed in (("mixture", 20.0, 8, 2), ("cooperative", 10.0, 4, 0)):
        recording = film(TASK, loss, experts, [1, seed])[1]
        mixture = Mixture(experts, seed=[1, seed])
        history = train(mixture, TASK.train.x, TASK.train.d, loss, step_size=step_size, epochs=3000, stop_at=0.08)
        last = int(history.stopped[1])
        assert recording.converged and recording.epochs[0] == 0 and recording.epochs[-1] == last
        steps = recording.epochs.diff()
        assert (steps[:-1] == steps[0]).all() and 0 < steps[-1] <= steps[0] and 35 <= len(recording.epochs) <= 41
        for epoch in (0, 1, len(steps) // 2, -1):
            at = recording.epochs[epoch]
            assert torch.equal(recording.experts[epoch, :, :2], history.weights["experts.weight"][at, 1, :, 0])
            assert torch.equal(recording.experts[epoch, :, 2], history.weights["experts.bias"][at, 1, :, 0])
            assert torch.equal(recording.gate[epoch, :, :2], history.weights["gate.weight"][at, 1])
            assert torch.equal(recording.gate[epoch, :, 2], history.weights["gate.bias"][at, 1])
            assert recording.error[epoch] == history.squared_error[at, 1]


def test_every_recorded_run_can_be_chosen_with_the_keyboard(shown, player):
    page, wrong = shown(player)
    assert list(player.films) == RUNS
    assert_shown(page, player.films["mixture", 2, 0], 0)
    frame = 0
    for loss, experts, seed in RUNS[1:]:
        for name, value in (("loss", loss), ("experts", experts), ("seed", seed)):
            control = page.locator(f"select[name={name}]")
            if control.input_value() != str(value):
                control.press("ArrowDown" if control.evaluate("control => control.selectedIndex") == 0 else "ArrowUp")
        frame += 3
        page.locator("[name=epoch]").fill(str(frame))
        assert_shown(page, player.films[loss, experts, seed], frame)
    page.get_by_role("button", name="Last").press("Enter")
    for experts, seed in ((2, 2), (2, 0), (8, 0)):  # who was at the end stays at the end, however many epochs a run has
        choose(page, "experts", experts)
        choose(page, "seed", seed)
        recording = player.films["expected", experts, seed]
        assert_shown(page, recording, len(recording.epochs) - 1)
    assert dict(page.evaluate(READ)["marks"]) == {
        "X": pytest.approx([42 + 1.556 / 2.1 * 310, 210 - 0.455 / 1.1 * 202]),
        "T0": pytest.approx([42 + 0.732 / 2.1 * 310, 210 - 0.362 / 1.1 * 202])}
    assert wrong == []


def test_the_keyboard_moves_through_the_epochs(shown, player):
    page, wrong = shown(player)
    recording = player.films["mixture", 2, 0]
    last = len(recording.epochs) - 1
    slider, frame = page.locator("[name=epoch]"), 0
    for key, to in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", last), ("Home", 0)):
        slider.press(key)
        assert_shown(page, recording, to)
        assert slider.get_attribute("aria-valuetext") == str(int(recording.epochs[to]))
    slider.press("PageUp")
    frame = int(slider.input_value())
    assert frame > 1
    assert_shown(page, recording, frame)
    for name, to in (("Last", last), ("First", 0)):
        page.get_by_role("button", name=name).press("Enter")
        assert_shown(page, recording, to)
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_pointer_over_the_error_curve_chooses_the_epoch(shown, player, width):
    page, wrong = shown(player, viewport={"width": width, "height": 900}, has_touch=width == 390)
    recording = player.films["mixture", 2, 0]
    curve = page.locator("svg:has(path.moe-error)")
    curve.scroll_into_view_if_needed()
    box, last = curve.bounding_box(), int(recording.epochs[-1])
    for frame in (7, 20, 3):
        epoch = int(recording.epochs[frame]) + 2  # the nearest one counts
        place = box["x"] + (42 + epoch / last * 310) * box["width"] / 360, box["y"] + 0.4 * box["height"]
        page.touchscreen.tap(*place) if width == 390 else page.mouse.move(*place)
        assert_shown(page, recording, frame)
    assert curve.evaluate("curve => getComputedStyle(curve).touchAction") == "pan-y", "a finger can still scroll the page"
    assert wrong == []


@pytest.mark.parametrize("motion, first, still, second", [("no-preference", 120, 30, 80), ("reduce", 1040, 900, 140)])
def test_playing_shows_one_epoch_after_the_other_and_ends(shown, player, motion, first, still, second):
    """Pictures follow each other after 80 to 96 ms, or 1000 to 1016 ms, because a browser draws every 16 ms."""
    page, wrong = shown(player, reduced_motion=motion)
    recording = player.films["mixture", 2, 0]
    last = len(recording.epochs) - 1
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    frame = lambda: int(page.locator("[name=epoch]").input_value())  # noqa: E731
    button = page.get_by_role("button", name=re.compile("Play|Pause"))
    button.press("Enter")
    assert button.inner_text() == "Pause" and frame() == 0
    page.clock.run_for(first)
    assert frame() == 1
    page.clock.run_for(still)
    assert frame() == 1, "no faster than that"
    page.clock.run_for(second)
    assert frame() == 2
    button.click()
    page.clock.run_for(5 * first)
    assert button.inner_text() == "Play" and frame() == 2, "a pause holds"
    button.click()
    page.clock.run_for(last * first)
    assert button.inner_text() == "Play"
    assert_shown(page, recording, last)
    button.click()
    assert frame() == 0, "playing at the end begins again"
    page.clock.run_for(3 * first)
    assert button.inner_text() == "Pause" and frame() > 0
    page.locator("[name=epoch]").press("End")
    assert button.inner_text() == "Play", "the slider takes over"
    page.get_by_role("button", name="First").press("Enter")
    button.click()
    page.locator("svg:has(path.moe-error)").hover()
    page.clock.run_for(first)
    assert button.inner_text() == "Pause" and 0 < frame() < 5, "a pointer that passes over the curve changes nothing"
    page.mouse.down()
    there = frame()
    page.mouse.up()
    page.clock.run_for(3 * first)
    assert button.inner_text() == "Play" and frame() == there > 5, "one that presses takes over"
    assert wrong == []


def test_what_cannot_be_chosen_is_said(shown):
    page, wrong = shown(TrainingPlayer(TASK, losses=["mixture"], experts=(2, 3), seeds=[5]))
    assert page.locator(".moe-live select").evaluate_all("all => all.map(select => select.name)") == ["experts"]
    assert page.locator(".moe-live legend").inner_text() == "The run, eq. 1.3, mixture"
    assert wrong == []


def test_the_ground_has_the_gate_of_the_epoch(shown, player):
    page, wrong = shown(player)
    choose(page, "experts", 8)
    page.get_by_role("button", name="Last").click()
    assert page.locator(".moe-number").all_text_contents() == [
        str(k) for k in proportions(player.films["mixture", 8, 0].gate[-1]).argmax(-1).unique().tolist()]
    page.get_by_role("button", name="First").click()
    assert page.locator(".moe-number").count() == 0, "an unbiased gate prefers nobody"
    assert wrong == []


def test_bad_arguments_are_refused():
    for arguments, said in [
        ({"losses": []}, "losses must hold at least one of them"), ({"seeds": []}, "seeds holds no seeds"),
        ({"losses": ["1.3"]}, "losses has the unknown loss '1.3'"), ({"experts": [4, 4]}, r"each once, got \[4, 4\]"),
        ({"seeds": [1, 10000]}, "seeds must be from 0 to 9999, the end of their field, got 10000"),
        ({"experts": [9]}, r"from 2 to 8 experts, got \[9\]"), ({"experts": [1, 4]}, r"got \[1, 4\]"),
    ]:
        with pytest.raises(ValueError, match=said):
            TrainingPlayer(TASK, **arguments)
    with pytest.raises(ValueError, match="the task has 4 outputs, wanted 1"):
        TrainingPlayer(vowel_task("one-hot"))


def test_the_widgets_compute_with_the_package(monkeypatch):
    monkeypatch.setattr("moe_tutorial.interactive._widgets._image", lambda picture: html.escape(picture.description))
    box = TrainingPlayer(TASK, losses=("expected", "mixture"), experts=(4,), seeds=(0,), marks=MARKS).widgets()
    loss, experts, seed, button, frame, shown = box.children

    def assert_widgets(loss, step_size, experts, seed, frame):
        mixture = Mixture(experts, seed=seed)
        history = train(mixture, TASK.train.x, TASK.train.d, loss, step_size=step_size, epochs=3000, stop_at=0.08)
        epoch = min(frame * -(-int(history.stopped) // 40), int(history.stopped))
        for name, parameter in mixture.named_parameters():
            with torch.no_grad():
                parameter.copy_(history.weights[name][epoch, 0])
        p = mixture.gate(TASK.train.x).detach()
        assert f"Epoch {epoch} of {int(history.stopped)}, where the run ended at the criterion: mean squared error " \
            f"{history.squared_error[epoch, 0]:.3f}, effective number of experts " \
            f"{torch.special.entr(p).sum(-1).exp().mean():.2f}." in shown.value
        means = plots.proportions(p.mean(0, keepdim=True), ["mean over the training cases"]).description
        assert html.escape(means) in shown.value
        points = foot_of_normal(history.weights["experts.weight"][0, 0, :, 0], history.weights["experts.bias"][0, 0, :, 0])
        first = tuple(round(value, 2) for value in points[0].tolist())
        assert f"expert 0 from {first} to" in shown.value

    assert [value for _, value in experts.options] == [2, 3, 4, 5, 6, 7, 8]
    assert_widgets("expected", 10.0, 4, 0, frame.max)
    frame.value = 5
    assert_widgets("expected", 10.0, 4, 0, 5)
    loss.value, experts.value, seed.value = "mixture", 6, 3
    assert_widgets("expected", 10.0, 4, 0, 5)  # nothing is trained before the button is pressed
    button.click()
    assert not button.disabled
    assert_widgets("mixture", 20.0, 6, 3, frame.max)
    frame.value = 0
    assert_widgets("mixture", 20.0, 6, 3, 0)
