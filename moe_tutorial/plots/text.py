"""Text whose characters are marked with the experts that they were sent to."""

from collections.abc import Mapping

import torch
from matplotlib.patches import Rectangle

from ..shapes import checked
from .picture import BY_COLOUR, Picture, check_number, drawing, expert_colour, tensor

MOST_CHARACTERS = 26
"""So many characters of a piece are as large as they have to be where a phone shows the picture."""

_SEEN = {" ": "·", "\n": "↵", "\t": "→", "\ufffd": "?"}
"""Marks for characters that one would not see."""


@checked
def coloured_text(pieces: Mapping, layers: Mapping, caption: str) -> Picture:
    """Pieces of text, a row each, and below each character the number of its expert in the expert's colour, for each layer.

    >>> coloured_text({"en": "the", "de": "die"}, {"layer 0": [[1, 0, 4], [2, 0, 4]]}, caption="Experts 0 and 4.")
    Text with the expert of each character. en, 'the': layer 0 104; de, 'die': layer 0 204.

    pieces: a mapping from a label to a text of T characters, at most 26. layers: a mapping from a label to the numbers of
    the experts, whole numbers `(pieces, T)`. A space is drawn as a dot in the middle, the end of a line as ↵.

    TypeError, ValueError: no pieces or more than 12, no layers or more than 3, texts that are empty, too long or of
    different lengths, experts that do not fit or more than 8.
    """
    check_number("pieces", len(pieces), 12)
    check_number("layers", len(layers), 3)
    length = _length(pieces)
    chosen = {name: _experts(f"{name!r} of layers", given, (len(pieces), length)) for name, given in layers.items()}
    step, said = len(layers) + 1.35, []  # the height of a piece, in lines
    with drawing(0.2 + 0.205 * step * len(pieces)) as (figure, ax):
        for row, (label, text) in enumerate(pieces.items()):
            top = row * step
            ax.text(-0.4, top, label, ha="right", va="center", fontsize=11, fontweight="bold")
            for place, character in enumerate(text):
                ax.text(place + 0.5, top, _SEEN.get(character, character), ha="center", va="center", fontsize=12)
            for line, (name, experts) in enumerate(chosen.items(), 1):
                ax.text(-0.4, top + line, name, ha="right", va="center", fontsize=11)
                for place, expert in enumerate(experts[row].tolist()):
                    ax.add_patch(_cell(place, top + line, expert))
                    ax.text(place + 0.5, top + line, str(expert), ha="center", va="center", fontsize=11, color="white")
            numbers = "; ".join(f"{name} {''.join(map(str, experts[row].tolist()))}" for name, experts in chosen.items())
            said.append(f"{label}, {text!r}: {numbers}")
        ax.set(xlim=(0, length), ylim=(step * len(pieces) - 0.8, -0.6), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return Picture(figure, caption, f"Text with the expert of each character. {'; '.join(said)}.")


def _cell(place, middle, expert):
    return Rectangle((place, middle - 0.5), 1, 1, facecolor=expert_colour(expert), edgecolor="white", linewidth=0.6)


def _length(pieces):
    """How many characters each piece has."""
    for label, text in pieces.items():
        if not isinstance(text, str):
            raise TypeError(f"pieces must map each label to a text, got {type(text).__name__} for {label!r}")
    lengths = {len(text) for text in pieces.values()}
    if len(lengths) > 1:
        raise ValueError(f"pieces must be of one length, got {min(lengths)} and {max(lengths)} characters")
    length = lengths.pop()
    check_number("characters", length, MOST_CHARACTERS)
    return length


def _experts(name, given, shape):
    found = tensor(name, given)
    if found.is_complex() or found.is_floating_point() or found.dtype == torch.bool:
        raise TypeError(f"{name} must hold whole numbers, got {found.dtype}")
    if tuple(found.shape) != shape:
        raise ValueError(f"{name} has shape {tuple(found.shape)}, wanted {shape}: an expert for each character")
    if found.min() < 0:
        raise ValueError(f"{name} must hold the numbers of experts, from 0, got {int(found.min())}")
    check_number("experts", int(found.max()) + 1, BY_COLOUR)
    return found.long()
