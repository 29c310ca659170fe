"""What charts are drawn from, as CSV, and drawn: of runs, and of trainings.

Both take ``run=NAME`` or ``training=NAME``, and ``of=turns|episodes|load|rounds``; by turn the
``episodes`` are named, such as ``0-3, 7``, and ``start`` is the first turn.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from simlab.apps.answers import as_json
from simlab.apps.charting import Chart, chart_of
from simlab.apps.downloads import Download
from simlab.apps.drawing import draw
from simlab.apps.plots import Of, plot_named
from simlab.apps.tables import By, Tables
from simlab.view.bounds import Json
from simlab.view.opened import OpenedRun


class _Asked(BaseModel):
    """What is asked for, as it stands in an address."""

    run: str = ""
    training: str = ""
    of: Of = "episodes"
    episodes: str = "0"
    start: int = Field(default=0, ge=0)

    @property
    def of_whom(self) -> tuple[str, str, int]:
        """What `Tables.read` takes beside the table's kind."""
        return self.run or self.training, self.episodes, self.start


class _Drawn(_Asked):
    plot: str
    by: By = ""


def series_routes(tables: Tables) -> APIRouter:
    """The routes below ``/api`` that give series."""
    routes = APIRouter(prefix="/api")

    @routes.get("/series.csv")
    async def as_csv(asked: Annotated[_Asked, Query()]) -> Response:
        download = await Download.begun(tables.pieces(asked.of, *asked.of_whom))
        headers = _headers(f"{asked.of}.csv")
        return StreamingResponse(download.lines(), 200, headers, "text/csv; charset=utf-8")

    @routes.get("/series.png")
    async def as_png(asked: Annotated[_Drawn, Query()]) -> Response:
        plot = plot_named(asked.plot)
        table = await tables.read(plot.of, *asked.of_whom)
        chart: Chart = chart_of(plot, table, asked.by)
        return _file(await run_in_threadpool(draw, chart), "image/png", f"{asked.plot}.png")

    @routes.get("/progress")
    async def progress(run: str) -> Response:
        def told(opened: OpenedRun) -> Json:
            opened.refresh()
            load = tables.loads.share(opened)
            return {"version": opened.version, "load": load, **opened.progress()}

        return as_json(await tables.reading.of_run(run, told))

    return routes


def _file(data: bytes, kind: str, name: str) -> Response:
    """A file that the browser keeps under a name."""
    return Response(data, 200, _headers(name), kind)


def _headers(name: str) -> dict[str, str]:
    return {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
