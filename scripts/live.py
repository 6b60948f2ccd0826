"""Photograph *Train it yourself* after it has trained, for the README: `book/stills/live.png`. Needs Chromium.

    python scripts/live.py
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from execute import ROOT
from PIL import Image
from playwright.sync_api import sync_playwright

from moe_tutorial.interactive.train_it_yourself import TrainItYourself

PICTURE = ROOT / "book" / "stills" / "live.png"
WIDTH, COLOURS = 960, 64


def photograph(browser):
    """The interactive with a finished training, as the bytes of a PNG."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "live.html"
        file.write_text('<!doctype html><html lang="en"><meta charset="utf-8"><body style="font-family: sans-serif">'
                        f"<main>{TrainItYourself().html()}</main></body></html>", encoding="utf-8")
        page = browser.new_page(viewport={"width": WIDTH, "height": 1000}, color_scheme="light")
        page.goto(file.as_uri())
        live = page.locator(".moe-live")
        button = live.locator("button").first
        before = button.inner_text()
        button.click()
        page.wait_for_function("([button, text]) => button.textContent !== text", arg=[button.element_handle(), before])
        page.wait_for_function("([button, text]) => button.textContent === text", arg=[button.element_handle(), before],
                               timeout=300_000)
        shot = live.locator(".moe-panels").screenshot()
        page.close()
    return shot


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("The picture needs Chromium, and there is none on this machine.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        picture = Image.open(io.BytesIO(photograph(browser))).convert("RGB")
        browser.close()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURE, "png", optimize=True)


if __name__ == "__main__":
    main()
