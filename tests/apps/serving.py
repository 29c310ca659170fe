"""The whole app on the loopback, in a process of its own.

``python -m tests.apps.serving PORT LOGIN ROOT…`` serves it and prints its port and its routes.
It ends at once if anything is unpickled in it, which its requests then fail of.
Gradio leaves sockets and event loops open, which the tests of this process would be blamed for.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.apps.asking import TOKEN

COOKIE = "simlab-tests"

UNPICKLED = 86
"""With this status an app ends that has unpickled something."""


@dataclass(frozen=True)
class Served:
    """An app that is served.

    Attributes:
        port: Of the loopback.
        routes: Address and methods of each, as they stand in the application's tables.
        process: Its own.
        http: A client of whoever has the token, for any thread.
    """

    port: int
    routes: list = field(repr=False)
    process: subprocess.Popen = field(repr=False)
    http: httpx2.Client = field(repr=False)

    @property
    def host(self):
        """As requests must name it."""
        return f"127.0.0.1:{self.port}"

    @property
    def link(self):
        """The address that `simlab watch` would print."""
        return f"http://{self.host}/?token={TOKEN}"

    def client(self, *, known=True, timeout_s=10.0, **given):
        """A client of whoever has the token, or of a stranger."""
        headers = {"x-simlab-token": TOKEN} if known else {}
        return httpx2.Client(
            base_url=f"http://{self.host}", headers=headers, timeout=timeout_s, **given
        )

    def get(self, path, **query):
        """The JSON that an address of the API gives, whatever its status."""
        return self.http.get(f"/api/{path}", params=query).json()

    def command(self, run, kind, **arguments):
        """Command a run; the answer."""
        given = {"run": run, "kind": kind, "arguments": arguments}
        return self.http.post("/api/control", json=given).json()

    def raw(self, request):
        """The status that bytes get which no client would send; None where no answer comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request.replace(b"HOST", self.host.encode()))
            with connection.makefile("rb") as answer:
                line = answer.readline()
        return int(line.split()[1]) if line else None

    @contextmanager
    def stalled(self, target, n_requests=300):
        """Within the block somebody asks for something again and again, and reads no answer."""
        request = f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\nX-Simlab-Token: {TOKEN}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(request.encode() * n_requests)
            yield

    def kill(self):
        """End it as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def served(roots, *, login="", port=0):
    """Serve the runs below some folders while the block runs."""
    command = [sys.executable, "-m", "tests.apps.serving", str(port), login, *map(str, roots)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env=dict(os.environ))
    try:
        told = json.loads(process.stdout.readline())
        routes = [tuple(route) for route in told["routes"]]
        address, headers = f"http://127.0.0.1:{told['port']}", {"x-simlab-token": TOKEN}
        bounds = httpx2.Limits(max_connections=64)
        with httpx2.Client(base_url=address, headers=headers, timeout=30, limits=bounds) as http:
            yield Served(told["port"], routes, process, http)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def _serve(port, login, *roots):
    from simlab.apps.guard import Pass
    from simlab.apps.server import application
    from simlab.apps.watching import serve

    listening = socket.create_server(("127.0.0.1", int(port)))
    port = listening.getsockname()[1]
    name, _, password = login.partition(":")
    allowed = Pass(
        frozenset({f"127.0.0.1:{port}"}), TOKEN, COOKIE, (name, password) if login else None
    )
    app = application([Path(root) for root in roots], allowed)
    print(json.dumps({"port": port, "routes": sorted(_routes_of(app._app))}), flush=True)
    end_at_pickles()
    serve(app, listening)


def end_at_pickles():
    """End this process as soon as anything is unpickled that names code to be run."""

    def hear(event, given):
        if event == "pickle.find_class":
            print("unpickled:", *given, file=sys.stderr, flush=True)
            os._exit(UNPICKLED)

    sys.addaudithook(hear)


def _routes_of(app, before=""):
    for route in app.routes:
        path = before + getattr(route, "path", "")
        below = getattr(route, "app", None)
        if hasattr(below, "routes"):
            yield from _routes_of(below, path)
        else:
            yield path, sorted(getattr(route, "methods", None) or ["GET"])


if __name__ == "__main__":
    _serve(*sys.argv[1:])
