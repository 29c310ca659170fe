"""The server: one ASGI application of all routes, behind one guard."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from simlab.apps.answers import tell_errors
from simlab.apps.api import reading_routes
from simlab.apps.branching import Branching
from simlab.apps.cluster import ClusterRuns
from simlab.apps.files import file_routes
from simlab.apps.guard import Guard, Pass
from simlab.apps.interviewing import Interviewing
from simlab.apps.pages.mounting import mount_pages
from simlab.apps.pages.run_page import Desks
from simlab.apps.processes import Processes
from simlab.apps.reading import Reading
from simlab.apps.seat_routes import SeatDoor, seat_routes
from simlab.apps.seats import Seats
from simlab.apps.series_api import series_routes
from simlab.apps.steering import Steering
from simlab.apps.tables import Tables
from simlab.apps.tails import Tails
from simlab.apps.trainings_api import training_routes
from simlab.apps.writing import writing_routes


class Application(Guard):
    """The whole app, behind its guard.

    Args:
        app: All routes.
        allowed: Who may pass.
        ends: End the waiting for news, each of some.
    """

    def __init__(self, app: ASGIApp, allowed: Pass, ends: Sequence[Callable[[], None]]) -> None:
        super().__init__(app, allowed)
        self._ends = ends

    def end_waits(self) -> None:
        """Answer all who wait for news, so that a server which is ended need not."""
        for end in self._ends:
            end()


def application(
    roots: list[Path], allowed: Pass, *, place: str | None = None, address: str | None = None
) -> Application:
    """The whole app.

    Args:
        roots: Folders with the runs that are shown, or runs.
        allowed: Who may see and steer them.
        place: Name and port by which people on other machines reach it; None where none do.
        address: Of a Ray cluster whose runs are shown as well.
    """
    cluster = ClusterRuns(address)
    reading = Reading(roots, cluster.here)
    tails, steering, tables = Tails(reading), Steering(reading), Tables(reading)
    processes, seats = Processes(), Seats(reading, tails, place=place)
    branching, interviewing = Branching(reading, processes), Interviewing(reading, processes)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:  # the last first, and each whatever others raise
            closing.callback(reading.close)
            for each in (processes, steering, tails, seats, cluster):
                closing.push_async_callback(each.close)
            cluster.start()
            yield

    app = FastAPI(title="SimLab", lifespan=lifespan, openapi_url=None)
    tell_errors(app)
    app.include_router(reading_routes(reading, tails))
    app.include_router(writing_routes(reading, steering))
    app.include_router(series_routes(tables))
    app.include_router(training_routes(reading, cluster))
    app.include_router(file_routes())
    app.include_router(seat_routes(seats))
    mount_pages(app, Desks(reading, steering, branching, interviewing, tables, seats))
    app.add_middleware(SeatDoor, seats=seats)
    return Application(app, allowed, (tails.end, seats.end))
