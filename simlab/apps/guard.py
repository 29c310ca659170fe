"""The guard: what stands before every route, Gradio's and ours, and decides who may pass.

The app listens where any page of any browser on the machine can send requests to, so a request
passes only if

- it names this server as its host (else a page could reach it under a name of its own, by DNS
  rebinding), and comes from no page of another origin;
- it is to a route that the app needs: of Gradio's many others, such as uploads and files, none;
- whoever sends it has the token that `simlab watch` printed, has logged in, or has the link of a
  seat, with which the routes of that seat alone can be reached;
- it is not too large.

Answers forbid the browser to load anything from elsewhere, or to be framed by pages of elsewhere.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES: Final = 1 << 20
"""Of what is sent in one request."""

_PAGES: Final = "|".join(("", "run/?", "training/?"))
_GRADIO_READS: Final = (
    r"(assets|static|svelte)/.*|theme\.css|config/?|favicon\.ico|robots\.txt|manifest\.json"
    r"|gradio_api/(heartbeat/\w+|queue/data|info/?|startup-events|app_id|theme\.css)"
)
_GRADIO_WRITES: Final = r"gradio_api/(queue/join|cancel|reset/?)"
_SEAT: Final = r"seat/[A-Za-z0-9_-]+/"

_READS: Final = re.compile(rf"/({_PAGES}|api/.*|page/.*|{_GRADIO_READS})")
_WRITES: Final = re.compile(rf"/(api/.*|{_GRADIO_WRITES})")
_SEAT_READS: Final = re.compile(rf"/{_SEAT}(|api/.*|page/.*|{_GRADIO_READS})")
_SEAT_WRITES: Final = re.compile(rf"/{_SEAT}(api/.*|{_GRADIO_WRITES})")

_JSON: Final = re.compile(r"application/json\s*(;.*)?", re.IGNORECASE)
"""What a body has to be: browsers send it to other origins only if these allow it."""

_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio's pages and its plots
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' http://127.0.0.1:* http://localhost:*",  # notebooks
    )
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

_NO_TOKEN: Final = (
    "this page is for whoever started it; open the address that `simlab watch` printed"
)


@dataclass(frozen=True, slots=True)
class Pass:
    """What lets somebody through.

    Attributes:
        hosts: Names and ports by which the server is addressed, such as ``127.0.0.1:7860``, in
            lower case; a default port may be there, though browsers do not send it.
        token: Of whoever started the app.
        cookie: Name of the cookie in which browsers keep the token.
        login: Name and password of others; None where there are none.
    """

    hosts: frozenset[str]
    token: str
    cookie: str
    login: tuple[str, str] | None = None

    def is_known(self, headers: Headers) -> bool:
        """Whether a request comes from somebody who may see and do everything."""
        return any(
            (
                *(_same(kept, self.token) for kept in _cookies(headers, self.cookie)),
                _same(headers.get("x-simlab-token", ""), self.token),
                self.login is not None and _same(_basic(headers), ":".join(self.login)),
            )
        )


class Guard:
    """Lets requests through to an application, or refuses them.

    Args:
        app: Behind it.
        allowed: Who may pass.
    """

    def __init__(self, app: ASGIApp, allowed: Pass) -> None:
        self._app = app
        self._allowed = allowed
        self._hosts = _as_sent(allowed.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": "not taken here"})
        elif (refusal := self._refusal(scope)) is not None:
            await refusal(scope, receive, _with_headers(send))
        else:
            await self._app(scope, _bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        """Why a request does not pass, as an answer; None where it does."""
        headers, path = Headers(scope=scope), scope["path"]
        reads = scope["method"] in ("GET", "HEAD")
        odd = self._oddity(headers, self._hosts | _as_sent(_own_address(scope)), reads=reads)
        if odd is not None:
            return odd
        if (_SEAT_READS if reads else _SEAT_WRITES).fullmatch(path):
            return None  # the seat's own routes ask for its token, which is in the path
        if not (_READS if reads else _WRITES).fullmatch(path):
            return _refused(404, f"there is nothing at {path[:200]!r}")
        return self._admission(scope, is_known=self._allowed.is_known(headers))

    def _oddity(self, headers: Headers, hosts: frozenset[str], *, reads: bool) -> Response | None:
        """What no browser at a page of ours would send, or too much, as an answer."""
        if headers.getlist("host") not in [[host] for host in hosts]:
            return _refused(421, f"this server is not {headers.get('host')!r}; use its own address")
        if not _is_own_origin(headers, hosts, reads=reads):
            return _refused(403, "requests from pages of another origin are not taken")
        size = headers.get("content-length", "0")
        if not re.fullmatch("[0-9]{1,9}", size) or int(size) > MOST_BYTES:
            return _refused(413, f"expected at most {MOST_BYTES} bytes, got {size[:20]}")
        has_body = size.strip("0") or "transfer-encoding" in headers
        if has_body and not _JSON.fullmatch(headers.get("content-type", "")):
            return _refused(415, "only JSON is taken here, and nothing can be uploaded")
        return None

    def _admission(self, scope: Scope, *, is_known: bool) -> Response | None:
        """Let in whoever is known or brings the token in the address; ask all others for it.

        No page is shown at an address with a token in it: people send such addresses to others.
        """
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = query.pop("token", None) if scope["method"] == "GET" else None
        brings_it = given is not None and _same(given[0], self._allowed.token)
        if given is not None and (is_known or brings_it):
            rest = urlencode(query, doseq=True)
            answer = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), 303)
            if brings_it:
                answer.set_cookie(
                    self._allowed.cookie,
                    self._allowed.token,
                    secure=scope["scheme"] == "https",
                    httponly=True,
                    samesite="lax",
                )
            return answer
        return None if is_known else self._stranger()

    def _stranger(self) -> Response:
        """What is answered to whoever is not known."""
        if self._allowed.login is not None:
            challenge = {"www-authenticate": 'Basic realm="SimLab", charset="UTF-8"'}
            return JSONResponse({"error": "log in first"}, 401, challenge)
        return _refused(403, _NO_TOKEN)


def _is_own_origin(headers: Headers, hosts: frozenset[str], *, reads: bool) -> bool:
    origins = headers.getlist("origin")
    if origins:
        scheme, _, host = origins[0].partition("://")
        return scheme in ("http", "https") and host in hosts and len(origins) == 1
    site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
    return site in (None, "same-origin", "none") or (reads and mode == "navigate")


def _own_address(scope: Scope) -> frozenset[str]:
    """The address of this machine at which a request has come in.

    To listen everywhere is to have many. No page of elsewhere has an address for its name.
    """
    address, port = scope.get("server") or ("", None)
    return frozenset({f"{in_url(address)}:{port}"} if port else ())


def _as_sent(hosts: frozenset[str]) -> frozenset[str]:
    """Hosts as they stand in requests too: browsers leave out the port that is their default."""
    return hosts | {re.sub(":(80|443)$", "", host) for host in hosts}


def in_url(host: str) -> str:
    """A name or an address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)


def _bounded(receive: Receive) -> Receive:
    """Take no more of a request's body than may be; what says nothing of its size is cut off."""
    left = MOST_BYTES

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return bounded


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _same(given: str, wanted: str) -> bool:
    """Whether two texts are the same, in a time that does not tell how far they agree."""
    return secrets.compare_digest(given.encode(), wanted.encode())


def _cookies(headers: Headers, name: str) -> Iterator[str]:
    """The values of all cookies of a name; what others have set, however odd, hides none.

    Browsers send a server the cookies of all ports of its host, which any of them can set.
    """
    for header in headers.getlist("cookie"):
        for part in header.split(";"):
            found, _, value = part.strip().partition("=")
            if found == name:
                yield value.strip('"')


def _basic(headers: Headers) -> str:
    """Name and password of Basic authentication (RFC 7617)."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
