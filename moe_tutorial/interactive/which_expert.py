"""Which expert?, of chapter 15: excerpts with the expert of each character, beside the favourite of that character."""

import functools
import html

import torch

from .. import plots
from ..language.recorded import SEEDS, load_knowledge
from ..language.runs import excerpt_text, knowledge_text
from ..shapes import CountFrom0, checked
from ..tasks.text import UNKNOWN
from ._interactive import Interactive

_MODEL, _EXPERTS = "top-1 of 8", 8
_DOMAINS = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "code": "code"}
_SIGNS = {" ": ("·", "a space"), "\n": ("↵", "the end of a line"), "\t": ("→", "a tab"),
          UNKNOWN: (UNKNOWN, "a rare character"), ".": (".", "a full stop"), ",": (",", "a comma"),
          ";": (";", "a semicolon"), "?": ("?", "a question mark"), "#": ("#", "a number sign"), "-": ("-", "a hyphen"),
          "/": ("/", "a slash")}
"""Of characters that one would not see, or that a screen reader would not say: what is shown, and what is said."""

SOURCE = ("The excerpts are from The Debian Administrator's Handbook by Raphaël Hertzog and Roland Mas, under the licence "
          "CC BY-SA 3.0.")
_SHOWN = 24  # characters of a piece in the picture, as in the chapter


class WhichExpert(Interactive):
    """Ten held-out excerpts with the expert of each character, after 0 to 800 steps, beside its character's favourite.

    >>> WhichExpert(seed=1).data()["texts"][2][:17]
    'uch in einem Unte'

    The favourite expert of a character is the one that has most of its occurrences in `knowledge_text` after the training,
    in the same layer; of equal ones the first. seed: of the recorded mixture, "top-1 of 8": 0, 1 or 2.

    ValueError: another seed.
    """

    name, title = "which-expert", "Which expert?"
    invitation = "choose the layer, the step and a character, and see its expert, the proportion and its favourite."

    @checked
    def __init__(self, seed: CountFrom0 = 0):
        if seed not in SEEDS:
            raise ValueError(f"seed must be {', '.join(map(str, SEEDS[:-1]))} or {SEEDS[-1]}, got {seed}")
        self.seed = int(seed)

    def data(self):
        seen = _seen(self.seed)
        text = "".join(seen.texts)
        by_layer = lambda values, digits: [["".join(format(int(one), digits) for one in moment.flatten())  # noqa: E731
                                            for moment in layer] for layer in values.transpose(0, 1)]
        return {
            "colours": plots.EXPERT_COLOURS, "inks": [_ink(colour) for colour in plots.EXPERT_COLOURS],
            "moments": seen.run.moments, "domains": list(_DOMAINS.values()), "domain": excerpt_text().domain.tolist(),
            "texts": seen.texts, "signs": {one: words for one, words in _SIGNS.items() if one in text},
            "experts": by_layer(seen.run.excerpts, "d"),
            "proportions": by_layer(seen.run.proportions, "02x"),  # a proportion may be 100 hundredths, 64 to the base 16
            "favourites": {one: [list(seen.favourite(layer, one)) for layer in range(seen.layers)]
                           for one in sorted(set(text))},
            "shares": [seen.shares(layer) for layer in range(seen.layers)], "source": SOURCE}

    def still(self):
        seen = _seen(self.seed)
        pieces, experts, favourites = {}, [], []
        for piece in range(0, len(seen.texts), 2):
            for layer in range(seen.layers):
                text = seen.texts[piece][:_SHOWN]
                pieces[f"{excerpt_text().domains[piece // 2]} {layer}"] = text
                experts.append(seen.run.excerpts[-1, layer, piece, :_SHOWN].tolist())
                favourites.append([seen.favourite(layer, one)[0] for one in text])
        return plots.coloured_text(
            pieces, {"expert": experts, "favourite": favourites},
            "The beginnings of five excerpts, in layers 0 and 1: the expert of each character after the training, and the "
            f"favourite of this character. {' '.join(seen.total(layer, -1) for layer in range(seen.layers))} {SOURCE}")

    def widgets(self):
        from ._widgets import Panel, choice, choice_slider, steps

        seen = _seen(self.seed)
        layer = choice("layer", range(seen.layers), 0)
        moment = choice_slider("step", [(str(step), n) for n, step in enumerate(seen.run.moments)], 0)
        place = steps("character")
        place.max = len("".join(seen.texts)) - 1
        panel = Panel(layer, moment, place)

        def show():
            now = layer.value, moment.value
            sentences = (*seen.said(*now, place.value), seen.total(*now), SOURCE)
            panel.show(*(f"<p>{html.escape(one)}</p>" for one in sentences), _rows(seen, *now, place.value),
                       _table(seen.shares(layer.value)))

        show()
        panel.on_move(show, layer, moment, place)
        return panel.box


