"""Which expert? in a real browser, without kernel and network, held to the stored knowledge for every layer and step."""

import collections
import html
import json
import re

import pytest

from moe_tutorial import excerpt_text, knowledge_text, load_knowledge
from moe_tutorial.interactive import WhichExpert

STEPS, LENGTH, CASES = (0, 100, 200, 400, 800), 64, 640
LANGUAGES = ("English", "German", "French", "Spanish", "code")
NAMES = {" ": "a space", "\n": "the end of a line", ".": "a full stop", ",": "a comma", ";": "a semicolon",
         "?": "a question mark", "#": "a number sign", "-": "a hyphen", "/": "a slash"}
SOURCE = ("The excerpts are from The Debian Administrator's Handbook by Raphaël Hertzog and Roland Mas, under the licence "
          "CC BY-SA 3.0.")

# What is drawn and written.
READ = """() => {
    const all = (selector) => [...document.querySelectorAll(".moe-live " + selector)];
    const tiles = (part) => all(`[data-tile=${part}]`), places = (selector) => all(".moe-cell").flatMap((cell, at) =>
        cell.matches(selector) ? [at] : []);
    return {
        ...document.querySelector(".moe-interactive").drawn(),
        text: tiles("expert").map((tile) => tile.textContent).join(""),
        below: tiles("favourite").map((tile) => tile.textContent).join(""),
        upper: tiles("expert").map((tile) => tile.dataset.expert).join(""),
        lower: tiles("favourite").map((tile) => tile.dataset.expert).join(""),
        other: places(".moe-other"), same: places(".moe-same"), outlined: places(".moe-chosen"),
        lines: all(".moe-line-of-text").map((line) => [line.getAttribute("role"), line.getAttribute("aria-label")]),
        domains: all(".moe-domain").map((one) => one.textContent),
        status: all("[role=status]").map((one) => one.textContent), more: all(".moe-more")[0].textContent,
        live: all("[role=status]")[0].getAttribute("aria-live"),
        shares: all("[data-share]").map((one) => Number(one.textContent)),
        widths: all("[data-bar]").map((one) => Number(one.getAttribute("width"))),
        frame: all("[data-frame]")[0].dataset.frame,
        said: all("svg[role=img]")[0].getAttribute("aria-label"),
        value: document.querySelector("[name=character]").getAttribute("aria-valuetext"),
        announced: all("[aria-live]").map((one) => one.getAttribute("aria-live")),
    };
}"""

# The colours of each expert's characters and of their ground, and whether its digit stands below.
PAINTS = """() => {
    const found = {};
    for (const tile of document.querySelectorAll(".moe-tile")) {
        const { backgroundColor, color } = getComputedStyle(tile), expert = tile.dataset.expert;
        const { content, display } = getComputedStyle(tile, "::after");
        const digit = [`"${expert}"`, "attr(data-expert)"].includes(content) && display === "block";
        (found[expert] ??= new Set()).add(JSON.stringify([color, backgroundColor, digit]));
    }
    found.line = new Set([...document.querySelectorAll(".moe-cell")].map((cell) => JSON.stringify(
        [cell.matches(".moe-other"), getComputedStyle(cell.lastChild).borderTopColor])));
    return Object.fromEntries(Object.entries(found).map(([expert, paints]) => [expert, [...paints].map(JSON.parse)]));
}"""

# The sentences about every character, by the slider.
FOLLOW = """() => {
    const slider = document.querySelector("[name=character]"), seen = [];
    for (let at = 0; at <= Number(slider.max); at++) {
        slider.value = at;
        slider.dispatchEvent(new Event("input"));
        seen.push([document.querySelector(".moe-live [role=status]").textContent,
            document.querySelector(".moe-more").textContent, slider.getAttribute("aria-valuetext")]);
    }
    return seen;
}"""


