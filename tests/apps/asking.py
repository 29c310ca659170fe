"""Requests as anybody may write them, put to an application by hand: no client tidies them up."""

import json
from dataclasses import dataclass
from urllib.parse import unquote

HOST = "127.0.0.1:7860"
TOKEN = "a-token-that-nobody-guesses"
COOKIE = "simlab-7860"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


async def ask(
    app,
    target="/",
    *,
    method="GET",
    headers=(),
    parts=(b"",),
    host=HOST,
    kind="http",
    scheme="http",
):
    """Put a request to an application.

    Args:
        app: It, or the guard before it.
        target: Path and query, as they stand in the request's first line.
        method: In capitals.
        headers: Pairs beside that of the host.
        parts: Of the body, as they arrive.
        host: Named by the request; None where it names none.
        kind: Of the connection.
        scheme: By which the browser has asked, as a proxy tells it.
    """
    path, _, query = target.partition("?")
    named = [] if host is None else [("host", host)]
    scope = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": unquote(path),
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in [*named, *headers]],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 7860),
    }
    left = list(parts)
    sent = []

    async def receive():
        if not left:
            return {"type": "http.disconnect"}
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    told = {k.decode().lower(): v.decode("latin-1") for k, v in start.get("headers", ())}
    return Answer(start.get("status", start.get("code")), told, body)
