"""More experts than there are colours give a picture in which they can be told apart, or an error in words; so does what is
no data for a picture."""

import inspect
import re

import numpy
import pytest
import torch
from test_plots import CELLS, EXPLORED, FEET, LINES, TRAIN, C, V, simulations

from moe_tutorial import plots
from moe_tutorial.plots.picture import AT_MOST, BY_COLOUR, expert_style

f64 = torch.float64
X = torch.linspace(-1, 1, 9, dtype=f64)[:, None]


def drawn_from(*shape, scale=2.0):
    return scale * (torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=f64) - 0.5)


def some_lines(number, label="line {}".format):
    return {label(k): (weight, torch.tensor(0.1 * k, dtype=f64)) for k, weight in enumerate(drawn_from(number, 2))}


def gate(number):
    """A gate whose regions are stripes, one for each expert: of all `k x - k² / 2` that with the k next to x is largest."""
    k = torch.arange(number, dtype=f64)
    return torch.stack([3 * k, 0 * k], 1), -3 * (0.1 * k + 1.3 * k**2 / 2 / number)


EXPERTS = {
    "formant_plane": lambda n: plots.formant_plane(TRAIN, some_lines(n)),
    "gate_regions": lambda n: plots.gate_regions(TRAIN, *gate(n)),
    "gate_regions with lines": lambda n: plots.gate_regions(TRAIN, *gate(n), lines=some_lines(n, int)),
    "feet": lambda n: plots.feet(some_lines(n)),
    "trails": lambda n: plots.trails(drawn_from(4, n, 2), {}),
    "spectrum": lambda n: plots.spectrum(drawn_from(800), [100 * k + 100 for k in range(n)], "noise"),
    "curves": lambda n: plots.curves(X[:, 0], {f"router {k}": y for k, y in enumerate(drawn_from(n, 9))}, "x", "y", "c"),
    "fits": lambda n: plots.fits(X, X, {"title": (drawn_from(9, n, 1), torch.full((9, n), 1 / n, dtype=f64))}, "caption"),
    "forces": lambda n: plots.forces(1.0, drawn_from(n), {"eq. 1.1": (0.5, drawn_from(n))}),
    "densities": lambda n: plots.densities(1.0, drawn_from(n), torch.full((n,), 1 / n)),
    "proportions": lambda n: plots.proportions(torch.full((1, n), 1 / n), ["case"]),
    "proportions of two cases": lambda n: plots.proportions(torch.full((2, n), 1 / n), ["one", "other"]),
    "pushes": lambda n: plots.pushes({"eq. 1.3": drawn_from(n)}, "caption"),
    "queues": lambda n: plots.queues(torch.arange(n)[:, None], torch.zeros(n, 1).long(), n, 1, "caption"),
    "coloured_text": lambda n: plots.coloured_text({"en": "x" * n}, {"layer 0": torch.arange(n)[None]}, "caption"),
    "sorted_cases": lambda n: plots.sorted_cases(drawn_from(n, 2), {"title": torch.arange(n)}, "caption"),
    "sorting_office": lambda n: plots.sorting_office(
        drawn_from(n, 2), torch.arange(n), torch.ones(n).bool(), torch.ones(n).long(), torch.zeros(n).long(), 2, "caption"),
    "shares": lambda n: plots.shares([0, 1], torch.full((2, n), 1 / n, dtype=f64), "caption"),
    "favourites": lambda n: plots.favourites(drawn_from(n, 2), {"title": torch.eye(n, dtype=f64)}, "caption"),
    "vowel_map": lambda n: plots.vowel_map({"i": [0.3, 2.4]}, some_lines(n), "caption"),
}
NO_EXPERTS = {"model_diagram", "node_cases", "tree_diagram", "plane", "two_planes", "step_sizes", "simulated_epochs",
              "multiverse", "strips"}


def test_every_function_that_draws_experts_is_tried():
    functions = {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))}
    assert {name.split(" ")[0] for name in EXPERTS} == functions - NO_EXPERTS