class Wanted:
    """What a layer of a seed has to show, counted one by one from what is stored."""

    def __init__(self, layer, seed=0):
        self.run, self.layer = load_knowledge()["top-1 of 8"][seed], layer
        text, excerpts = knowledge_text(), excerpt_text()
        chosen = self.run.chosen[layer].tolist()
        self.counts = collections.defaultdict(lambda: [0] * 8)
        by_domain = [[0] * 8 for _ in LANGUAGES]
        for piece in range(len(text)):
            for letter, expert in zip(text.read(piece), chosen[piece], strict=True):
                self.counts[letter][expert] += 1
                by_domain[int(text.domain[piece])][expert] += 1
        self.text = "".join(excerpts.read(piece) for piece in range(10))
        self.shares = [[round(100 * count / sum(row)) for count in row] for row in by_domain]
        self.favourites = "".join(str(self.favourite(letter)) for letter in self.text)

    def favourite(self, letter):
        return self.counts[letter].index(max(self.counts[letter]))

    def experts(self, moment):
        return "".join(map(str, self.run.excerpts[moment, self.layer].flatten().tolist()))

    def sentences(self, moment, at):
        letter, experts = self.text[at], self.experts(moment)
        here = [expert for one, expert in zip(self.text, experts) if one == letter]
        own = here.count(experts[at])
        part = round(100 * max(self.counts[letter]) / sum(self.counts[letter]))
        p = self.run.proportions[moment, self.layer].flatten()[at].item()
        name = name_of(letter)
        times = lambda count: ["once", "twice"][count - 1] if count < 3 else f"{count} times"  # noqa: E731
        return [f"{name[0].upper()}{name[1:]}, {LANGUAGES[at // (2 * LENGTH)]}, step {STEPS[moment]}: expert {experts[at]}, "
                f"proportion {p / 100:.2f}. Favourite: expert {self.favourite(letter)}, with {part} % of it.",
                f"In these excerpts it comes {times(len(here))}, {times(own)} with expert {experts[at]}."]

    def total(self, moment):
        same = sum(one == other for one, other in zip(self.experts(moment), self.favourites))
        return (f"Layer {self.layer}, step {STEPS[moment]}: {same} of {CASES} characters are with the favourite of their "
                "character.")


def name_of(letter):
    return NAMES.get(letter, f"“{letter}”")


WANTED = [Wanted(layer) for layer in (0, 1)]


def move(page, layer=None, moment=None, at=None):
    if layer is not None:
        page.locator("[name=layer]").select_option(str(layer))
    for name, value in (("step", moment), ("character", at)):
        if value is not None:
            page.evaluate("""([name, value]) => {
                const slider = document.querySelector(`[name=${name}]`);
                slider.value = value;
                slider.dispatchEvent(new Event("input"));
            }""", [name, value])


def assert_shown(page, wanted, moment, at, chosen=None):
    """Hold everything that is drawn and written to what is stored. chosen: where the slider is, if not at `at`."""
    drawn, text, experts = page.evaluate(READ), wanted.text, wanted.experts(moment)
    assert (drawn["layer"], drawn["step"], drawn["chosen"]) == (wanted.layer, STEPS[moment], at)
    assert drawn["text"] == drawn["below"] == text.replace(" ", "·").replace("\n", "↵")
    assert drawn["upper"] == drawn["experts"] == experts and drawn["lower"] == wanted.favourites
    assert drawn["other"] == [n for n in range(CASES) if experts[n] != wanted.favourites[n]]
    assert drawn["same"] == [n for n in range(CASES) if text[n] == text[at]] and drawn["outlined"] == [at]

    first, more = wanted.sentences(moment, at)
    assert drawn["status"] == [first, wanted.total(moment)] and drawn["more"] == more
    assert drawn["value"] == name_of(text[at if chosen is None else chosen])
    assert drawn["domains"] == list(LANGUAGES)
    for piece, (role, label) in enumerate(drawn["lines"]):
        part = slice(LENGTH * piece, LENGTH * (piece + 1))
        spoken = text[part].replace("\n", " ")
        assert role == "img" and label == (f"{LANGUAGES[piece // 2]}: {spoken}. Experts: {experts[part]}. "
                                           f"Favourites: {wanted.favourites[part]}.")

    shares = [share for row in wanted.shares for share in row]
    assert drawn["shares"] == shares
    largest = max(share for one in WANTED for row in one.shares for share in row)
    assert drawn["widths"] == pytest.approx([32.5 * share / largest for share in shares])
    assert drawn["frame"] == f"{at // (2 * LENGTH)} {experts[at]}"
    assert all(f"{name}: {', '.join(map(str, row))}" in drawn["said"] for name, row in zip(LANGUAGES, wanted.shares))
    assert f"Layer {wanted.layer}, step 800" in drawn["said"], "the shares are those of the end"


