"""Answers: what our routes give back, as JSON, and what became of requests that cannot be met."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from simlab.errors import (
    ConfigError,
    ControlError,
    LogDamagedError,
    LogWriteError,
    NotFoundError,
    RunDirectoryError,
    SimlabError,
)

_STATUS = {
    NotFoundError: 404,
    RunDirectoryError: 422,
    LogDamagedError: 422,
    ControlError: 409,
    LogWriteError: 507,
    ConfigError: 400,
}
"""By the first class that fits."""


def as_json(value: Any, status: int = 200) -> Response:
    """An answer in JSON, which nobody on the way may keep."""
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def as_json_once(value: Any, known: str | None) -> Response:
    """An answer in JSON, or none to who has the same already.

    Args:
        value: To be told.
        known: What the browser has sent as ``If-None-Match``, from the answer before.
    """
    data = msgspec.json.encode(value)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    headers = {"cache-control": "no-store", "etag": f'"{digest}"'}
    if known == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, 200, headers, "application/json")


def tell_errors(app: FastAPI) -> None:
    """Let an application answer what went wrong with ``{"error": expected, got, remedy}``."""
    told: list[tuple[type[Exception], Callable[[Request, Any], Response]]] = [
        (SimlabError, _told_error),
        (RequestValidationError, _told_misfit),
    ]
    for kind, tell in told:
        app.exception_handler(kind)(tell)


def _told_error(_: Request, error: SimlabError) -> Response:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    return as_json({"error": error.message}, status)


def _told_misfit(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    said = f"{where or 'the body'}: {first['msg']}, got {first.get('input')!r}"[:2000]
    return as_json({"error": said}, 400)
