"""A picture does not depend on its reader's plotting style, and leaves that style as it was."""

import functools
import inspect

import matplotlib
import pytest
from cycler import cycler
from matplotlib import style
from test_plots import PICTURES

from moe_tutorial import plots
from moe_tutorial.plots.picture import drawing

# What a matplotlibrc may hold: of each group of settings those that would be seen.
SETTINGS = {
    "figure": {"figure.dpi": 300, "figure.facecolor": "black", "figure.frameon": False, "figure.autolayout": True,
               "figure.subplot.left": 0.4, "figure.constrained_layout.w_pad": 0.5, "figure.constrained_layout.h_pad": 0.5},
    "savefig": {"savefig.bbox": "tight", "savefig.pad_inches": 1, "savefig.transparent": True, "savefig.dpi": 40,
                "savefig.facecolor": "red", "savefig.orientation": "landscape"},
    "letters": {"font.family": "serif", "font.size": 30, "font.weight": "bold", "text.parse_math": False,
                "text.color": "white", "text.hinting": "none", "axes.unicode_minus": False, "svg.fonttype": "path"},
    "axes": {"axes.grid": True, "axes.facecolor": "yellow", "axes.prop_cycle": cycler(color=["red"]), "axes.xmargin": 0.4,
             "axes.titlelocation": "left", "axes.labelpad": 30, "axes.linewidth": 5, "axes.spines.left": False,
             "axes.axisbelow": False, "xtick.direction": "in", "xtick.color": "red", "ytick.major.size": 20,
             "ytick.minor.visible": True, "xtick.top": True, "axes.formatter.limits": (0, 0)},
    "lines": {"lines.linewidth": 9, "lines.marker": "s", "lines.antialiased": False, "lines.scale_dashes": False,
              "path.simplify": False, "path.sketch": (3, 100, 2), "patch.force_edgecolor": True, "hatch.linewidth": 5,
              "scatter.edgecolors": "red", "errorbar.capsize": 20, "image.cmap": "jet", "image.interpolation": "bilinear",
              "image.origin": "lower", "contour.linewidth": 9, "markers.fillstyle": "none"},
    "legend": {"legend.frameon": True, "legend.fontsize": 30, "legend.loc": "center", "legend.labelspacing": 3,
               "legend.labelcolor": "red", "legend.numpoints": 4, "svg.hashsalt": "other", "svg.image_inline": False},
    "TeX": {"text.usetex": True},  # raises where there is no LaTeX
}
STYLES = {name: style.library[name] for name in ("dark_background", "ggplot")} | SETTINGS
EVERYTHING = [style.library["dark_background"], *SETTINGS.values()]
RICH = "multiverse", "gate_regions with a blend"


def drawn(name):
    """A picture as PNG and as SVG, drawn and saved."""
    picture = PICTURES[name]()
    return picture.png(), picture.svg()


plain = functools.cache(drawn)


def readers():
    """The reader's settings; a copy, which asks for no backend."""
    return dict(matplotlib.rcParams.copy())


def test_every_kind_of_picture_is_tried():
    kinds = {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))} - {"plane"}
    assert {name.split(" ")[0] for name in PICTURES} == kinds


@pytest.mark.parametrize("name", PICTURES)
def test_no_setting_changes_a_picture_and_no_picture_a_setting(name):
    expected = plain(name)
    with style.context(EVERYTHING):
        before = readers()
        assert drawn(name) == expected
        assert readers() == before


@pytest.mark.parametrize("name", RICH)
@pytest.mark.parametrize("given", STYLES)
def test_each_style_alone_changes_nothing(given, name):
    expected = plain(name)
    with style.context(STYLES[given]):
        assert drawn(name) == expected


def test_a_matplotlibrc_changes_nothing(tmp_path):
    file = tmp_path / "matplotlibrc"
    file.write_text("text.usetex: True\naxes.grid: True\nfigure.dpi: 300\nsavefig.bbox: tight\naxes.facecolor: 000000\n")
    expected = plain(RICH[0])
    with matplotlib.rc_context(fname=file):
        assert drawn(RICH[0]) == expected


@pytest.mark.parametrize("name", RICH)
def test_a_picture_may_be_drawn_in_one_style_and_saved_in_another(name):
    expected = plain(name)
    picture = PICTURES[name]()
    with style.context(EVERYTHING):
        assert (picture.png(), picture.svg()) == expected
        picture = PICTURES[name]()
    assert (picture.png(), picture.svg()) == expected


def test_what_matplotlib_will_add_begins_from_its_default_too():
    with drawing(2):
        plain_settings = readers()
    with style.context(EVERYTHING), drawing(2):
        assert readers() == plain_settings


def test_a_drawing_that_fails_leaves_the_readers_style_as_it_was():
    with style.context(EVERYTHING):
        before = readers()
        with pytest.raises(ZeroDivisionError), drawing(2):
            _ = 1 / 0
        assert readers() == before