@pytest.mark.parametrize("layer", [0, 1])
def test_every_step_is_what_is_stored(shown, layer):
    page, wrong = shown(WhichExpert())
    assert_shown(page, WANTED[0], 0, 0)
    move(page, layer)
    for moment in range(len(STEPS)):
        move(page, moment=moment, at=97 * moment + layer)
        assert_shown(page, WANTED[layer], moment, 97 * moment + layer)
    for moment in (0, 2, 4):
        move(page, moment=moment)
        assert page.evaluate(FOLLOW) == [[*WANTED[layer].sentences(moment, at), name_of(WANTED[layer].text[at])]
                                         for at in range(CASES)]
    assert wrong == []


def test_the_numbers_of_the_chapter():
    """What the page is held to above, beside what the chapter prints."""
    totals = [wanted.total(moment).split(": ")[1].split()[0] for wanted in WANTED for moment in range(len(STEPS))]
    assert totals == ["279", "438", "445", "496", "500", "122", "181", "186", "289", "321"]
    assert WANTED[1].shares[1] == [33, 2, 26, 6, 6, 12, 9, 5] and WANTED[1].shares[4][7] == 28, "German, and code"


@pytest.mark.parametrize("width, columns", [(1280, 64), (360, 32)])
def test_the_keyboard_does_all_and_lines_wrap(shown, width, columns):
    page, wrong = shown(WhichExpert(), viewport={"width": width, "height": 900})
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    wanted, at = WANTED[1], 0
    for key, to in [("ArrowLeft", 0), ("ArrowUp", 0), ("ArrowRight", 1), ("ArrowUp", 1), ("ArrowDown", 65),
                    ("PageDown", 129), ("ArrowLeft", 128), ("ArrowUp", 64), ("PageUp", 0), ("End", 639), ("ArrowRight", 639),
                    ("ArrowUp", 575), ("ArrowDown", 639), ("ArrowLeft", 638), ("ArrowDown", 638), ("ArrowUp", 574)]:
        page.keyboard.press(key)
        seen = page.evaluate("""() => [document.querySelector(".moe-chosen").dataset.at,
            document.querySelector(".moe-live [role=status]").textContent]""")
        assert seen == [str(to), wanted.sentences(3, to)[0]], f"{key} from {at}"
        at = to
    for name, to in (("Back", 573), ("Next", 574), ("Next", 575)):
        page.get_by_role("button", name=name).press("Enter")
        assert page.locator(".moe-chosen").get_attribute("data-at") == str(to)
    assert_shown(page, wanted, 3, 575)
    boxes = page.locator(".moe-cell").evaluate_all("""cells => cells.map((cell) => {
        const { left, right, top } = cell.getBoundingClientRect();
        return [left, right, Math.round(top)];
    })""")
    assert all(0 <= left < right <= width for left, right, _ in boxes)
    assert len({top for *_, top in boxes}) == CASES / columns, "a visual line for so many characters"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert wrong == []


def test_a_mouse_shows_what_it_is_over_and_a_press_chooses(shown):
    page, wrong = shown(WhichExpert())
    cell, live = (lambda at: page.locator(".moe-cell").nth(at)), lambda: page.evaluate(READ)["live"]
    cell(70).hover()
    assert_shown(page, WANTED[0], 0, 70, chosen=0)
    assert live() == "off", "what a mouse passes is not read out"
    page.locator("h1").hover()
    assert_shown(page, WANTED[0], 0, 0)
    assert live() == "polite"
    cell(200).click()
    page.locator("h1").hover()
    assert_shown(page, WANTED[0], 0, 200)
    page.keyboard.press("ArrowRight")
    assert_shown(page, WANTED[0], 0, 201)
    assert page.evaluate(READ)["announced"] == ["off", "polite"], "two sentences"
    assert page.locator(".moe-live output:visible").count() == 1, "and no character by itself"
    assert wrong == []


def test_a_finger_chooses(shown):
    page, wrong = shown(WhichExpert(), viewport={"width": 390, "height": 844}, has_touch=True)
    page.locator(".moe-cell").nth(333).tap()
    page.locator(".moe-cell").nth(400).dispatch_event("pointerover", {"pointerType": "touch"})
    assert_shown(page, WANTED[0], 0, 333)
    page.get_by_role("button", name="Next").tap()
    assert_shown(page, WANTED[0], 0, 334)
    assert page.evaluate(READ)["live"] == "polite"
    assert page.locator(".moe-live p", has_text="CC BY-SA 3.0").inner_text() == SOURCE
    assert wrong == []


