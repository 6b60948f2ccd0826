"""Training in a real browser, without a kernel and without a network, held to `train` and `fast_train`; and its widgets."""

import gzip
import html

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import BackpropagationNet, Mixture, class_decisions, fast_train, plots, train, vowel_task
from moe_tutorial.interactive import train_it_yourself
from moe_tutorial.interactive.train_it_yourself import TrainItYourself

BEGIN = {"experts": 4, "loss": "mixture", "step": 20.0, "variance": 1.0, "coding": "iy+ah", "seed": 3}
TASKS = {coding: vowel_task(coding) for coding in ("iy+ah", "iy+aa", "one-hot")}
CRITERION, EPOCHS, BAR = 0.08, 5000, 248  # BAR: the width of a bar for 1

# What is drawn and written, read from the page.
READ = """() => {
    const all = (selector) => [...document.querySelectorAll(".moe-live " + selector)];
    const numbers = (element, ...names) => names.map((name) => Number(element.getAttribute(name)));
    const line = (element) => numbers(element, "x1", "y1", "x2", "y2");
    const path = (element) => element.getAttribute("d").split("M").slice(1).map((part) =>
        part.split("L").map((point) => point.trim().split(" ").map(Number)));
    return {
        ...document.querySelector(".moe-interactive").drawn(),
        status: all("[role=status]")[0].textContent,
        table: all("tbody tr").map((row) => [...row.children].map((cell) => cell.textContent)),
        bars: all("rect[data-row=p]").map((bar) => [...numbers(bar, "width"), bar.nextElementSibling.textContent]),
        curves: Object.fromEntries(all("path[data-racer]").map((curve) => [curve.dataset.racer, path(curve)[0]])),
        epochs: all("text[data-epoch]").map((text) => [...numbers(text, "x"), Number(text.textContent)]),
        errors: all("text[data-error]").map((text) => [...numbers(text, "y"), Number(text.textContent)]),
        criterion: numbers(all(".moe-criterion")[0], "y1", "y2"),
        decisions: all(".moe-decision").map((drawn) =>
            [Number(drawn.dataset.expert), ...numbers(drawn, "stroke-width"), line(drawn)]),
        gates: all(".moe-line").map((drawn) => [...drawn.dataset.pair.split(" ").map(Number), line(drawn)]),
        regions: all(".moe-number").map((text) => [Number(text.dataset.expert), numbers(text, "x", "y")]),
        blend: path(all(".moe-blend")[0]),
        said: all("svg[role=img]").map((drawing) => drawing.getAttribute("aria-label")),
        playing: all("button")[0].textContent,
        variance: !all("select[name=variance]")[0].disabled,
    };
}"""

# A frame is what the page does between two pictures of the screen. Here they come when the test wants, at its times.
FRAMES = """() => {
    let waiting = [];
    window.requestAnimationFrame = (step) => waiting.push(step);
    window.cancelAnimationFrame = () => { waiting = []; };
    window.frame = (now) => {
        const steps = waiting;
        waiting = [];
        steps.forEach((step) => step(now));
    };
}"""


@pytest.fixture(scope="module")
def training():
    return TrainItYourself()


def read(page):
    return page.evaluate(READ)


def choose(page, name, value):
    """Choose with the arrow keys, as from the keyboard."""
    select = page.locator(f"select[name={name}]")
    options = select.locator("option").evaluate_all("options => options.map(option => option.value)")
    values = [option if isinstance(value, str) else float(option) for option in options]
    way = values.index(value) - options.index(select.input_value())
    for _ in range(abs(way)):
        select.press("ArrowDown" if way > 0 else "ArrowUp")


def type_seed(page, words):
    field = page.get_by_label("Seed (0 to 9999)")
    field.press("Control+a")
    field.press("Delete")
    field.press_sequentially(words)
    field.press("Enter")
    return field.input_value()


def settle(page, settings):
    """Choose all settings."""
    for name in ("experts", "loss", "step", "coding"):
        choose(page, name, settings[name])
    if settings["loss"] == "mixture":
        choose(page, "variance", settings["variance"])
    type_seed(page, str(settings["seed"]))


