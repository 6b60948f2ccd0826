"""What a first visit to a page of the built book sends: all that a real browser asks for, packed as by a static host."""

import contextlib
import functools
import gzip
import http.server
import threading
import time
from pathlib import Path

CHAPTER = 0.9e6
WELCOME = 0.5e6
"""The most bytes that a first visit to a chapter, or to the welcome page, may send."""

DRAWN = 1.0
"""The seconds after which it should be drawn, from a local server."""

PACKED = {".css", ".html", ".js", ".json", ".svg", ".txt", ".xml"}

WITH_EQUATIONS = "() => !document.querySelector('main .math') || window.MathJax?.startup?.promise.then(() => true)"

NOTHING_MORE = """() => {
    const asked = performance.getEntriesByType("resource").length, now = performance.now();
    if (window.weighed?.asked !== asked) window.weighed = {asked, since: now};
    return now - window.weighed.since > 600;
}"""


@contextlib.contextmanager
def served(folder):
    """The address of a server of a folder, and a dictionary that is filled with what each address has sent, in bytes."""
    sent = {}

    class Packing(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            file = Path(self.translate_path(self.path))
            if not file.is_file():
                return self.send_error(404)
            packs = file.suffix in PACKED and "gzip" in self.headers.get("Accept-Encoding", "")
            body = _packed(file) if packs else file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(str(file)))
            self.send_header("Content-Length", str(len(body)))
            if packs:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Cache-Control", "max-age=600")
            self.end_headers()
            sent[self.path] = len(body)
            self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Packing, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/", sent
        running.shutdown()


@functools.cache
def _packed(file):
    return gzip.compress(file.read_bytes(), mtime=0)


def visit(tab, address):
    """Open a page; the seconds until it is drawn with its equations. It returns when nothing more is asked for."""
    begun = time.perf_counter()
    tab.goto(address, wait_until="load")
    tab.wait_for_function(WITH_EQUATIONS)
    took = time.perf_counter() - begun
    tab.wait_for_function(NOTHING_MORE, polling=100)
    return took
