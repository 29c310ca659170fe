"""What people do to runs from the browser: commands to live ones, and labels beside any."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from simlab.apps.answers import as_json
from simlab.apps.reading import Reading
from simlab.apps.steering import Steering
from simlab.view.labels import Label, add_label, compare_labels, told_labels
from simlab.view.opened import OpenedRun


class GivenLabel(BaseModel):
    """A label as the browser sends it."""

    model_config = ConfigDict(extra="forbid")

    run: str
    who: Annotated[str, Field(min_length=1)]
    episode: int
    step: int | None = None
    seat: str = ""
    rating: float | None = None
    tags: tuple[str, ...] = ()
    blind: bool = False
    note: str = ""

    def label(self) -> Label:
        """It as it is kept."""
        return Label(when=time.time(), **self.model_dump(exclude={"run"}))


def writing_routes(reading: Reading, steering: Steering) -> APIRouter:
    """The routes below ``/api`` that command and label, and what tells of both."""
    routes = APIRouter(prefix="/api")

    @routes.get("/control")
    async def standing(run: str) -> Response:
        return as_json(await steering.standing(run))

    @routes.post("/control")
    async def command(
        run: Annotated[str, Body()],
        kind: Annotated[str, Body()],
        arguments: Annotated[dict[str, Any], Body()],
    ) -> Response:
        return as_json(await steering.command(run, kind, arguments))

    @routes.get("/labels")
    async def labels(run: str) -> Response:
        def read(opened: OpenedRun) -> object:
            return {"labels": told_labels(opened), "compared": compare_labels(opened)}

        return as_json(await reading.of_run(run, read))

    @routes.post("/labels")
    async def label(given: GivenLabel) -> Response:
        await reading.of_run(given.run, add_label, given.label())
        return as_json({"ok": True}, 201)

    return routes