def train_at_once(page, frames, speed=100):
    """Train so many frames."""
    choose(page, "speed", speed)
    page.evaluate(FRAMES)
    page.get_by_role("button", name="Start", exact=True).click()
    page.evaluate("frames => { for (let at = 1; at <= frames; at++) window.frame(1000 * at); }", frames)


def press(page, name, key="Enter"):
    page.get_by_role("button", name=name, exact=True).press(key)


def rows(weight, bias):
    return torch.cat([weight, bias[..., None]], dim=-1).detach().flatten()


class Wanted:
    """What the package gives with these settings: both models, and their errors from epoch 0 to the last."""

    def __init__(self, epochs, experts, loss, step, variance, coding, seed):
        self.task = TASKS[coding]
        x, d = self.task.train.x, self.task.train.d
        self.mixture = Mixture(experts, outputs=d.shape[-1], seed=seed)
        self.network = BackpropagationNet(6, outputs=d.shape[-1], seed=seed)
        self.errors = {"mixture": [], "network": []}
        if epochs:
            history = train(self.mixture, x, d, loss, step_size=step, epochs=epochs, stop_at=CRITERION,
                            variance=variance if loss == "mixture" else 1.0)
            self.errors["mixture"] = history.squared_error[:-1, 0].tolist()
        self.errors["mixture"].append(self.error(self.mixture.blend))
        self.errors["network"].append(self.error(self.network))
        while self.errors["network"][-1] > CRITERION and len(self.errors["network"]) <= epochs:
            fast_train(self.network, x, d, step_size=step, epochs=1)
            self.errors["network"].append(self.error(self.network))

    def error(self, outputs):
        with torch.no_grad():
            return (self.task.train.d - outputs(self.task.train.x)).square().sum(-1).mean().item()

    def weights(self):
        experts, gate, network = self.mixture.experts, self.mixture.gate, self.network
        return {"mixture": [rows(experts.weight, experts.bias), rows(gate.weight, gate.bias)],
                "network": [rows(network.hidden_weight, network.hidden_bias), rows(network.weight, network.bias)]}

    def right(self, outputs, cases):
        with torch.no_grad():
            return 100 * class_decisions(outputs(cases.x), cases.d).double().mean().item()


class Ended(Wanted):
    """What a page ended with. The last bits decide where a run goes whose error jumps up and down, so the weights are the
    page's own; of the errors the first and the last are known."""

    def __init__(self, drawn, **settings):
        super().__init__(0, **settings)
        models = {"mixture": self.mixture, "network": self.network}
        for racer in drawn["racers"]:
            parameters = list(models[racer["name"]].parameters())  # weight and bias in turn, as the page has them
            for weight, bias, found in zip(parameters[::2], parameters[1::2], racer["weights"], strict=True):
                joined = torch.tensor(found, dtype=torch.float64).reshape(*bias.shape, -1)
                weight.data, bias.data = joined[..., :-1], joined[..., -1]
            start, = self.errors[racer["name"]]
            end = self.error(self.mixture.blend if racer["name"] == "mixture" else self.network)
            self.errors[racer["name"]] = [start, *[None] * (racer["epochs"] - 1), end]


def assert_weights(drawn, wanted, tolerance=1e-9):
    for racer, weights in zip(drawn["racers"], wanted.weights().values(), strict=True):
        assert racer["epochs"] == len(wanted.errors[racer["name"]]) - 1
        assert racer["error"] == pytest.approx(wanted.errors[racer["name"]][-1], abs=tolerance)
        for found, weight in zip(racer["weights"], weights, strict=True):
            assert_close(torch.tensor(found, dtype=torch.float64), weight, rtol=0, atol=tolerance)


def in_khz(point):
    return [0.1 + (point[0] - 42) / 310 * 1.3, 0.5 + (290 - point[1]) / 282 * 3.3]


def ends(line):
    return torch.tensor([in_khz(line[:2]), in_khz(line[2:])], dtype=torch.float64)


