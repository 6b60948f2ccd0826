"""Pictures draw what they were given, say it in words, and are the same for the same data."""

import io
import math
import re

import matplotlib
import pytest
import torch
from PIL import Image

from moe_tutorial import Mixture, mixing_proportions, mixture_nll, plots, responsibilities, toys, tree_paths, vowel_task
from moe_tutorial.model.gate import gate_scores
from moe_tutorial.table1.comparison import HALF, PAPER
from moe_tutorial.table1.multiverse import READINGS
from moe_tutorial.table1.replication import SYSTEMS, Exploration, Protocol, Replication, Simulations
from moe_tutorial.tasks.sound import synthesise

f64 = torch.float64
TRAIN = vowel_task().train
LINES = {"one": (torch.tensor([-8.0, 1.5], dtype=f64), torch.tensor(0.0, dtype=f64)),
         "two": (torch.tensor([1.0, 0.0], dtype=f64), torch.tensor(-0.5, dtype=f64))}
V = torch.tensor([[-3.0, 1.0], [0.0, 0.0], [0.0, 0.0]], dtype=f64)
C = torch.tensor([0.0, 0.0, -50.0], dtype=f64)

FEET = torch.stack([torch.linspace(0, 1, 5, dtype=f64), torch.zeros(5, dtype=f64)], dim=1)[:, None]
TOY = toys.absolute_value(4)
OUT, SHARES = torch.stack([-4 * TOY.x, 4 * TOY.x], dim=1), torch.tensor([[1.0, 0.0]] * 2 + [[0.25, 0.75]] * 2, dtype=f64)

ALL, SOME, NONE = (torch.tensor(row) for row in ([True, True], [True, False], [False, False]))
EXPLORED = Exploration(torch.tensor([5.0, 10.0, 20.0]), torch.tensor([[3000, 3200], [1500, 5000], [5000, 5000]]),
                       torch.stack([ALL, SOME, NONE]))


def simulations(epochs, converged=True):
    stopped = torch.tensor(epochs)
    reached = torch.full_like(stopped, converged, dtype=torch.bool)
    return Simulations(20.0, stopped, reached, *torch.rand(2, len(epochs)), None)


def cell(mixture_epochs, converged=True, **settings):
    """A replication in which the networks take 1000 epochs."""
    runs = {system: simulations([mixture_epochs if "experts" in system else 1000] * 2, converged) for system in SYSTEMS}
    return Replication(Protocol(**settings), {}, runs)


CELLS = [cell(500, spread=0.1), cell(700), cell(1200, coding="iy+aa"),
         cell(500, converged=False, coding="iy+aa", spread=0.1)]