def told_apart(picture):
    """How many experts a picture tells apart: by a number, or else by the colours and dashes of its lines and dots."""
    ax = picture.figure.axes[0]
    written = {text.get_text() for text in (*ax.texts, *ax.get_yticklabels())}
    numbered = next(n for n in range(1000) if str(n) not in written)
    stroke = r'style="(?:fill: none; )?((?:stroke-dasharray: [\d. ,]+; stroke-dashoffset: 0; )?stroke: #[0-9a-f]{6})'
    colours = {colour.lower() for colour in plots.EXPERT_COLOURS}
    strokes = {found for found in re.findall(stroke, picture.svg()) if found[-7:] in colours}
    dots = {tuple(dots.get_facecolor()[0][:3]) for dots in ax.collections}
    return max(numbered, len(strokes), len(dots))


@pytest.mark.parametrize("number", [8, 9, 12, 16, 17, 100])
@pytest.mark.parametrize("name", EXPERTS)
def test_experts_are_told_apart_or_too_many_in_words(name, number):
    try:
        picture = EXPERTS[name](number)
    except ValueError as error:
        said = re.fullmatch(r"(\d+) \w+ were given, and at most (\d+) can be told apart in this picture", str(error))
        assert int(said[1]) == number > int(said[2]) >= BY_COLOUR
    else:
        assert number <= AT_MOST
        assert told_apart(picture) >= number


@pytest.mark.parametrize("name", ["formant_plane", "gate_regions", "gate_regions with lines", "curves", "densities",
                                  "forces", "proportions"])
def test_twelve_are_drawn_where_a_line_style_or_a_number_tells_them_apart(name):
    assert re.search(r"\b(expert|experts 0 to|line|router) 11\b", EXPERTS[name](12).description)


def test_colours_repeat_with_other_line_styles():
    styles = [expert_style(k) for k in range(AT_MOST)]
    assert len({str(style) for style in styles}) == AT_MOST
    assert [style["color"] for style in styles] == 2 * list(plots.EXPERT_COLOURS)
    assert [style["linestyle"] for style in styles[:8]] == list(plots.EXPERT_STYLES)


def test_lists_and_arrays_and_tensors_with_gradients_are_drawn_as_tensors_are():
    series = {"one": torch.tensor([3.0, 1.0, 2.0])}
    expected = plots.curves(torch.arange(3), series, "x", "y", "caption").svg()
    assert plots.curves([0, 1, 2], {"one": [3.0, 1.0, 2.0]}, "x", "y", "caption").svg() == expected
    assert plots.curves(numpy.arange(3), {"one": numpy.array([3.0, 1.0, 2.0])}, "x", "y", "caption").svg() == expected
    blend = plots.plane()[:, 0]
    expected = plots.gate_regions(TRAIN, V, C, lines={1: LINES["one"]}, blend=blend)
    learned = [tensor.clone().requires_grad_() for tensor in (V, C, *LINES["one"], blend)]
    for given in (learned, [tensor.tolist() for tensor in learned]):
        picture = plots.gate_regions(TRAIN, *given[:2], lines={1: tuple(given[2:4])}, blend=given[4])
        assert picture.svg() == expected.svg() and picture.description == expected.description


def test_values_that_cannot_be_drawn_are_counted():
    y = torch.tensor([torch.nan, 3.0, 1.0, torch.inf])
    said = plots.curves(torch.arange(4), {"one": y, "two": y[:1].expand(4)}, "epoch", "error", "caption").description
    assert "one from 3 to 1, lowest 1, highest 3, without 2 of 4 values, which are no finite numbers" in said
    assert "two has nothing to draw, without 4 of 4 values, which are no finite numbers" in said


ONE = {"one": torch.ones(2)}
EMPTY = torch.ones(0)
OFFICE = torch.ones(1, 2), torch.tensor([0]), torch.tensor([True]), torch.tensor([1, 0]), torch.tensor([0, 0])