def grid(steps):
    """The middles of so many squares each way over the plane, as inputs."""
    f1 = 0.1 + (torch.arange(steps, dtype=torch.float64) + 0.5) / steps * 1.3
    f2 = 0.5 + (torch.arange(steps, dtype=torch.float64) + 0.5) / steps * 3.3
    return torch.cartesian_prod(f1, f2)


def assert_table(drawn, wanted):
    models = (("mixture", wanted.mixture.blend), ("network", wanted.network))
    for row, (name, outputs) in zip(drawn["table"], models, strict=True):
        error = wanted.errors[name][-1]
        assert row[:3] == [name, str(len(wanted.errors[name]) - 1), f"{error:.4f}"]
        for cell, cases in zip(row[3:5], (wanted.task.train, wanted.task.test), strict=True):
            assert len(cell.split(".")[1]) == 1 and float(cell) == pytest.approx(wanted.right(outputs, cases), abs=0.0501)
        assert row[5:] == ["yes" if error <= CRITERION else "no"]


def assert_race(drawn, wanted, tolerance):
    (left, first), (right, last) = drawn["epochs"][0], drawn["epochs"][-1]
    (bottom, low), (upper, high) = drawn["errors"][0], drawn["errors"][-1]
    assert first == low == 0
    error = lambda v: (bottom - 4 - v) / (bottom - upper) * high  # noqa: E731
    assert [error(v) for v in drawn["criterion"]] == [pytest.approx(CRITERION, abs=1e-9)] * 2
    for name, errors in wanted.errors.items():
        points = torch.tensor(drawn["curves"][name], dtype=torch.float64)
        epochs = (points[:, 0] - left) / (right - left) * last
        assert_close(epochs, epochs.round(), rtol=0, atol=0.02)
        numbers = epochs.round().int().tolist()
        assert numbers[0] == 0 and numbers[-1] == len(errors) - 1 <= last
        assert max(after - before for before, after in zip(numbers, numbers[1:] or [0])) <= max(1, last / 500)
        known = [at for at, number in enumerate(numbers) if errors[number] is not None]
        there = torch.tensor([errors[numbers[at]] for at in known], dtype=torch.float64)
        assert_close(error(points[known, 1]), there, rtol=0, atol=1e-5 + tolerance)
        assert f"{name} {errors[0]:.3f} at the start and {errors[-1]:.3f} at epoch {len(errors) - 1}" in drawn["said"][1]


def assert_bars(drawn, wanted, tolerance):
    mean = wanted.mixture.gate(wanted.task.train.x).mean(0).tolist()
    assert [width / BAR for width, _ in drawn["bars"]] == [pytest.approx(share, abs=tolerance) for share in mean]
    assert [text for _, text in drawn["bars"]] == [f"{share:.3f}" for share in mean]


def assert_plane(drawn, wanted, tolerance):
    """Decision lines, gate lines, the numbers in the regions, and the border of the blend's classes."""
    experts, gate = wanted.mixture.experts, wanted.mixture.gate
    p = gate(wanted.task.train.x)
    outputs, used = experts.weight.shape[-2], p.max(0).values > 0.01
    assert f"proportions after {len(wanted.errors['mixture']) - 1} epochs." in drawn["said"][0]
    corners = torch.tensor([[0.1, 0.5], [0.1, 3.8], [1.4, 0.5], [1.4, 3.8]], dtype=torch.float64)
    total = corners @ experts.weight[:, 0].mT + experts.bias[:, 0]
    crosses = (total > 0).any(0) & (total < 0).any(0)
    assert [k for k, *_ in drawn["decisions"]] == (crosses.nonzero()[:, 0].tolist() if outputs == 1 else [])
    for k, width, line in drawn["decisions"]:
        assert width == (2.2 if used[k] else 1)
        assert_close(experts(ends(line))[:, k, 0], torch.full((2,), 0.5, dtype=torch.float64), rtol=0, atol=1e-8 + tolerance)
    for i, j, line in drawn["gates"]:
        shares = gate(ends(line))
        assert_close(shares[:, i], shares[:, j], rtol=0, atol=1e-8 + tolerance)
    if gate.weight.any():
        points = grid(40)
        best = gate(points).argmax(-1)
        assert {k for k, _ in drawn["regions"]} == set(best.tolist())
        for k, (u, v) in drawn["regions"]:
            assert in_khz((u, v - 6)) == pytest.approx(points[best == k].mean(0).tolist(), abs=1e-6 + tolerance)
        for k, count in enumerate(p.argmax(-1).bincount(minlength=p.shape[-1]).tolist()):
            assert f"expert {k} {count}" in drawn["said"][0]
    else:
        assert drawn["regions"] == [] and "same proportion everywhere" in drawn["said"][0]
    assert_border(drawn, wanted)


