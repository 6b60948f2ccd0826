"""What several test files share: the built book and a browser."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
import torch
from build import PAGES, build
from hypothesis import settings

# The same examples every time, and no time limit on one: a busy machine must not fail a test.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

torch.set_num_threads(1)  # small arrays, and two workers on two cores

ROOT = Path(__file__).resolve().parent.parent

BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def pages():
    """The folder of the book's pages, built with every warning an error; once, whoever else wants it."""
    build()
    return PAGES


@pytest.fixture(scope="session")
def server(pages):
    """The address of a local server of the built book."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(pages))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium. Without one the test is skipped, or fails where MOE_BROWSER_REQUIRED is set."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        missing = "no Chromium on this machine: the tests in a real browser did not run"
        pytest.fail(missing) if os.environ.get("MOE_BROWSER_REQUIRED") else pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield running
        running.close()


@pytest.fixture
def opened(browser, server):
    """A function that opens a page with every other host blocked and returns it with what went wrong."""
    contexts = []

    def open_page(path, **context):
        contexts.append(browser.new_context(**context))
        page, wrong = contexts[-1].new_page(), []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda reply: wrong.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)

        def only_here(route):
            if route.request.url.startswith((server, "data:", "blob:")):
                route.continue_()
            else:
                wrong.append(f"asked another host: {route.request.url}")
                route.abort()

        page.route("**/*", only_here)
        page.goto(server + path, wait_until="networkidle")
        return page, wrong

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def shown(browser, tmp_path):
    """A function that opens an interactive alone in a page, from the disk; it returns the page and what went wrong.

    The network is blocked. Further arguments are those of a browser context, such as viewport and color_scheme.
    """
    contexts = []

    def show(interactive, **context):
        context = {"viewport": {"width": 1280, "height": 900}, **context}
        contexts.append(browser.new_context(offline=True, **context))
        page, wrong = contexts[-1].new_page(), []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(f"asked for {request.url}")
                if not request.url.startswith(("file:", "data:", "blob:")) else None)
        file = tmp_path / f"{interactive.name}.html"
        file.write_text('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An interactive</title>'
                        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
                        f"<body><main><h1>An interactive</h1>{interactive.html()}</main></body></html>", encoding="utf-8")
        page.goto(file.as_uri())
        return page, wrong

    yield show
    for context in contexts:
        context.close()
