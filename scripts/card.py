"""Draw the picture that a link to the book shows elsewhere, `book/_static/card.png`.

    python scripts/card.py
"""

import io

from execute import ROOT
from matplotlib.figure import Figure
from matplotlib.image import imread

from moe_tutorial import Mixture, fast_train, plots, vowel_task

TITLE = "What is a mixture\nof experts, really?"
LINES = "Adaptive mixtures of local experts (1991),\nrebuilt step by step in PyTorch"


def main():
    cases = vowel_task().train
    mixture = Mixture(experts=4, seed=0)
    fast_train(mixture, cases.x, cases.d, step_size=20.0, epochs=5000, stop_at=0.08)
    picture = plots.gate_regions(cases, mixture.gate.weight.detach(), mixture.gate.bias.detach())
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    axes = figure.add_axes((0.5, 0.02, 0.49, 0.96))
    axes.imshow(imread(io.BytesIO(picture.png())))
    axes.axis("off")
    figure.text(0.05, 0.62, TITLE, fontsize=34, fontweight="bold", va="center")
    figure.text(0.05, 0.36, LINES, fontsize=16, va="center", color="#444444")
    figure.savefig(ROOT / "book" / "_static" / "card.png", metadata={"Software": None})


if __name__ == "__main__":
    main()