def assert_border(drawn, wanted):
    """The border is drawn where the class of the blend changes: at all such places, and at no other."""
    def outputs(points):
        y = wanted.mixture.blend(points)
        return torch.cat([1 - y, y], dim=-1) if y.shape[-1] == 1 else y

    size = torch.tensor([1.3, 3.3], dtype=torch.float64) / 60
    corners = [grid(60) + size * (torch.tensor(corner) - 0.5) for corner in ((0, 0), (0, 1), (1, 0), (1, 1))]
    classes = torch.stack([outputs(corner).argmax(-1) for corner in corners])
    changes = (classes != classes[0]).any(0).double().reshape(60, 60)
    points = [in_khz(point) for piece in drawn["blend"] for point in piece]
    if not points:
        return assert_close(changes, torch.zeros_like(changes))
    points = torch.tensor(points, dtype=torch.float64)
    places = ((points - torch.tensor([0.1, 0.5], dtype=torch.float64)) / size).long().clamp(0, 59)
    drawn_at = torch.zeros_like(changes)
    drawn_at[places[:, 0], places[:, 1]] = 1
    # A point on the edge of two squares counts for one of them.
    near = lambda squares: torch.nn.functional.max_pool2d(squares[None], 3, stride=1, padding=1)[0]  # noqa: E731
    assert (drawn_at <= near(changes)).all() and (changes <= near(drawn_at)).all()
    # There the two largest outputs are equal, up to the curvature of the blend within a square.
    apart = lambda points: -outputs(points).topk(2, dim=-1).values.diff()[..., 0]  # noqa: E731
    at_corners = torch.stack([apart(corner) for corner in corners]).max(0).values.reshape(60, 60)
    assert apart(points).median() < 0.1 * at_corners[changes > 0].median()


def assert_drawing(page, settings, epochs, tolerance=1e-9):
    """Hold everything that is drawn and written to the package, after so many epochs or as many as the criterion takes.

    epochs: None for a page at its end, which is held to its own weights.
    """
    drawn = read(page)
    wanted = Ended(drawn, **settings) if epochs is None else Wanted(epochs, **settings)
    with torch.no_grad():
        assert_weights(drawn, wanted, tolerance)
        assert_table(drawn, wanted)
        assert_race(drawn, wanted, tolerance)
        assert_bars(drawn, wanted, tolerance)
        assert_plane(drawn, wanted, tolerance)
    return drawn


def test_it_begins_with_the_weights_of_the_package(shown, training):
    page, wrong = shown(training)
    drawn = assert_drawing(page, BEGIN, 0)
    assert (drawn["running"], drawn["playing"]) == (False, "Start")
    assert page.locator("circle[r='2.6']").count() == page.locator("path[d*='l3 5.4h-6z']").count() == 200
    assert wrong == []


def test_the_keyboard_moves_every_control(shown, training):
    page, wrong = shown(training)
    settings = dict(BEGIN)
    for name, value in (("experts", 6), ("step", 40.0), ("variance", 0.5), ("coding", "one-hot"), ("loss", "expected"),
                        ("coding", "iy+aa"), ("loss", "cooperative"), ("experts", 2)):
        choose(page, name, value)
        settings[name] = value
        drawn = assert_drawing(page, settings, 0)
        assert drawn["status"] == "A setting was changed: back to epoch 0, paused."
        assert drawn["variance"] == (settings["loss"] == "mixture")
        press(page, "One epoch")
        assert assert_drawing(page, settings, 1)["status"] == "Epoch 1."
    press(page, "One epoch", "Space")
    assert_drawing(page, settings, 2)
    press(page, "Start again")
    assert assert_drawing(page, settings, 0)["status"] == "Back to epoch 0."
    settings["seed"] = 17
    assert type_seed(page, "17") == "17"
    press(page, "One epoch")
    assert_drawing(page, settings, 1)
    assert wrong == []


