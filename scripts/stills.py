"""Cut the small pictures of the chapters' cards, `book/stills/`, out of the pictures that the chapters show.

    python scripts/stills.py

Each is a part of one picture, without legend and axes, which nobody could read at this size. The same chapters give the same
files; a test holds the two together.
"""

import base64
import io

import nbformat
from execute import ROOT, chapters
from PIL import Image, ImageOps

FOLDER = ROOT / "book" / "stills"
SIZE = (360, 225)  # twice what a card has, for fine screens
MARGIN = 10
COLOURS = 64

PARTS = {  # which of a chapter's pictures, and of it: left, upper, right and lower edge, in shares of its width;
    # and what is seen
    1: (0, (0.135, 0.085, 0.995, 0.572), "Two curves of errors: as one subtask is learned, the error on the other rises."),
    2: (1, (0.16, 0.19, 0.78, 0.80), "Cases of four vowels in the plane of two formants: two pairs that overlap."),
    3: (1, (0.15, 0.14, 0.95, 0.82), "Three lines through the plane of the vowels."),
    4: (3, (0.14, 0.40, 0.955, 0.909), "The plane of the vowels, divided between three experts."),
    5: (2, (0.108, 0.2, 0.52, 0.575), "A V, a blend that rounds its corner, and the experts behind it."),
    6: (0, (0.14, 0.155, 0.99, 0.62), "Three bells, one for each expert, under the curve of their sum."),
    7: (1, (0.168, 0.17, 0.95, 0.68), "Trails of eight experts: they come the same way, then part."),
    8: (1, (0.215, 0.10, 0.99, 0.615), "Four rows of dots, one for each system."),
    9: (0, (0.155, 0.10, 0.985, 0.575), "Two curves of cost against the number of experts, one of them much flatter."),
    10: (0, (0.182, 0.12, 0.985, 0.578), "A curve of the likelihood, and bounds that touch it."),
    11: (2, (0.03, 0.03, 0.98, 0.765), "A tree of gates with vowels at its leaves."),
    12: (3, (0.14, 0.03, 0.99, 0.62), "Queues of cases at four experts. Two cases find no room."),
    13: (3, (0.03, 0.07, 0.985, 0.57), "Groups of cases coloured by their expert, without and with a loss for balance."),
    14: (0, (0.14, 0.15, 0.985, 0.575), "Four curves of loss that fall as more is read."),
    15: (0, (0.138, 0.025, 0.566, 0.292), "Text in two languages, with the number of each character's expert."),
    16: (0, (0.12, 0.09, 0.985, 0.585), "A line that rises, and a level one that it crosses."),
    17: (0, (0.145, 0.155, 0.985, 0.575), "Five curves of responsibility that rise as more is read."),
}


def pictures(path):
    """The pictures of a chapter, in order."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGB")


def still(path):
    """The small picture of a chapter, as the bytes of a PNG file."""
    place, edges, _ = PARTS[int(path.stem[:2])]
    picture = list(pictures(path))[place]
    part = picture.crop([round(edge * picture.width) for edge in edges])
    part = ImageOps.pad(part, [side - 2 * MARGIN for side in SIZE], Image.Resampling.LANCZOS, color="white")
    part = ImageOps.expand(part, MARGIN, "white")
    file = io.BytesIO()
    part.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return file.getvalue()


def main():
    FOLDER.mkdir(exist_ok=True)
    for path in chapters():
        (FOLDER / f"{path.stem}.png").write_bytes(still(path))


if __name__ == "__main__":
    main()
