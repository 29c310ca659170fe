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
window.view = await mountRun(document.getElementById("run"), new ServerSource("/api"));
</script></body></html>"""

_TYPES = {"js": "text/javascript", "css": "text/css"}


class _Answers:
    """What the addresses below ``/api`` answer."""

    def __init__(self, path):
        self._run = OpenedRun(path)
        self._steps = Steps(self._run)
        self._lock = Lock()

    def answer(self, parts, given):
        with self._lock:
            match parts:
                case []:
                    return self._run.overview()
                case ["events"]:
                    return self._run.news(given.get("cursor", ""))
                case ["episodes", episode, "turns"]:
                    return read_turns(self._run, int(episode), int(given["from"]), int(given["to"]))
                case ["episodes", episode, "steps", step]:
                    return self._steps.read(int(episode), int(step))
                case ["find"]:
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
                case ["diff"]:
                    other = int(given["with"])
                    return first_difference(self._run, int(given["episode"]), self._run, other)


def _handler(answers):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            address = urlsplit(self.path)
            parts = address.path.strip("/").split("/")
            if parts[0] == "api":
                self._json(parts[1:], dict(parse_qsl(address.query)))
            elif parts[0] == "page":
                kind = _TYPES[parts[1].rpartition(".")[2]]
                self._send(200, kind, (PAGE / parts[1]).read_bytes())
            else:
                self._send(200, "text/html", _SHELL)

        def _json(self, parts, given):
            try:
                status, answer = 200, answers.answer(parts, given)
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
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(_Answers(path)))
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