def test_a_seed_out_of_range_becomes_the_nearest_one(shown, training):
    page, wrong = shown(training)
    for typed, seed in (("10000", 9999), ("-3", 0), ("1.6", 2), ("9999", 9999), ("", 9999)):
        assert type_seed(page, typed) == str(seed)
        assert_weights(read(page), Wanted(0, **{**BEGIN, "seed": seed}))
    assert wrong == []


def test_after_100_epochs_the_weights_are_those_of_the_package(shown, training):
    page, wrong = shown(training)
    for experts, loss, step, variance, coding, seed in (
        (4, "mixture", 20.0, 1.0, "iy+ah", 0), (8, "cooperative", 5.0, 1.0, "iy+ah", 9999),
        (6, "expected", 2.5, 1.0, "iy+ah", 1), (7, "mixture", 20.0, 4.0, "iy+aa", 123),
        (2, "cooperative", 5.0, 1.0, "iy+aa", 0), (8, "expected", 5.0, 1.0, "iy+aa", 7),
        (3, "mixture", 1.25, 0.25, "one-hot", 9999), (5, "cooperative", 2.5, 1.0, "one-hot", 9999),
        (8, "expected", 1.25, 1.0, "one-hot", 0),
    ):
        settings = dict(experts=experts, loss=loss, step=step, variance=variance, coding=coding, seed=seed)
        settle(page, settings)
        train_at_once(page, 1)
        assert assert_drawing(page, settings, 100)["running"]
    assert wrong == []


# Runs that depend little on the last bits: on every machine they end within some epochs of these.
@pytest.mark.parametrize("changed, mixture, network", [
    ({}, 1151, 1604), ({"loss": "cooperative", "step": 10.0, "seed": 0}, 1279, 2242),
    ({"coding": "iy+aa", "experts": 3, "seed": 31}, 792, 855)])
def test_it_runs_to_the_criterion(shown, training, changed, mixture, network):
    page, wrong = shown(training)
    settings = {**BEGIN, **changed}
    settle(page, settings)
    choose(page, "speed", 100)
    press(page, "Start")
    page.wait_for_function("() => !document.querySelector('.moe-interactive').drawn().running", timeout=120_000)
    drawn = assert_drawing(page, settings, None)
    epochs = [racer["epochs"] for racer in drawn["racers"]]
    assert epochs == [pytest.approx(mixture, rel=0.02), pytest.approx(network, rel=0.02)]
    assert all(racer["error"] <= CRITERION for racer in drawn["racers"])
    said = (f"Done: the mixture reached the criterion after {epochs[0]} epochs; "
            f"the network reached the criterion after {epochs[1]} epochs.")
    assert (drawn["status"], drawn["playing"]) == (said, "Start")
    for name in ("Start", "One epoch"):  # there is nothing left to train
        press(page, name)
        again = read(page)
        assert (again["status"], again["racers"], again["running"]) == (said, drawn["racers"], False)
    assert wrong == []


def test_it_ends_after_5000_epochs_without_the_criterion(shown, training):
    page, wrong = shown(training)
    settings = {**BEGIN, "experts": 2, "step": 1.25, "seed": 0}
    settle(page, settings)
    train_at_once(page, 49)
    assert [racer["epochs"] for racer in read(page)["racers"]] == [4900, 4900]
    page.evaluate("window.frame(50000)")
    drawn = read(page)
    assert [racer["epochs"] for racer in drawn["racers"]] == [EPOCHS, EPOCHS] and not drawn["running"]
    assert drawn["status"] == ("Done: the mixture has not reached the criterion in 5000 epochs; the network has not reached "
                               "the criterion in 5000 epochs. Try another step size or seed.")
    task = TASKS["iy+ah"].train
    for model in (Mixture(2), BackpropagationNet(6)):
        assert not fast_train(model, task.x, task.d, step_size=1.25, epochs=EPOCHS, stop_at=CRITERION).converged
    assert wrong == []