@pytest.mark.parametrize(("call", "said"), [
    (lambda: plots.curves(torch.arange(2), {}, "x", "y", "c"), "there are no series to draw"),
    (lambda: plots.curves(EMPTY, {"one": EMPTY}, "x", "y", "c"), "x is empty: its shape is (0,)"),
    (lambda: plots.curves(torch.arange(3), ONE, "x", "y", "c"), "one of series has shape (2,), wanted (3,)"),
    (lambda: plots.curves(torch.ones(2, 2), ONE, "x", "y", "c"), "x has shape (2, 2), wanted (S,)"),
    (lambda: plots.formant_plane(TRAIN, shade=torch.ones(10)), "shade has 10 values, wanted a square number"),
    (lambda: plots.two_planes(TRAIN, TRAIN, ["a", "b"], "c", (torch.ones(9), None)),
     "one of shades has 9 values, wanted 40000"),
    (lambda: plots.formant_plane(TRAIN, shade=EMPTY), "shade has 0 values, wanted a square number"),
    (lambda: plots.formant_plane(TRAIN, {"a": (torch.ones(3), 0.5)}), "the weight of a in lines has shape (3,)"),
    (lambda: plots.formant_plane(TRAIN, {"a": (torch.ones(2), torch.ones(1))}), "the bias of a in lines has shape (1,)"),
    (lambda: plots.formant_plane(TRAIN, {"a": ([0, 0], 1)}), "a weight of zero has no decision line"),
    (lambda: plots.gate_regions(TRAIN, V, C, blend=torch.ones(9)), "blend has 9 values, wanted 40000: one for each"),
    (lambda: plots.gate_regions(TRAIN, V, C[:2]), "bias has shape (2,), wanted (3,)"),
    (lambda: plots.gate_regions(TRAIN, V[None], C[None]), "weight has shape (1, 3, 2), wanted (K, 2)"),
    (lambda: plots.gate_regions(TRAIN, V, C, lines={3: LINES["one"]}), "unknown expert of lines 3: choose one of 0, 1, 2"),
    (lambda: plots.feet({}), "there are no lines to draw"),
    (lambda: plots.trails(FEET[:0], {}), "feet is empty: its shape is (0, 1, 2)"),
    (lambda: plots.trails(FEET, {"X": torch.ones(3)}), "X of marks has shape (3,), wanted (2,)"),
    (lambda: plots.spectrum(torch.ones(2, 9), [100], "noise"), "samples has shape (2, 9), wanted (T,)"),
    (lambda: plots.spectrum(torch.zeros(9), [100], "noise"), "samples of 9 zeros have no spectrum"),
    (lambda: plots.spectrum(torch.ones(9), [], "noise"), "there are no formants to draw"),
    (lambda: plots.fits(X, X, {}, "c"), "there are no panels to draw"),
    (lambda: plots.fits(X, X[:4], {}, "c"), "d has shape (4, 1), wanted (9, 1)"),
    (lambda: plots.fits(X, X, {"a": (X[:, None], torch.ones(9, 2))}, "c"), "p of a in panels has shape (9, 2), wanted"),
    (lambda: plots.forces(0, [1, 2], {}), "there are no losses to draw"),
    (lambda: plots.forces(0, [1, 2], dict.fromkeys("abcd", (0, [1, 2]))), "4 losses were given, and at most 3"),
    (lambda: plots.forces(0, [1, 2], {"a": (0, [1])}), "the forces of a in by_loss has shape (1,), wanted (2,)"),
    (lambda: plots.densities(0, [1, 2], [1.0]), "p has shape (1,), wanted (2,)"),
    (lambda: plots.densities(0, [1, 2], [0.5, 0.4]), "p must sum to 1"),
    (lambda: plots.densities(0, [1, 2], [0.5, 0.5], variance=0), "variance must be above 0"),
    (lambda: plots.proportions(torch.ones(2, 2), ["a"]), "1 names were given for 2 cases"),
    (lambda: plots.proportions(torch.ones(2), ["a"]), "p has shape (2,), wanted (N, K)"),
    (lambda: plots.pushes({}, "c"), "there are no losses to draw"),
    (lambda: plots.pushes({"a": [1, 2], "b": [1]}, "c"), "'b' of by_loss has shape (1,), wanted (2,)"),
    (lambda: plots.queues(torch.ones(2, 1).long(), torch.ones(2, 1).long(), 1, 1, "c"),
     "chosen must hold the numbers of experts, from 0 to 0"),
    (lambda: plots.queues(torch.zeros(2, 1).long(), torch.full((2, 1), 20), 1, 1, "c"), "places must be from 0 to 19"),
    (lambda: plots.sorting_office(torch.ones(1, 3), *OFFICE[1:], 1, "c"), "x has shape (1, 3), wanted (N, 2)"),
    (lambda: plots.sorting_office(OFFICE[0], torch.tensor([2]), *OFFICE[2:], 1, "c"),
     "expert must hold the numbers of experts, from 0 to 1, got "),
    (lambda: plots.sorting_office(*OFFICE[:4], torch.tensor([2, 0]), 1, "c"),
     "dropped must be from 0 to the load [1, 0], got [2, 0]"),
    (lambda: plots.sorting_office(*OFFICE[:4], torch.tensor([0, -1]), 1, "c"), "dropped must be from 0 to the load"),
    (lambda: plots.coloured_text({}, {"layer 0": [[0]]}, "c"), "there are no pieces to draw"),
    (lambda: plots.coloured_text({"en": "a"}, {}, "c"), "there are no layers to draw"),
    (lambda: plots.coloured_text({"en": "", "de": ""}, {"layer 0": [[], []]}, "c"), "there are no characters to draw"),
    (lambda: plots.coloured_text({"en": "ab", "de": "a"}, {"layer 0": [[0]]}, "c"),
     "pieces must be of one length, got 1 and 2 characters"),
    (lambda: plots.coloured_text({"en": 27 * "a"}, {"layer 0": [27 * [0]]}, "c"), "27 characters were given, and at most"),
    (lambda: plots.coloured_text({str(i): "a" for i in range(13)}, {"layer 0": 13 * [[0]]}, "c"), "13 pieces were given"),
    (lambda: plots.coloured_text({"en": "a"}, {str(i): [[0]] for i in range(4)}, "c"), "4 layers were given, and at most 3"),
    (lambda: plots.coloured_text({"en": "ab"}, {"layer 0": [[0]]}, "c"), "'layer 0' of layers has shape (1, 1), wanted"),
    (lambda: plots.coloured_text({"en": "a"}, {"layer 0": [[-1]]}, "c"), "'layer 0' of layers must hold the numbers of"),
    (lambda: plots.shares([0, 1], torch.ones(3, 1), "c"), "proportions has shape (3, 1), wanted (2, K)"),
    (lambda: plots.shares([1, 1], torch.ones(2, 1), "c"), "epochs must grow from one to the next"),
    (lambda: plots.shares([0, 1], torch.ones(2, 2), "c"), "the proportions of an epoch must add up to 1"),
    (lambda: plots.step_sizes({}), "there are no systems to draw"),
    (lambda: plots.step_sizes({"5 experts": EXPLORED}), "unknown system '5 experts': choose one of '4 experts',"),
    (lambda: plots.simulated_epochs({}, {}), "there are no systems to draw"),
    (lambda: plots.simulated_epochs({"net": simulations([1])}, {}), "unknown system 'net': choose one of"),
    (lambda: plots.multiverse([], {}, 0.5), "there are no cells to draw"),
    (lambda: plots.multiverse(CELLS, {"one": {"coding": "iy+ah"}}, 0.5), "coding='iy+aa'"),
])
def test_what_is_no_data_for_a_picture_is_refused_in_words(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)


@pytest.mark.parametrize("x", ["abc", [[1], [1, 2]], [None], {"a": 1}])
def test_what_are_no_numbers_is_refused_in_words(x):
    with pytest.raises(TypeError) as error:
        plots.curves(x, ONE, "x", "y", "c")
    assert str(error.value) == f"x must hold numbers, got {x!r} ({type(x).__name__})"