PICTURES = {
    "step_sizes": lambda: plots.step_sizes({"4 experts": EXPLORED, "BP 6 hidden": EXPLORED}),
    "simulated_epochs": lambda: plots.simulated_epochs({system: simulations([900, 1200]) for system in SYSTEMS}, PAPER),
    "multiverse": lambda: plots.multiverse(CELLS, dict(list(READINGS.items())[:2]), HALF),
    "gate_regions with a blend": lambda: plots.gate_regions(TRAIN, V, C, blend=plots.plane()[:, 0]),
    "curves on logarithmic axes": lambda: plots.curves(torch.tensor([1, 10]), {"one": torch.tensor([3.0, 30.0])}, "K",
                                                       "time", "caption", points=True, logarithmic=True),
    "formant_plane": lambda: plots.formant_plane(TRAIN, LINES, shade=plots.plane()[:, 0] / 2),
    "two_planes": lambda: plots.two_planes(TRAIN, TRAIN.only("iy"), ("left", "right"), "caption"),
    "two_planes with shades": lambda: plots.two_planes(
        TRAIN, TRAIN.only("iy"), ("left", "right"), "caption", (plots.plane()[:, 0], 0.3 * plots.plane()[:, 1] / 3.8)),
    "gate_regions": lambda: plots.gate_regions(TRAIN, V, C),
    "feet": lambda: plots.feet(LINES),
    "spectrum": lambda: plots.spectrum(synthesise(120, (500, 1500, 2500)), (500, 1500, 2500), "[ə]"),
    "curves": lambda: plots.curves(torch.arange(3), {"one": torch.tensor([3.0, 1.0, 2.0])}, "epoch", "error", "caption"),
    "fits": lambda: plots.fits(TOY.x, TOY.d, {"left": (OUT, SHARES)}, "caption"),
    "forces": lambda: plots.forces(1.0, torch.tensor([0.5, 3.0]), {"eq. 1.1": (0.5, torch.tensor([0.25, -2.0]))}),
    "densities": lambda: plots.densities(1.0, [1.0, -0.5], [0.25, 0.75], variance=0.25),
    "model_diagram": lambda: plots.model_diagram(),
    "trails": lambda: plots.trails(FEET, {"X": torch.tensor([0.5, 0.25])}),
    "proportions": lambda: plots.proportions(torch.tensor([[0.25, 0.75], [0.5, 0.5]]), ["a", "b"]),
    "pushes": lambda: plots.pushes({"eq. 1.3": [0.4, -0.3, 0.0], "k = 1": [0.0, 0.0, 0.0]}, "caption"),
    "queues": lambda: plots.queues(torch.tensor([[0, 1], [0, 2], [0, 1]]), torch.tensor([[0, 0], [1, 0], [2, 1]]), 3, 2,
                                   "caption"),
    "coloured_text": lambda: plots.coloured_text(
        {"en": "a b", "code": "$x\n"}, {"layer 0": [[0, 1, 2], [3, 0, 7]], "layer 1": [[4, 4, 4], [5, 6, 5]]}, "caption"),
    "node_cases": lambda: plots.node_cases([[0.0, 1.0], [1.0, 0.0]], [0.9, 0.2], {"0.5": ([1.0, 0.0], -0.5)}, ("a", "b"),
                                           "caption"),
    "sorted_cases": lambda: plots.sorted_cases(torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), {"a": [0, 2, 2]},
                                               "caption"),
    "sorting_office": lambda: plots.sorting_office(
        torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 2, 2]), torch.tensor([True, True, False]),
        torch.tensor([1, 0, 2]), torch.tensor([0, 0, 1]), 1, "caption"),
    "strips": lambda: plots.strips({"even": {"a": [0.1, 0.2, 0.4], "b": [2.0]},
                                    "uneven": {"a": [1.0], "b": [3.0, 4.0, 9.0]}}, "error", "caption"),
    "shares": lambda: plots.shares([0, 10], torch.tensor([[0.25, 0.75], [0.5, 0.5]]), "caption"),
    "favourites": lambda: plots.favourites(torch.eye(9)[:, :2], {"one": SHARES[:1].expand(9, -1)}, "caption"),
    "tree_diagram": lambda: plots.tree_diagram(tree_paths(2), ("a", "b\nc", "d", "e"), ("root", "", ""), "caption"),
    "vowel_map": lambda: plots.vowel_map({"i": [0.3, 2.4], "u": [0.35, 1.0]}, LINES, "caption"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_described_opaque_png_that_does_not_change(name):
    picture = PICTURES[name]()
    data, metadata = picture._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert data["text/plain"] == str(picture) == metadata["image/png"]["alt"]
    assert len(picture.description) > 60 and picture.caption
    image = Image.open(io.BytesIO(picture.png()))
    assert abs(image.width - 4.6 * 200) <= 1  # versions of matplotlib round in their own ways
    corner = image.convert("RGBA").getpixel((0, 0))
    assert corner == (255, 255, 255, 255)
    assert picture.png() == PICTURES[name]().png()


def drawn(picture):
    """The lines of the first axes by their labels."""
    return {line.get_label(): line.get_xydata() for line in picture.figure.axes[0].lines}


def test_decision_lines_are_drawn_where_the_weights_put_them():
    lines = drawn(PICTURES["formant_plane"]())
    for label, (weight, bias) in LINES.items():
        points = torch.tensor(lines[label])
        torch.testing.assert_close(points @ weight + bias, torch.zeros(2, dtype=f64), atol=1e-9, rtol=0)


def test_every_token_is_drawn_once():
    drawn_points = [p for c in PICTURES["formant_plane"]().figure.axes[0].collections for p in c.get_offsets().tolist()]
    assert sorted(drawn_points) == sorted(TRAIN.x.tolist())


def test_the_description_has_the_numbers_of_the_data():
    said = str(PICTURES["formant_plane"]())
    assert "[i] 100 filled circles" in said and "[a] 100 open triangles" in said
    f1, f2 = TRAIN.only("iy").x.mean(0).tolist()
    assert f"around ({f1:.2f}, {f2:.2f})" in said
    assert "two runs from (0.50, 0.50) to (0.50, 3.80)" in said
    assert "from 0.05 to 0.70" in said


def test_the_plane_is_drawn_the_right_way_up():
    points = plots.plane(steps=3)
    assert points[0].tolist() == [0.1, 0.5] and points[-1].tolist() == [1.4, 3.8]
    assert points[1].tolist() == [0.75, 0.5]  # F1 runs fastest, as the rows of a picture do
    image = PICTURES["formant_plane"]().figure.axes[0].images[0]
    assert image.origin == "lower" and image.get_extent() == [0.1, 1.4, 0.5, 3.8]
    shown = image.get_array()
    assert shown[0, -1] > shown[0, 0] and shown[0, 0] == shown[-1, 0]  # the shade was F1


def test_two_planes_have_each_its_own_shade():
    picture = PICTURES["two_planes with shades"]()
    shown = [ax.images[0].get_array() for ax in picture.figure.axes]
    assert shown[0][0, -1] > 1 > shown[0][-1, 0] and shown[1][-1, 0] > 0.29 > shown[1][0, -1]  # F1, and then F2
    # F1 is above 0.5 on nine thirteenths of the plane, whose middle is (0.95, 2.15).
    assert re.search(r"left: \[i\] 100 .* Grey shading, above 0.5 on 69% of the drawn area, around \(0.95, 2.15\). right: ",
                     str(picture))
    assert str(picture).endswith("Grey shading, nowhere above 0.5.")


def test_a_formant_s_mark_hides_no_line_of_the_spectrum():
    axes = PICTURES["spectrum"]().figure.axes[0]
    level, *marks = axes.lines
    bottom, top = axes.get_ylim()
    assert len(marks) == 3
    for mark in marks:
        assert bottom + min(mark.get_ydata()) * (top - bottom) > max(level.get_ydata())


def test_gate_regions_are_where_each_expert_has_the_largest_proportion():
    picture = PICTURES["gate_regions"]()
    favourite = mixing_proportions(gate_scores(plots.plane(), V, C)).argmax(-1)
    assert "expert 2" not in str(picture)  # it is never the largest
    share = re.search(r"expert 0 has (\d+)%", str(picture))[1]
    assert int(share) == round(100 * (favourite == 0).double().mean().item())


def test_a_border_is_full_only_where_its_two_experts_are_ahead():
    full = [line for line in PICTURES["gate_regions"]().figure.axes[0].lines if line.get_color() == "black"]
    assert sum(len(line.get_xydata()) > 0 for line in full) == 1  # of three lines only p0 = p1 counts


def test_feet_are_drawn_at_the_feet():
    feet = [line.get_xydata()[0].tolist() for line in PICTURES["feet"]().figure.axes[0].lines if line.get_marker() == "o"]
    assert feet[1] == pytest.approx([0.5, 0])
    assert feet[0] == pytest.approx([0, 0])


def test_bars_have_the_height_of_the_proportions():
    bars = PICTURES["proportions"]().figure.axes[0].patches
    assert sorted(bar.get_height() for bar in bars) == pytest.approx([0.25, 0.5, 0.5, 0.75])


def test_shares_are_stacked_numbered_and_said():
    picture = PICTURES["shares"]()
    ax = picture.figure.axes[0]
    lower, upper = ([tuple(point) for point in band.get_paths()[0].vertices.tolist()] for band in ax.collections)
    assert (0.0, 0.25) in lower and (0.0, 0.25) in upper and (10.0, 0.5) in lower and (10.0, 1.0) in upper
    assert {text.get_text(): tuple(text.get_position()) for text in ax.texts} == {
        "0": pytest.approx((9.7, 0.25)), "1": pytest.approx((0.3, 0.625))}
    assert "At the end: expert 0 0.50, expert 1 0.50." in str(picture)
    assert "The largest share of any is 0.75, of expert 1 at epoch 0." in str(picture)


def test_curves_are_drawn_and_said():
    picture = PICTURES["curves"]()
    assert drawn(picture)["one"].tolist() == [[0, 3], [1, 1], [2, 2]]
    assert "error against epoch from 0 to 2: one from 3 to 2, lowest 1, highest 3" in str(picture)


def test_fits_draw_the_blend_and_fade_experts_with_their_proportion():
    picture = PICTURES["fits"]()
    assert drawn(picture)["blend"][:, 1].tolist() == pytest.approx([4, 4 / 3, 2 / 3, 2])
    alpha = [points.get_alpha().tolist() for points in picture.figure.axes[0].collections]
    assert alpha == SHARES.T.tolist()
    assert "the blend is within 2.00 of the desired output everywhere; 2 experts have a proportion above 0.1" in str(picture)


def test_trails_are_drawn_to_their_end_with_the_marks():
    picture = PICTURES["trails"]()
    assert "expert 0 from (0.0, 0.0) to (1.0, 0.0); X at (0.5, 0.25)" in str(picture)
    assert drawn(picture)["expert 0"].tolist() == [[1, 0]]


def test_gate_regions_draw_the_decision_lines_in_their_experts_colour():
    picture = plots.gate_regions(TRAIN, V, C, lines={1: LINES["one"]})
    (line,) = [line for line in picture.figure.axes[0].lines if line.get_label() == "line of 1"]
    assert line.get_color() == plots.EXPERT_COLOURS[1]
    weight, bias = LINES["one"]
    torch.testing.assert_close(torch.tensor(line.get_xydata()) @ weight + bias, torch.zeros(2, dtype=f64), atol=1e-9, rtol=0)


def test_the_exploration_says_how_many_runs_converged_and_rings_the_chosen_step_size():
    picture = PICTURES["step_sizes"]()
    assert "4 experts: 3100 at 5, 1500 at 10 (1 of 2 runs); chosen 5" in str(picture)
    points = [line.get_xydata().tolist() for line in picture.figure.axes[0].lines]
    assert points == 2 * [[[10.0, 1500.0]], [[5.0, 3100.0]], [[5.0, 3100.0]]]  # hollow, full, ring


def test_every_simulation_has_its_dot():
    picture = plots.simulated_epochs({system: simulations(list(range(900, 925))) for system in SYSTEMS}, PAPER)
    dots = [line for line in picture.figure.axes[0].lines if len(line.get_xdata()) == 25]
    assert len(dots) == 4 and all(sorted(line.get_xdata()) == list(range(900, 925)) for line in dots)
    assert len({tuple(point) for line in dots for point in line.get_xydata().tolist()}) == 100


def test_the_multiverse_sorts_its_cells_into_four_kinds():
    picture = PICTURES["multiverse"]()
    assert "1 about half, 1 fewer, 1 not fewer, 1 not all converge" in str(picture)
    assert "1 sigmoid, [i] [ʌ]: from 0.50 to 0.70; 1 sigmoid, [i] [a]: from 1.20 to 1.20" in str(picture)
    places = {text.get_text(): text.get_position() for text in picture.figure.axes[0].texts}
    assert places["0.50"] == (0, 0) and places["0.70"] == (0, 1) and places["1.20"] == (1, 1) and places["–"] == (1, 0)


def test_the_multiverse_has_a_star_where_the_systems_come_in_an_order():
    order = CELLS[0].order
    picture = plots.multiverse(CELLS, dict(list(READINGS.items())[:2]), HALF, order=order)
    starred = {text.get_text() for text in picture.figure.axes[0].texts if "★" in text.get_text()}
    same = {f"{cell.fraction:.2f} ★" for cell in (CELLS[0], CELLS[1], CELLS[2]) if cell.order == order}
    assert starred == same and f"a star in {len(same)}, where" in str(picture)
    assert "star" not in str(PICTURES["multiverse"]())


def test_the_blend_is_drawn_where_it_is_one_half():
    picture = plots.gate_regions(TRAIN, V, C, blend=plots.plane()[:, 0])  # a blend that is F1 itself
    contour = next(c for c in picture.figure.axes[0].collections if type(c).__name__ == "QuadContourSet")
    assert abs(contour.get_paths()[0].vertices[:, 0] - 0.5).max() < 0.01


def test_bells_are_the_terms_of_eq_1_3_and_their_dots_share_as_responsibilities_do():
    o, p = torch.tensor([1.0, -0.5], dtype=f64), torch.tensor([0.25, 0.75], dtype=f64)
    picture = PICTURES["densities"]()
    h = responsibilities(torch.ones(1, 1, dtype=f64), o[None, :, None], p[None], 0.25)[0]
    first, second, total = (torch.tensor(points) for name, points in drawn(picture).items() if name[0] in "hs")
    assert [name for name in drawn(picture) if name[0] == "h"] == [f"h₀ = {h[0]:.3f}", f"h₁ = {h[1]:.3f}"]
    for points, mean, height in ((first, *(1.0, 0.25)), (second, *(-0.5, 0.75))):
        torch.testing.assert_close(points[:, 1], height * torch.exp(-2 * (points[:, 0] - mean) ** 2))
    torch.testing.assert_close(total[:, 1], first[:, 1] + second[:, 1])
    dots = torch.tensor([line.get_xydata()[0].tolist() for line in picture.figure.axes[0].lines if line.get_marker() == "o"])
    assert dots[:, 0].tolist() == [1, 1]
    torch.testing.assert_close((dots[:, 1] / dots[:, 1].sum()).double(), h)
    nll = mixture_nll(torch.ones(1, 1, dtype=f64), o[None, :, None], p[None], 0.25) - 0.5 * math.log(0.25)
    assert f"The sum at d is {math.exp(-nll.item()):.3f}." in str(picture)


def test_bells_of_a_smaller_variance_have_the_same_axis():
    limits = [plots.densities(1, [0.0], [1.0], variance).figure.axes[0].get_xlim() for variance in (0.01, 1.0, 4.0)]
    assert limits[0] == limits[1] and limits[2][1] - 1 > limits[1][1]


def test_the_diagram_has_the_shapes_that_the_model_has():
    picture = PICTURES["model_diagram"]()
    said, written = str(picture), " ".join(text.get_text() for text in picture.figure.axes[0].texts)
    letters = {7: "N", 2: "D", 3: "K", 1: "M"}
    mixture, x = Mixture(3), torch.zeros(7, 2, dtype=f64)
    o, p = mixture(x)
    for name, tensor in (("o\n", o), ("p ", p), ("s ", gate_scores(x, mixture.gate.weight, mixture.gate.bias)), ("", x),
                         ("", mixture.blend(x))):
        shape = f"{name}({', '.join(letters[size] for size in tensor.shape)})"
        assert shape in written and re.sub(r"\s?\(", ", (", shape).lstrip(", ") in said


def test_a_push_goes_as_far_as_the_score_is_moved_and_one_of_0_is_a_dot():
    picture = PICTURES["pushes"]()
    arrows = [note for note in picture.figure.axes[0].texts if note.arrowprops]
    assert [note.xy[1] for note in arrows] == [0.4, -0.3]
    dots = [line for line in picture.figure.axes[0].lines if line.get_marker() == "o"]
    assert len(dots) == 4
    assert "eq. 1.3: expert 0 by 0.40, expert 1 by -0.30, expert 2 by 0.00; k = 1: expert 0 by 0.00" in str(picture)


def test_who_has_no_room_is_drawn_open_and_said():
    picture = PICTURES["queues"]()
    said = "Each expert has room for 2. expert 0: 3 cases, 1 dropped; expert 1: 2 cases; expert 2: 1 case."
    assert str(picture) == f"Queues of cases. {said}"
    boxes = {(*text.get_position(), text.get_text()): text.get_bbox_patch().get_facecolor()
             for text in picture.figure.axes[0].texts}
    assert [place for place, colour in boxes.items() if colour[:3] == (1, 1, 1)] == [(0, 2.5, "2")]


def test_who_finds_no_room_in_the_office_is_drawn_open_behind_the_line():
    picture = PICTURES["sorting_office"]()
    plane, bars = picture.figure.axes
    assert [len(dots.get_offsets()) for dots in plane.collections] == [1, 1, 1]
    ours, theirs, open_ = ([tuple(colours[0]) for colours in (dots.get_facecolor(), dots.get_edgecolor())]
                           for dots in plane.collections)
    assert ours[0] == ours[1] != theirs[0] == theirs[1] == open_[1] and open_[0] == (1, 1, 1, 1)
    assert [(bar.get_x(), bar.get_width(), bar.get_facecolor() == (1, 1, 1, 1)) for bar in bars.patches] == [
        (0, 1, False), (1, 0, True), (0, 0, False), (0, 0, True), (0, 1, False), (1, 1, True)]
    assert [line.get_xdata()[0] for line in bars.lines] == [1]
    assert str(picture) == ("3 cases in the plane by their expert, 1 of them with nobody. Capacity 1. Expert 0 has 1; "
                            "expert 2 has 2, 1 dropped; expert 1 has none.")
    given = torch.zeros(1, 2), torch.tensor([3]), torch.tensor([True]), torch.tensor([0, 0, 0, 5]), torch.zeros(4).long()
    picture = plots.sorting_office(*given, None, "caption")
    assert str(picture) == "1 cases in the plane by their expert. No capacity. Expert 3 has 5; experts 0, 1 and 2 have none."
    assert not picture.figure.axes[1].lines


def test_each_character_stands_above_the_numbers_of_its_experts_in_their_colours():
    picture = PICTURES["coloured_text"]()
    ax = picture.figure.axes[0]
    cells = {patch.get_xy(): matplotlib.colors.to_hex(patch.get_facecolor()).upper() for patch in ax.patches}
    written = {text.get_position(): text.get_text() for text in ax.texts}
    columns = {}
    for (x, y), text in sorted(written.items(), key=lambda one: one[0][::-1]):
        columns.setdefault(x, []).append(text)
        if (x - 0.5, y - 0.5) in cells:
            assert cells[x - 0.5, y - 0.5] == plots.EXPERT_COLOURS[int(text)].upper()
    assert len(cells) == 12
    assert columns == {-0.4: ["en", "layer 0", "layer 1", "code", "layer 0", "layer 1"], 0.5: ["a", "0", "4", "$", "3", "5"],
                       1.5: ["·", "1", "4", "x", "0", "6"], 2.5: ["b", "2", "4", "↵", "7", "5"]}
    left, right, low, high = *ax.get_xlim(), *sorted(ax.get_ylim())
    assert all(left <= x and x + 1 <= right and low <= y and y + 1 <= high for x, y in cells)
    assert "en, 'a b': layer 0 012; layer 1 444; code, '$x\\n': layer 0 307; layer 1 565." in str(picture)


def test_each_case_has_the_marker_of_its_expert_and_each_row_its_median():
    ax = PICTURES["sorted_cases"]().figure.axes[0]
    assert [len(dots.get_offsets()) for dots in ax.collections] == [1, 2]
    assert len({tuple(dots.get_facecolor()[0]) for dots in ax.collections}) == 2
    assert len({len(dots.get_paths()[0].vertices) for dots in ax.collections}) == 2  # a circle and a triangle
    picture = PICTURES["strips"]()
    bars = [line.get_xdata()[0] for ax in picture.figure.axes for line in ax.lines if line.get_marker() == "None"]
    assert bars == pytest.approx([0.2, 2.0, 1.0, 4.0])
    assert "even, median error: a 0.2, b 2; uneven, median error: a 1, b 4." in str(picture)