@pytest.mark.parametrize("loss", ["cooperative", "expected", "mixture"])
def test_no_step_size_loses_the_weights(shown, training, loss):
    page, wrong = shown(training)
    settings = {**BEGIN, "experts": 8, "loss": loss, "step": 80.0, "variance": 0.1, "coding": "one-hot"}
    settle(page, settings)
    train_at_once(page, 5)
    for racer in read(page)["racers"]:
        assert racer["epochs"] == 500
        assert torch.tensor([*racer["weights"][0], *racer["weights"][1]]).isfinite().all(), "null is what JSON has for NaN"
    task = TASKS["one-hot"].train
    extra = {"variance": 0.1} if loss == "mixture" else {}
    assert not train(Mixture(8, outputs=4), task.x, task.d, loss, step_size=80.0, epochs=500, **extra).diverged
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
def test_pause_holds_and_start_goes_on(shown, training, width):
    page, wrong = shown(training, viewport={"width": width, "height": 900}, has_touch=width == 390)
    act = (lambda name: page.get_by_role("button", name=name, exact=True).tap()) if width == 390 else \
        (lambda name: page.get_by_role("button", name=name, exact=True).click())
    beyond = lambda epochs: page.wait_for_function(  # noqa: E731
        f"() => document.querySelector('.moe-interactive').drawn().racers[0].epochs > {epochs}")
    act("Start")
    assert read(page)["status"] == "Training until both have an error of at most 0.08."
    beyond(10)
    act("Pause")
    held = read(page)["racers"]
    epochs = held[0]["epochs"]
    assert epochs % 5 == 0, "five epochs for each picture"
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    drawn = assert_drawing(page, BEGIN, epochs)
    assert drawn["racers"] == held and drawn["status"] == f"Paused at epoch {epochs}." and drawn["playing"] == "Start"
    page.locator("select[name=speed]").select_option("1")
    act("Start")
    beyond(epochs)
    act("One epoch")  # stops there
    drawn = read(page)
    now = drawn["racers"][0]["epochs"]
    assert not drawn["running"] and drawn["status"] == f"Epoch {now}." and now > epochs + 1
    assert_drawing(page, BEGIN, now)
    act("Start")
    act("Start again")
    assert not assert_drawing(page, BEGIN, 0)["running"]
    act("Start")
    beyond(5)
    page.locator("select[name=experts]").select_option("3")
    assert not assert_drawing(page, {**BEGIN, "experts": 3}, 0)["running"]
    assert wrong == []