def test_characters_can_be_read_on_every_colour_and_have_a_digit(shown):
    page, wrong = shown(WhichExpert(), color_scheme="dark")
    move(page, 1, 4)
    paints = page.evaluate(PAINTS)
    assert sorted(paints.pop("line")) == [[False, "rgba(0, 0, 0, 0)"], [True, "rgb(255, 255, 255)"]], "where rows differ"
    assert sorted(paints) == list("01234567") and all(len(paint) == 1 for paint in paints.values())
    assert len({ground for ((_, ground, _),) in paints.values()}) == 8, "a colour of its own"
    for ((*colours, digit),) in paints.values():
        lights = []
        for colour in colours:
            parts = [int(one) / 255 for one in re.findall(r"\d+", colour)]
            linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
            lights.append(sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear)) + 0.05)
        assert max(lights) / min(lights) >= 4.5 and digit, colours
    page.emulate_media(color_scheme="light")
    assert page.evaluate(PAINTS).items() >= paints.items()
    assert wrong == []


@pytest.mark.parametrize("seed, letter, favourite, part", [(1, "D", 0, 46), (2, "à", 0, 36)])
def test_of_favourites_that_are_equal_the_first_is_taken(shown, seed, letter, favourite, part):
    page, wrong = shown(WhichExpert(seed))
    wanted = Wanted(0, seed)
    at = wanted.text.index(letter)
    assert sorted(wanted.counts[letter])[-1] == sorted(wanted.counts[letter])[-2]
    move(page, 0, 4, at)
    drawn = page.evaluate(READ)
    assert f"Favourite: expert {favourite}, with {part} % of it." in drawn["status"][0] == wanted.sentences(4, at)[0]
    assert drawn["status"][1] == wanted.total(4) and drawn["lower"] == wanted.favourites
    assert wrong == []


def test_the_data_are_small_and_hold_all_digits():
    for seed in (0, 1, 2):
        data = WhichExpert(seed).data()
        assert len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()) < 25_000
        run = load_knowledge()["top-1 of 8"][seed]
        for layer in (0, 1):
            for moment in range(len(STEPS)):
                digits = data["proportions"][layer][moment]
                assert [int(digits[n:n + 2], 16) for n in range(0, len(digits), 2)] == (
                    run.proportions[moment, layer].flatten().tolist())


def test_the_still_picture_has_both_layers_and_names_the_source():
    still = WhichExpert().still()
    assert "Layer 0, step 800: 500 of 640 characters" in still.caption and still.caption.endswith(SOURCE)
    assert "Layer 1, step 800: 321 of 640 characters" in still.caption
    for layer, wanted in enumerate(WANTED):
        for row, name in enumerate(("en", "de", "fr", "es", "code")):
            part = slice(2 * LENGTH * row, 2 * LENGTH * row + 24)
            assert (f"{name} {layer}, {wanted.text[part]!r}: expert {wanted.experts(4)[part]}; favourite "
                    f"{wanted.favourites[part]}") in still.description


def test_another_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be 0, 1 or 2, got 3"):
        WhichExpert(3)


def test_the_widgets_compute_with_the_package():
    layer, step, character, shown = WhichExpert().widgets().children

    def assert_widgets(wanted, moment, at):
        for sentence in (*wanted.sentences(moment, at), wanted.total(moment), SOURCE):
            assert f"<p>{html.escape(sentence)}</p>" in shown.value
        tiles = re.findall(r'data-expert="(\d)">(.*?)<br>(\d)</span>', shown.value)
        assert [one for one, *_ in tiles] == [digit for *_, digit in tiles]
        assert "".join(one for one, *_ in tiles[::2]) == wanted.experts(moment)
        assert "".join(one for one, *_ in tiles[1::2]) == wanted.favourites
        assert "".join(html.unescape(sign) for _, sign, _ in tiles[::2]) == wanted.text.replace(" ", "·").replace("\n", "↵")
        assert shown.value.split("<span style=").index('"outline:2px solid;outline-offset:1px">') == 3 * at + 1
        for name, row in zip(LANGUAGES, wanted.shares):
            cells = "".join(f"<td>{share} %</td>" for share in row)
            assert f'<tr><th scope="row">{name}</th>{cells}</tr>' in shown.value

    assert_widgets(WANTED[0], 0, 0)
    assert character.max == CASES - 1
    character.value = 200
    assert_widgets(WANTED[0], 0, 200)
    step.value = 4
    assert_widgets(WANTED[0], 4, 200)
    layer.value = 1
    assert_widgets(WANTED[1], 4, 200)
