"""The picture that a link to a chapter shows elsewhere: its number, title and question beside one of its own pictures.

    python scripts/cards.py FOLDER [NN_word ...]        (default: every chapter)

The build makes them; this command is for looking at them. The same chapter gives the same bytes.
"""

import base64
import io
import re
import sys
from pathlib import Path

import matplotlib
import nbformat
from execute import chapters
from PIL import Image, ImageDraw, ImageFont

SIZE = (1200, 630)
COURSE = "Mixtures of experts, from the first paper"
MARGIN, COLUMN = 48, 500  # of the text

# The cell whose picture the card has.
PICTURES = {
    "01_interference": "01-planes", "02_vowels": "02-025", "03_experts": "03-020", "04_gate": "04-017",
    "05_cooperative_loss": "05-022", "06_competitive_loss": "06-bells-2", "07_training": "07-017",
    "08_vowel_experiment": "08-048", "09_limits": "09-shifted", "10_em": "10-017", "11_tree": "11-030b",
    "12_conditional_computation": "12-041", "13_balance": "13-003", "14_language_model": "14-024",
    "15_what_experts_know": "15-007", "16_processes": "16-025", "17_what_was_left": "17-016",
}


def read(path):
    """The number, the title and the question of the chapter at the path, and its picture's cell.

    ValueError: a chapter without these.
    """
    cells = nbformat.read(path, as_version=4).cells
    head = re.match(r"# (\d+)\. (.+)\n+\*(.+)\*\n", cells[0].source)
    wanted = PICTURES.get(path.stem)
    pictured = [cell for cell in cells if "mystnb" in cell.metadata and cell.id == (wanted or cell.id)]
    if not head or not pictured:
        raise ValueError(f"{path.name} has no number, title and question, or not the picture that its card shows: {wanted}")
    return int(head[1]), head[2], head[3], pictured[0]


def description(path):
    """What the card of the chapter at the path shows, in words."""
    number, title, question, cell = read(path)
    caption = cell.metadata["mystnb"]["figure"]["caption"]
    return f"Chapter {number}, {title}: {question[0].lower()}{question[1:]} The picture: {caption}"


def card(path):
    """The card of the chapter at the path, an image of 1200 by 630 pixels."""
    number, title, question, cell = read(path)
    stored = next(output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    picture = Image.open(io.BytesIO(base64.b64decode(stored))).convert("RGB")
    image = Image.new("RGB", SIZE, "white")
    room = (SIZE[0] - COLUMN - 2 * MARGIN - 8, SIZE[1] - 2 * 20)
    scale = min(room[0] / picture.width, room[1] / picture.height)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    image.paste(picture, (SIZE[0] - 20 - picture.width, (SIZE[1] - picture.height) // 2))
    draw = ImageDraw.Draw(image)
    blocks = [(f"Chapter {number}", "DejaVuSans", 28, "#555555", 24), (title, "DejaVuSans-Bold", 52, "black", 40),
              (question, "DejaVuSans-Oblique", 34, "black", 0)]
    lines = [(line, _font(name, size), colour, size * 5 // 4 + (below if last else 0))
             for text, name, size, colour, below in blocks
             for line, last in _wrapped(draw, text, _font(name, size))]
    y = (SIZE[1] - 40 - sum(height for *_, height in lines)) // 2
    for line, font, colour, height in lines:
        draw.text((MARGIN, y), line, font=font, fill=colour)
        y += height
    draw.text((MARGIN, SIZE[1] - 64), COURSE, font=_font("DejaVuSans", 22), fill="#555555")
    return image.quantize(64, dither=Image.Dither.NONE)


def save(path, folder):
    """Write the card of the chapter at the path into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    card(path).save(folder / f"{path.stem}.png", optimize=True)


def _font(name, size):
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{name}.ttf", size)


def _wrapped(draw, text, font):
    """The lines of the text that fit into the column, each with whether it is the last."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) <= COLUMN:
            lines[-1] = longer
        else:
            lines.append(word)
    return [(line, place == len(lines)) for place, line in enumerate(lines, 1)]


if __name__ == "__main__":
    for chapter in chapters():
        if not sys.argv[2:] or chapter.stem in sys.argv[2:]:
            save(chapter, Path(sys.argv[1]))
