"""What is read of trainings and sweeps: lists of them, their rounds, states and figures."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header
from starlette.responses import Response

from simlab.apps.answers import as_json, as_json_once
from simlab.apps.cluster import ClusterRuns
from simlab.apps.reading import Reading
from simlab.apps.sweeps import SweepView, told_sweep
from simlab.errors import NotFoundError
from simlab.view.bounds import Json, cut
from simlab.view.guard import legible, require_own
from simlab.view.runs import Runs
from simlab.view.trainings import TrainingView, told_training

_PLOT = re.compile(r"[a-z][a-z0-9_]{0,60}\.png")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES: Final = 1 << 23


def training_routes(reading: Reading, cluster: ClusterRuns) -> APIRouter:
    """The routes below ``/api`` that read trainings and sweeps, and what lives on a cluster."""
    routes = APIRouter(prefix="/api")

    @routes.get("/trainings")
    async def trainings(if_none_match: Annotated[str | None, Header()] = None) -> Response:
        """All trainings and sweeps, with the keys by which they are asked for, and runs elsewhere.

        These live on a cluster, and their directories cannot be read here.
        """

        def read(runs: Runs) -> Json:
            return {
                "trainings": _rows(runs.trainings(), told_training),
                "sweeps": _rows(runs.sweeps(), told_sweep),
                "elsewhere": cluster.elsewhere(),
                "trouble": cluster.trouble(),
            }

        return as_json_once(await reading.of_list(read), if_none_match)

    @routes.get("/training")
    async def training(training: str) -> Response:
        names = await reading.of_list(Runs.names)

        def read(view: TrainingView) -> Json:
            told = view.overview()
            for run in told["runs"]:
                run["run"] = names.get(view.path / run["path"])
            return {**told, "plots": plots_of(view.path)}

        return as_json(await reading.of_training(training, read))

    @routes.get("/states")
    async def states(training: str) -> Response:
        def read(view: TrainingView) -> Json:
            told = ("environment", "state")
            return [
                {
                    **{name: each[name] for name in told},
                    "rounds": sorted({episode["round"] for episode in each["episodes"]}),
                }
                for each in view.states()
            ]

        return as_json(await reading.of_training(training, read))

    @routes.get("/side_by_side")
    async def side_by_side(training: str, environment: str = "", state: str = "") -> Response:
        names = await reading.of_list(Runs.names)

        def read(view: TrainingView) -> Json:
            episodes = view.side_by_side(environment, state)
            for each in episodes:
                path = view.path / "rounds" / f"{each['round']:03}" / each["phase"]
                each["run"] = names.get(path)
            return [each for each in episodes if each["run"] is not None]

        return as_json(await reading.of_training(training, read))

    @routes.get("/plot")
    async def plot(training: str, name: str) -> Response:
        data = await reading.of_training(training, _read_plot, name)
        return Response(data, 200, {"cache-control": "no-cache"}, "image/png")

    @routes.get("/sweep")
    async def sweep(sweep: str) -> Response:
        runs = await reading.of_list(Runs.names)
        trainings = await reading.of_list(Runs.trainings)
        names = {path: name for name, path in trainings.items()}

        def read(view: SweepView) -> Json:
            told = view.overview()
            for trial in told["trials"]:
                path = view.path / "trials" / f"{trial['number']:03}"
                trial["run"], trial["training"] = runs.get(path), names.get(path)
            return told

        return as_json(await reading.of_sweep(sweep, read))

    return routes


def plots_of(path: Path) -> list[str]:
    """The names of the figures that a training has drawn."""
    folder = path / "plots"
    require_own(path, folder)
    with legible(f"the folder {folder}"):
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted(name for name in names if _PLOT.fullmatch(name))[:100]


def _read_plot(view: TrainingView, name: str) -> bytes:
    """The bytes of a figure that a training has drawn.

    Raises:
        NotFoundError: It has none of that name, or the file is no PNG.
        RunDirectoryError: The file is a link, or too large.
    """
    file = view.path / "plots" / name
    if name in plots_of(view.path):
        require_own(view.path, file, largest=_MOST_BYTES)
        with legible(str(file)):
            data = file.read_bytes()
        if data.startswith(_PNG):
            return data
    raise NotFoundError(f"{view.path} has no figure {cut(name, 100)!r}; take one that is listed")


def _rows(found: dict[str, Path], tell: Callable[[Path], Json]) -> list[Json]:
    return [{**tell(path), "key": cut(name, 1000)} for name, path in found.items()]
