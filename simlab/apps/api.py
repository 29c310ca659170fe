"""What our scripts read of runs, and programs may, as JSON; see `simlab.view` for what each gives.

All but the list take ``run``, a name that was listed.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel
from starlette.responses import Response

from simlab.apps.answers import as_json, as_json_once
from simlab.apps.reading import Reading
from simlab.apps.tails import Tails
from simlab.view.difference import first_difference
from simlab.view.find import Query as Wanted
from simlab.view.find import find
from simlab.view.opened import OpenedRun
from simlab.view.runs import Runs
from simlab.view.steps import Steps
from simlab.view.turns import read_turns

_LONGEST_WAIT_S = 20.0

_LIST_S = 0.8
"""How long runs are read for one answer of the list, where there are many new ones."""

Number = Annotated[int, Query(ge=0)]


class _Found(BaseModel):
    """What is looked for, as it stands in an address."""

    run: str
    q: str = ""
    tag: str = ""
    seat: str = ""
    failed: bool = False
    at_least: float | None = None
    at_most: float | None = None
    episode: int | None = None
    cursor: str = ""

    @property
    def query(self) -> Wanted:
        """It as the reader takes it."""
        bounds = self.at_least, self.at_most
        return Wanted(self.q, self.tag, self.seat, self.failed, *bounds, self.episode)


def reading_routes(reading: Reading, tails: Tails) -> APIRouter:
    """The routes below ``/api`` that read."""
    routes = APIRouter(prefix="/api")
    _add_lists(routes, reading)
    _add_windows(routes, reading, tails)
    _add_searches(routes, reading)
    return routes


def _add_lists(routes: APIRouter, reading: Reading) -> None:
    """Which runs there are, and what each is."""

    @routes.get("/runs")
    async def runs(if_none_match: Annotated[str | None, Header()] = None) -> Response:
        return as_json_once(await reading.rows(_LIST_S), if_none_match)

    @routes.get("/run")
    async def overview(run: str) -> Response:
        return as_json(await reading.of_run(run, OpenedRun.overview))

    @routes.get("/parent")
    async def parent(run: str) -> Response:
        return as_json(await reading.of_list(Runs.parent_of, run))


def _add_windows(routes: APIRouter, reading: Reading, tails: Tails) -> None:
    """What happens in a run, as far as it is looked at."""

    @routes.get("/news")
    async def news(
        run: str,
        cursor: str = "",
        wait_s: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_S)] = 0.0,
    ) -> Response:
        return as_json(await tails.news(run, cursor, wait_s=wait_s))

    @routes.get("/turns")
    async def turns(
        run: str,
        episode: Number,
        start: Annotated[int, Query(alias="from")] = 0,
        stop: Annotated[int | None, Query(alias="to")] = None,
    ) -> Response:
        return as_json(await reading.of_run(run, read_turns, episode, start, stop))

    @routes.get("/step")
    async def step_tree(run: str, episode: Number, step: Number) -> Response:
        return as_json(await reading.of_steps(run, Steps.read, episode, step))


def _add_searches(routes: APIRouter, reading: Reading) -> None:
    """What is looked for in a run, and where two episodes part."""

    @routes.get("/find")
    async def found(given: Annotated[_Found, Query()]) -> Response:
        return as_json(await reading.of_run(given.run, find, given.query, given.cursor))

    @routes.get("/difference")
    async def difference(
        run: str, episode: Number, other: Number, other_run: str = "", step: Number = 0
    ) -> Response:
        def compared(one: OpenedRun, its: OpenedRun) -> object:
            return first_difference(one, episode, its, other, start=step)

        return as_json(await reading.of_two(run, other_run or run, compared))
