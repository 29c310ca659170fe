"""The routes of people who have the link of a seat, and the door before all that is below it."""

import html
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simlab.apps.answers import as_json
from simlab.apps.files import page_file
from simlab.apps.seats import Seats
from simlab.errors import ConfigError, NotFoundError

_LONGEST_WAIT_S: Final = 15.0
_BELOW: Final = "/seat/"


class SeatDoor:
    """Lets requests below a link through if the link is one: to our routes, and to Gradio's.

    Args:
        app: Behind it.
        seats: Tell which are.
    """

    def __init__(self, app: ASGIApp, seats: Seats) -> None:
        self._app = app
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(_BELOW):
            token, _, rest = path.removeprefix(_BELOW).partition("/")
            try:
                self._seats.links.read(token)
            except ConfigError as error:
                await _refusal(error, is_page=not rest)(scope, receive, send)
                return
            if not rest:
                scope, send = _unpacked(scope), _with_icon(send)
        await self._app(scope, receive, send)


def seat_routes(seats: Seats) -> APIRouter:
    """The routes below ``/seat/{token}``; each reaches that seat alone."""
    routes = APIRouter(prefix="/seat/{token}")

    @routes.get("/api/state")
    async def state(
        token: str,
        version: str = "",
        start: Annotated[int, Query(alias="from", ge=0)] = 0,
        wait_s: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_S)] = 0.0,
    ) -> Response:
        session = await seats.session(token)
        return as_json(await session.standing(version, start, wait_s=wait_s))

    @routes.get("/page/{name}")
    async def seat_file(token: str, name: str) -> Response:  # noqa: ARG001 - the door has read it
        return page_file(name)

    return routes


def _unpacked(scope: Scope) -> Scope:
    """A request for a page that is not to be compressed."""
    headers = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
    return {**scope, "headers": headers}


def _with_icon(send: Send) -> Send:
    """Give a page its icon, an empty one: browsers would ask for one where no link leads."""
    start: Message = {}
    body = b""

    async def sending(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            start = message
            return
        body += message.get("body", b"")
        if message.get("more_body", False):
            return
        body = body.replace(b"<head>", b'<head><link rel="icon" href="data:,">', 1)
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await send(start)
        await send({**message, "body": body})

    return sending


def _refusal(error: ConfigError, *, is_page: bool) -> Response:
    status = 404 if isinstance(error, NotFoundError) else 500
    if not is_page:
        return as_json({"error": error.message}, status)
    said = html.escape(error.message)
    return HTMLResponse(f"<!doctype html><title>No seat</title><p>{said}</p>", status)
