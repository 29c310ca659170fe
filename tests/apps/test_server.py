"""The whole application over HTTP: what of it can be reached, and by whom."""

import base64
import re

import pytest
from starlette.testclient import TestClient

from simlab.apps import server as server_module
from simlab.apps.guard import Pass
from tests.apps.asking import COOKIE, TOKEN
from tests.apps.serving import served

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Using `httpx`")]

OPEN_OF_GRADIO = {
    "/",
    "/assets/{path:path}",
    "/config",
    "/config/",
    "/favicon.ico",
    "/gradio_api/app_id",
    "/gradio_api/cancel",
    "/gradio_api/heartbeat/{session_hash}",
    "/gradio_api/info",
    "/gradio_api/info/",
    "/gradio_api/queue/data",
    "/gradio_api/queue/join",
    "/gradio_api/reset",
    "/gradio_api/reset/",
    "/gradio_api/startup-events",
    "/gradio_api/theme.css",
    "/manifest.json",
    "/robots.txt",
    "/run",
    "/run/",
    "/static/{path:path}",
    "/svelte/{path:path}",
    "/theme.css",
    "/training",
    "/training/",
}
"""Of its routes, those that its pages need; none reads or writes a file of anybody's."""

HEAD = "Host: HOST\r\nX-Simlab-Token: TOKEN\r\n"
BODY = "Content-Type: application/json\r\n"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def filled(path):
    """An address of a route, with something in the place of each parameter."""
    return re.sub(r"\{[^}]*\}", "x", path)


@pytest.fixture(scope="module")
def table(app):
    """All routes: Gradio's and ours."""
    assert len(app.routes) > 60, "Gradio's are among them"
    return app.routes


@pytest.fixture(scope="module")
def shared(runs):
    """The app for people who log in."""
    with served([runs], login="ann:secret") as shown:
        yield shown


def test_interlab_44_a_stranger_reaches_no_route_of_gradio_or_ours_by_any_method(app, table):
    with app.client(known=False) as stranger:
        reached = [
            (method, path)
            for path in sorted({path for path, _ in table})
            for method in METHODS
            if stranger.request(method, filled(path)).status_code < 400
        ]

    assert reached == []


def test_auth_refuses_strangers_on_every_route_of_gradio_and_ours(shared, table):
    wrong = {"authorization": "Basic " + base64.b64encode(b"ann:guess").decode()}
    with shared.client(known=False) as stranger:
        answers = {
            (method, path, len(headers)): stranger.request(method, filled(path), headers=headers)
            for path, methods in table
            for method in methods
            for headers in ({}, wrong)
        }

    asked = {key for key, answer in answers.items() if answer.status_code == 401}
    others = {answer.status_code for key, answer in answers.items() if key not in asked}
    assert others == {404}
    assert {("GET", "/", 0), ("GET", "/api/runs", 1), ("POST", "/api/control", 0)} <= asked
    assert ("POST", "/gradio_api/queue/join", 0) in asked


def test_who_logs_in_sees_the_runs(shared):
    with shared.client(known=False, auth=("ann", "secret")) as ann:
        assert ann.get("/api/runs").status_code == 200
        assert ann.get("/").status_code == 200
        assert ann.get("/", auth=("ann", "wrong")).status_code == 401


def test_of_gradios_routes_those_alone_are_open_that_its_pages_need(app, table):
    def is_ours(path):
        return path.startswith(("/api/", "/page/", "/seat/"))

    with app.client() as client:
        closed = {
            path
            for path, methods in table
            if not is_ours(path) and path not in OPEN_OF_GRADIO
            for method in methods
            if client.request(method, filled(path)).status_code != 404
        }

    assert closed == set()
    for path in (
        "upload",
        "vibe-edit",
        "component_server",
        "dev/reload",
        "file={path_or_url:path}",
    ):
        assert any(found == f"/gradio_api/{path}" for found, _ in table), "Gradio has it"


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file=/etc/passwd",
        "gradio_api/file/etc/passwd",
        "file=/etc/passwd",
        "gradio_api/proxy=http://127.0.0.1:1/",
        "gradio_api/stream/a/b/c/playlist-file",
        "gradio_api/custom_component/a/client/component/index.js",
        "gradio_api/call/x/y",
        "gradio_api/upload_progress?upload_id=1",
        "gradio_api/dev/reload",
        "gradio_api/runs",
        "gradio_api/deep_link",
        "monitoring",
        "monitoring/summary",
        "login_check",
        "gradio_api/token",
        "docs",
        "redoc",
        "openapi.json",
        "gradio_api/openapi.json",
        "static/../../../../../../etc/passwd",
        "static/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "assets/%2fetc%2fpasswd",
        "assets//etc/passwd",
        "svelte/..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "svelte/%00",
        "static/%00/etc/passwd",
        "page/..%2fguard.py",
        "page/%2e%2e%2f%2e%2e%2fguard.py",
        "page/transcript.js%00.css",
        "page/",
        "page/static",
        "api/../config",
    ],
)
def test_no_address_reads_a_file_that_is_not_a_page_s(app, path):
    head = f"GET /{path} HTTP/1.1\r\n{HEAD}\r\n".replace("TOKEN", TOKEN)
    status = app.raw(head.encode())

    assert status in (400, 403, 404, 405)


