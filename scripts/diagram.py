"""Draw the picture of the model that the page of notation shows, `book/_static/model.svg`; a test holds the two together.

    python scripts/diagram.py
"""

from execute import ROOT

from moe_tutorial import plots

PATH = ROOT / "book" / "_static" / "model.svg"


def main():
    PATH.write_text(plots.model_diagram().svg() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
