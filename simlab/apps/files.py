"""The scripts and styles of our pages, by their names, and nothing else."""

from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from simlab.errors import NotFoundError
from simlab.view.static_page import PAGE

_FOLDERS: Final = (PAGE, Path(__file__).parent / "static")
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}


def file_routes() -> APIRouter:
    """The routes below ``/page``."""
    routes = APIRouter(prefix="/page")

    @routes.get("/{name}")
    async def named_file(name: str) -> Response:
        return page_file(name)

    return routes


def page_file(name: str) -> Response:
    """A script or a style.

    Raises:
        NotFoundError: There is none of that name.
    """
    found = _files().get(name)
    if found is None:
        raise NotFoundError(f"there is no file {name[:200]!r} here")
    headers = {"cache-control": "no-cache"}
    return Response(found.read_bytes(), 200, headers, _TYPES[found.suffix])


@cache
def _files() -> dict[str, Path]:
    found = (path for folder in _FOLDERS for path in folder.iterdir())
    return {path.name: path for path in found if path.suffix in _TYPES}
