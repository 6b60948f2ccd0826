"""The interactives and the pages that show them in Firefox, driven by Mozilla's own client; the other tests use Chromium.

Without a Firefox the tests are skipped, or fail where MOE_BROWSER_REQUIRED is set.
"""

import gc
import os
import shutil
import warnings

import pytest
from test_interactive import MAKE, STATE, every_interactive, made

# Nothing is loaded from elsewhere, and a page that was left is not kept as it was: Back loads it again.
PREFERENCES = {"network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9,
               "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9, "browser.sessionhistory.max_total_viewers": 0}

# What pages did wrong, by what the console says; not what the browser says of itself, nor warnings.
WRONG = """return Services.console.getMessageArray().filter((said) => said instanceof Ci.nsIScriptError &&
    !(said.flags & Ci.nsIScriptError.warningFlag) && /^(file|http|data|blob):/.test(said.sourceName))
    .map((said) => `${said.sourceName}: ${said.errorMessage}`)"""


class Firefox:
    """A running Firefox, and what the tests do with it."""

    def __init__(self, path):
        with warnings.catch_warnings(action="ignore"):  # the client's own, also about a socket that it leaves open
            from marionette_driver.marionette import Marionette

            self.driver = Marionette(bin=path, headless=True, port=0, gecko_log=os.devnull, prefs=PREFERENCES)
            self.driver.start_session()
            gc.collect()

    def open(self, address):
        with self.driver.using_context("chrome"):
            self.driver.execute_script("Services.console.reset()")
        self.driver.navigate(address)

    def run(self, function):
        return self.driver.execute_script(f"return ({function})()", sandbox=None)

    def wrong(self):
        with self.driver.using_context("chrome"):
            return self.driver.execute_script(WRONG)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def move(self):
        """Every control to its end with the keyboard, as a reader does it: only then does Firefox remember what it holds."""
        from marionette_driver.keys import Keys

        for control in self.all(".moe-live input, .moe-live select"):
            if not control.is_enabled():
                continue
            typed = control.get_attribute("type") == "number"
            control.send_keys(*(*[Keys.BACK_SPACE] * 4, "77", Keys.ENTER) if typed else (Keys.END,))

    def back(self):
        self.driver.navigate("about:blank")
        self.driver.go_back()

    def reload(self):
        self.driver.refresh()

    def duplicate(self):
        """This tab once more, as a reader does it; the fields are filled as in a restored session."""
        old = self.driver.current_window_handle
        with self.driver.using_context("chrome"):
            self.driver.execute_async_script("""
                const [done] = arguments, tab = gBrowser.duplicateTab(gBrowser.selectedTab);
                tab.addEventListener("SSTabRestored", () => {
                    gBrowser.removeTab(gBrowser.selectedTab);
                    gBrowser.selectedTab = tab;
                    setTimeout(done, 200);
                }, {once: true});""")
        self.driver.switch_to_window(next(handle for handle in self.driver.window_handles if handle != old))

    def zoom(self, factor):
        with self.driver.using_context("chrome"):
            self.driver.execute_script("gBrowser.selectedBrowser.fullZoom = arguments[0]", [factor])

    def quit(self):
        self.driver.quit()
        self.driver.cleanup()
        self.driver = None
        gc.collect()  # its profile is removed when it goes, which must not be when Python ends


@pytest.fixture(scope="module")
def firefox():
    path = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if path is None:
        missing = "no Firefox on this machine: the tests in Firefox did not run"
        pytest.fail(missing) if os.environ.get("MOE_BROWSER_REQUIRED") else pytest.skip(missing)
    running = Firefox(path)
    yield running
    running.quit()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The address of a page with an interactive alone."""
    def address(kind):
        file = tmp_path_factory.mktemp("firefox") / f"{kind}.html"
        file.write_text('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An interactive</title></head>'
                        f"<body>{made(kind).html()}</body></html>", encoding="utf-8")
        return file.as_uri()

    return address


@every_interactive
def test_controls_change_what_is_drawn_and_agree_with_it_after_back_reload_and_in_a_second_tab(firefox, alone, kind):
    firefox.open(alone(kind))
    assert firefox.run("() => document.querySelector('.moe-interactive').matches('.moe-running')")
    fresh = firefox.run(STATE)
    for again in (firefox.back, firefox.reload, firefox.duplicate):
        firefox.move()
        moved = firefox.run(STATE)
        changed = [before != after for before, after in zip(fresh["controls"], moved["controls"])]
        assert sum(changed) >= {"TrainItYourself": 6}.get(kind, len(changed)), "one is off under another loss"
        assert moved["drawn"] != fresh["drawn"] and moved["said"] != fresh["said"]
        again()
        assert firefox.run(STATE) == fresh, again.__name__
    assert firefox.wrong() == []


def test_the_pages_with_interactives_have_no_fault_and_do_not_scroll_sideways_at_400_per_cent(firefox, server, pages):
    found = [path for folder in ("book", "notebooks") for path in sorted((pages / folder).glob("*.html"))
             if 'class="moe-interactive"' in path.read_text(encoding="utf-8")]
    assert len(found) > len(MAKE)
    firefox.driver.set_window_rect(width=1280, height=1100)
    for path in found:
        firefox.zoom(1)
        firefox.open(server + path.relative_to(pages).as_posix())
        assert firefox.all(".moe-running") and not firefox.all(".moe-interactive:not(.moe-running)")
        firefox.zoom(4)
        width, screen = firefox.run("() => [document.documentElement.scrollWidth, innerWidth]")
        assert width <= screen == 320, path.name
        assert firefox.wrong() == [], path.name
    firefox.zoom(1)