@functools.cache
def _seen(seed):
    return _Seen(load_knowledge()[_MODEL][seed])


class _Seen:
    """What is to be seen of a recorded mixture. Layers, moments, and characters through all excerpts, count from 0."""

    def __init__(self, run):
        text, excerpts = knowledge_text(), excerpt_text()
        self.run, self.layers = run, len(run.chosen)
        self.texts = [excerpts.read(piece) for piece in range(len(excerpts))]
        self._alphabet, self._domain = text.alphabet, text.domain
        together = text.characters[:, :-1] * _EXPERTS + run.chosen
        # Occurrences of each character at each expert, and of each domain, in each layer.
        self._counts = _counted(together, len(text.alphabet))
        self._by_domain = _counted(text.domain[:, None] * _EXPERTS + run.chosen, len(text.domains))

    def favourite(self, layer, character):
        """The favourite expert of a character, and what per cent of its occurrences it has."""
        counts = self._counts[layer][self._alphabet.index(character)]
        return int(counts.argmax()), _per_cent(counts.max(), counts.sum())

    def shares(self, layer):
        """What per cent of each domain each expert has: five rows of eight."""
        return [[_per_cent(one, row.sum()) for one in row] for row in self._by_domain[layer]]

    def said(self, layer, moment, place):
        """Two sentences about a character."""
        texts, experts = "".join(self.texts), self.run.excerpts[moment, layer].flatten().tolist()
        character, expert = texts[place], experts[place]
        proportion = int(self.run.proportions[moment, layer].flatten()[place]) / 100
        favourite, part = self.favourite(layer, character)
        name = _SIGNS[character][1] if character in _SIGNS else f"\u201c{character}\u201d"
        language = tuple(_DOMAINS.values())[excerpt_text().domain[place // len(self.texts[0])]]
        here = [own for one, own in zip(texts, experts) if one == character]
        return (f"{name[0].upper()}{name[1:]}, {language}, step {self.run.moments[moment]}: expert {expert}, proportion "
                f"{proportion:.2f}. Favourite: expert {favourite}, with {part} % of it.",
                f"In these excerpts it comes {_times(len(here))}, {_times(here.count(expert))} with expert {expert}.")

    def total(self, layer, moment):
        """How many characters of the excerpts are with the favourite of their character."""
        experts = self.run.excerpts[moment, layer].flatten().tolist()
        same = sum(self.favourite(layer, one)[0] == expert for one, expert in zip("".join(self.texts), experts))
        return (f"Layer {layer}, step {self.run.moments[moment]}: {same} of {len(experts)} characters are with the "
                "favourite of their character.")


def _counted(numbers, rows):
    """Counts of each expert in so many rows, (layers, rows, K)."""
    return [torch.bincount(layer.flatten(), minlength=rows * _EXPERTS).view(rows, _EXPERTS) for layer in numbers]


def _per_cent(part, whole):
    return round(100 * int(part) / int(whole))


def _times(count):
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _ink(colour):
    """White or black, which is easier to read on this colour."""
    light = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in light]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#fff" if 1.05 / (luminance + 0.05) >= 4.5 else "#000"


def _rows(seen, layer, moment, place):
    """The excerpts as HTML, each character with its expert above the same with its favourite."""
    made, experts = [], seen.run.excerpts[moment, layer].tolist()
    for piece, text in enumerate(seen.texts):
        cells = []
        for at, character in enumerate(text):
            both = (experts[piece][at], seen.favourite(layer, character)[0])
            chosen = "outline:2px solid;outline-offset:1px" if piece * len(text) + at == place else ""
            cells.append(f'<span style="{chosen}">{"".join(_tile(character, expert) for expert in both)}</span>')
        made.append('<div style="display:grid;grid-template-columns:repeat(32,1.5em);row-gap:4px;margin:0.6em 0;'
                    f'font-family:monospace;line-height:1.2;text-align:center">{"".join(cells)}</div>')
    return "".join(made)


def _tile(character, expert):
    colour = plots.EXPERT_COLOURS[expert]
    sign = html.escape(_SIGNS.get(character, (character,))[0])
    return (f'<span style="display:block;margin:1px 0;background:{colour};color:{_ink(colour)}" data-expert="{expert}">'
            f"{sign}<br>{expert}</span>")


def _table(shares):
    """The share of each expert in each domain, as an HTML table."""
    head = "".join(f'<th scope="col">{expert}</th>' for expert in range(_EXPERTS))
    rows = "".join(f'<tr><th scope="row">{name}</th>{"".join(f"<td>{one} %</td>" for one in row)}</tr>'
                   for name, row in zip(_DOMAINS.values(), shares))
    return f'<table><tr><th scope="col">share at the end</th>{head}</tr>{rows}</table>'