@pytest.mark.parametrize("motion, drawn_at", [("reduce", [5, 5, 5, 20, 20, 30]), ("no-preference", [5, 10, 15, 20, 25, 30])])
def test_with_less_motion_there_is_one_picture_a_second(shown, training, motion, drawn_at):
    page, wrong = shown(training, reduced_motion=motion)
    page.evaluate(FRAMES)
    press(page, "Start")
    for at, (now, epochs) in enumerate(zip((2000, 2016, 2999, 3000, 3999, 4001), drawn_at), start=1):
        page.evaluate(f"window.frame({now})")
        drawn = read(page)
        assert [racer["epochs"] for racer in drawn["racers"]] == [5 * at] * 2
        assert [row[1] for row in drawn["table"]] == [str(epochs)] * 2
    choose(page, "speed", 100)
    page.evaluate("for (let now = 4002; now < 4020; now++) window.frame(now)")
    drawn = read(page)
    assert drawn["racers"][0]["epochs"] == pytest.approx(1151, rel=0.02)
    assert drawn["table"][0][1] == str(drawn["racers"][0]["epochs"]), "the end is always drawn"
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off(shown, training, width):
    page, wrong = shown(training, viewport={"width": width, "height": 900})
    choose(page, "experts", 8)
    choose(page, "coding", "one-hot")
    for epochs in (0, 100, 1100):
        if epochs:
            train_at_once(page, epochs // 100)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert page.locator(".moe-scroll").evaluate("e => e.scrollWidth <= e.clientWidth")
        cut = page.locator(".moe-live svg.moe-drawing text").evaluate_all("""texts => texts.filter(text => {
            const [own, all] = [text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()];
            return own.left < all.left || own.right > all.right || own.top < all.top - 1 || own.bottom > all.bottom;
        }).map(text => text.textContent)""")
        assert cut == []
        names = [name.bounding_box() for name in page.locator("svg text.moe-name").all()]
        assert abs(names[0]["y"] - names[1]["y"]) > 10, "the names at the curves do not overlap"
        page.get_by_role("button", name="Start again").click()
    assert wrong == []


def test_the_page_face_is_light_and_its_picture_says_the_end(training):
    assert len(gzip.compress(training.html().encode())) < 30_000
    task, still = TASKS["iy+ah"].train, training.still()
    for model, said in ((Mixture(4, seed=3), "seed 3, reached"), (BackpropagationNet(6, seed=3), "6 hidden units reached")):
        outcome = fast_train(model, task.x, task.d, step_size=20.0, epochs=EPOCHS, stop_at=CRITERION)
        assert outcome.converged and f"{said} the criterion after {int(outcome.stopped)} epochs" in still.caption
    assert "mixture from 0.2" in still.description and "criterion 0.08" in still.description


def assert_widgets(shown, epochs, **settings):
    wanted = Wanted(epochs, **settings)
    pictures, text = shown.value.split("<img")[1:], html.unescape(shown.value)
    for name, outputs in (("mixture", wanted.mixture.blend), ("network", wanted.network)):
        errors = wanted.errors[name]
        end = "reached the criterion after" if errors[-1] <= CRITERION else "has not reached the criterion in"
        train_right, test_right = (wanted.right(outputs, cases) for cases in (wanted.task.train, wanted.task.test))
        assert (f"The {name} {end} {len(errors) - 1} epochs; right: {train_right:.1f} % of the training and "
                f"{test_right:.1f} % of the test cases.") in text
    weight, bias, v, c = (parameter.detach() for parameter in wanted.mixture.parameters())
    with torch.no_grad():
        used = (wanted.mixture.gate(wanted.task.train.x).amax(0) > 0.01).nonzero()[:, 0].tolist()
        one = {"lines": {k: (weight[k, 0], bias[k, 0]) for k in used}, "blend": wanted.mixture.blend(plots.plane())}
        regions = plots.gate_regions(wanted.task.train, v, c, **(one if weight.shape[1] == 1 else {}))
    assert regions.description in html.unescape(pictures[0])
    errors = wanted.errors["mixture"]
    assert f"mixture from {errors[0]:.3g} to {errors[-1]:.3g}, lowest {min(errors):.3g}" in html.unescape(pictures[1])


def test_the_widgets_compute_with_the_package(training, monkeypatch):
    experts, loss, step, variance, coding, seed, button, shown = training.widgets().children
    button.click()
    assert_widgets(shown, EPOCHS, **BEGIN)
    assert "The mixture reached the criterion after 11" in shown.value and not button.disabled
    monkeypatch.setattr(train_it_yourself, "_EPOCHS", 60)
    experts.value, step.value, variance.value, seed.value = 3, 5.0, 0.25, 9999
    button.click()
    settings = dict(experts=3, loss="mixture", step=5.0, variance=0.25, coding="iy+ah", seed=9999)
    assert_widgets(shown, 60, **settings)
    loss.value, coding.value = "cooperative", "one-hot"
    assert variance.disabled
    button.click()
    assert_widgets(shown, 60, **{**settings, "loss": "cooperative", "coding": "one-hot"})
    loss.value = "mixture"
    assert not variance.disabled
    seed.value = 10000
    assert seed.value == 9999
