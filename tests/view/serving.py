"""A server of the view's JSON and scripts on the loopback, no more than the tests need."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qsl, urlsplit

from simlab.errors import SimlabError
from simlab.view.difference import first_difference
from simlab.view.find import Query, find
from simlab.view.opened import OpenedRun
from simlab.view.static_page import PAGE
from simlab.view.steps import Steps
from simlab.view.turns import read_turns

_SHELL = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>run</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page/transcript.css">
<style>html, body, #run { height: 100%; margin: 0; }</style></head><body><div id="run"></div>
<script type="module">
import { mountRun } from "/page/transcript.js";
import { ServerSource } from "/page/sources.js";
const given = new URLSearchParams(location.search).get("parent");
const parent = given && { source: new ServerSource(given), episode: 0 };
const source = new ServerSource("NAME");
window.view = await mountRun(document.getElementById("run"), source, { parent });
</script></body></html>"""

_TYPES = {"js": "text/javascript", "css": "text/css"}


class _Answers:
    """What the addresses below ``/api`` answer of one run."""

    def __init__(self, path):
        self._folder = path.parent
        self._run = OpenedRun(path)
        self._steps = Steps(self._run)
        self._lock = Lock()

    def answer(self, path, given):
        with self._lock:
            match path:
                case "run":
                    return self._run.overview()
                case "news":
                    return self._run.news(given.get("cursor", ""))
                case "turns":
                    episode, *window = (int(given[name]) for name in ("episode", "from", "to"))
                    return read_turns(self._run, episode, *window)
                case "step":
                    return self._steps.read(int(given["episode"]), int(given["step"]))
                case "find":
                    cursor = given.pop("cursor", "")
                    bounds = {name: float(given[name]) for name in given if name[:3] == "at_"}
                    query = Query(
                        given.get("q", ""),
                        given.get("tag", ""),
                        given.get("seat", ""),
                        "failed" in given,
                        **bounds,
                    )
                    return find(self._run, query, cursor)
                case "difference":
                    other = OpenedRun(self._folder / given["other_run"])
                    episode, its = int(given["episode"]), int(given["other"])
                    start = int(given["step"])
                    return first_difference(self._run, episode, other, its, start=start)


def _handler(path):
    answers = {each.name: _Answers(each) for each in path.parent.iterdir() if each.is_dir()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            address = urlsplit(self.path)
            parts = address.path.strip("/").split("/")
            if parts[0] == "api":
                self._json(parts[1], dict(parse_qsl(address.query)))
            elif parts[0] == "page":
                kind = _TYPES[parts[1].rpartition(".")[2]]
                self._send(200, kind, (PAGE / parts[1]).read_bytes())
            else:
                self._send(200, "text/html", _SHELL.replace(b"NAME", path.name.encode()))

        def _json(self, path, given):
            try:
                status, answer = 200, answers[given.pop("run")].answer(path, given)
            except SimlabError as error:
                status, answer = 400, {"error": error.message}
            self._send(status, "application/json", json.dumps(answer).encode())

        def _send(self, status, kind, body):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def served(path):
    """Serve a run while the block runs; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(path))
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