def test_uploads_are_refused_wherever_they_are_tried(app, table):
    parts = {"files": ("x.txt", b"x" * 100, "text/plain")}
    with app.client() as client:
        taken = {
            path
            for path in {filled(path) for path, _ in table} | {"/upload", "/api/labels"}
            if client.post(path, files=parts).status_code not in (403, 404, 415)
        }

    assert taken == set()


@pytest.mark.parametrize(
    ("request_text", "statuses"),
    [
        ("GET /api/runs HTTP/1.1\r\n" + HEAD, {200}),
        ("GET /api/runs HTTP/1.1\r\nHost: HOST\r\n", {403}),
        ("GET /api/runs HTTP/1.0\r\nX-Simlab-Token: TOKEN\r\n", {421}),
        ("GET /api/runs HTTP/1.1\r\nHost: evil.example\r\nX-Simlab-Token: TOKEN\r\n", {421}),
        ("GET /api/runs HTTP/1.1\r\nHost: evil.example\r\n" + HEAD, {400, 421}),
        ("GET /api/runs HTTP/1.1\r\n" + HEAD + "Host: evil.example\r\n", {400, 421}),
        ("GET http://evil.example/api/runs HTTP/1.1\r\nHost: evil.example\r\n", {400, 404, 421}),
        ("GET http://evil.example/api/runs HTTP/1.1\r\nHost: HOST\r\n", {400, 403, 404}),
        ("GET //evil.example/?token=TOKEN HTTP/1.1\r\nHost: HOST\r\n", {400, 404}),
        ("CONNECT evil.example:80 HTTP/1.1\r\n" + HEAD, {400, 404, 405, 415}),
        ("OPTIONS * HTTP/1.1\r\n" + HEAD, {400, 404, 405}),
        ("HEAD /api/runs HTTP/1.1\r\n" + HEAD, {404, 405}),
        ("HEAD / HTTP/1.1\r\nHost: HOST\r\n", {403}),
        ("OPTIONS /api/control HTTP/1.1\r\nOrigin: http://evil.example\r\n" + HEAD, {403}),
        ("POST /api/control HTTP/1.1\r\nOrigin: null\r\n" + HEAD + BODY, {403}),
        ("POST /api/control HTTP/1.1\r\nContent-Length: 99999999\r\n" + HEAD + BODY, {413}),
        ("POST /api/control HTTP/1.1\r\nContent-Length: -5\r\n" + HEAD + BODY, {400, 413}),
        ("GET /api/runs?\x00=%00 HTTP/1.1\r\n" + HEAD, {200, 400}),
        (
            "GET /api/runs HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + HEAD,
            {200},  # as any other request
        ),
    ],
)
def test_requests_that_no_client_sends_get_nothing_they_should_not(app, request_text, statuses):
    text = f"{request_text}\r\n".replace("TOKEN", TOKEN)

    assert app.raw(text.encode("latin-1")) in statuses


def test_a_body_in_chunks_is_bounded_as_well(app):
    def chunks():
        yield b'{"run": "sale", "kind": "pause", "arguments": {"x": "'
        for _ in range(40):
            yield b"x" * (1 << 16)
        yield b'"}}'

    with app.client() as client:
        answer = client.post(
            "/api/control", content=chunks(), headers={"content-type": "application/json"}
        )

    assert answer.status_code in (400, 413)


def test_all_that_is_open_is_closed_though_some_of_it_fails(tmp_path, monkeypatch):
    closed = []

    async def fail(_steering):
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(server_module, "mount_pages", lambda _app, _desks: None)
    monkeypatch.setattr(server_module.Steering, "close", fail)
    monkeypatch.setattr(server_module.Reading, "close", lambda _reading: closed.append(True))
    app = server_module.application([tmp_path], Pass(frozenset(), TOKEN, COOKIE))
    with pytest.raises(RuntimeError, match="a bug of ours"), TestClient(app):
        pass

    assert closed == [True]


@pytest.mark.parametrize("link", ["no-such-link", "..", "%2e%2e", "a", "x" * 300])
def test_without_the_link_of_a_seat_no_route_of_seats_answers(app, table, link):
    below = {"/", "/config", "/theme.css", "/gradio_api/startup-events", "/gradio_api/app_id"}
    below |= {"/api/seat", "/api/question", "/page/shell.js", "/page/seat.js", "/gradio_api/info"}
    paths = {f"/seat/{link}{path}" for path in below}
    paths |= {
        filled(path.replace("{token}", link))
        for path, _ in table
        if path.startswith("/seat/") and "heartbeat" not in path and "queue/data" not in path
    }
    with app.client(known=False) as stranger:
        reached = {
            (method, path)
            for path in paths
            for method in ("GET", "POST")
            if stranger.request(method, path).status_code < 400
        }

    assert reached == set()
