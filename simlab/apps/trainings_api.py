"""What is read of trainings and sweeps: lists of them, their rounds, states and figures."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header
from starlette.responses import Response

from simlab.apps.answers import as_json, as_json_once
from simlab.apps.cluster import ClusterRuns
from simlab.apps.reading import Reading
from simlab.apps.sweeps import SweepView, told_sweep
from simlab.errors import NotFoundError
from simlab.sweep.directory import SweepDirectory
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
        found = await reading.of_list(_studies)
        elsewhere = {"elsewhere": cluster.elsewhere(), "trouble": cluster.trouble()}
        return as_json_once({**found, **elsewhere}, if_none_match)

    @routes.get("/training")
    async def training(training: str) -> Response:
        names = await reading.of_list(Runs.names)
        return as_json(await reading.of_training(training, _overview, names))

    @routes.get("/states")
    async def states(training: str) -> Response:
        return as_json(await reading.of_training(training, _states))

    @routes.get("/side_by_side")
    async def side_by_side(training: str, environment: str = "", state: str = "") -> Response:
        names, start = await reading.of_list(Runs.names), (environment, state)
        return as_json(await reading.of_training(training, _side_by_side, start, names))

    @routes.get("/plot")
    async def plot(training: str, name: str) -> Response:
        data = await reading.of_training(training, _read_plot, name)
        return Response(data, 200, {"cache-control": "no-cache"}, "image/png")

    @routes.get("/sweep")
    async def sweep(sweep: str) -> Response:
        runs = await reading.of_list(Runs.names)
        trainings = {path: name for name, path in (await reading.of_list(Runs.trainings)).items()}
        return as_json(await reading.of_sweep(sweep, lambda view: _trials(view, runs, trainings)))

    return routes


def plots_of(path: Path) -> list[str]:
    """The names of the figures that a training has drawn."""
    folder = path / "plots"
    require_own(path, folder)
    with legible(f"the folder {folder}"):
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted(name for name in names if _PLOT.fullmatch(name))[:100]


def _studies(runs: Runs) -> dict[str, Json]:
    """All trainings and sweeps, with the keys by which they are asked for."""
    return {
        "trainings": _rows(runs.trainings(), told_training),
        "sweeps": _rows(runs.sweeps(), told_sweep),
    }


def _overview(view: TrainingView, names: Mapping[Path, str]) -> Json:
    """A training with the names under which its runs were listed, and its figures."""
    told = view.overview()
    for run in told["runs"]:
        run["run"] = names.get(view.path / run["path"])
    return {**told, "plots": plots_of(view.path)}


def _states(view: TrainingView) -> list[Json]:
    """The initial states of a training, and the rounds in which each was played."""
    return [
        {
            "environment": each["environment"],
            "state": each["state"],
            "rounds": sorted({episode["round"] for episode in each["episodes"]}),
        }
        for each in view.states()
    ]


def _side_by_side(
    view: TrainingView, start: tuple[str, str], names: Mapping[Path, str]
) -> list[Json]:
    """The episodes that began from an environment's state, of runs that were listed."""
    episodes = view.side_by_side(*start)
    for each in episodes:
        each["run"] = names.get(view.path / each["path"])
    return [each for each in episodes if each["run"] is not None]


def _trials(
    view: SweepView, runs: Mapping[Path, str], trainings: Mapping[Path, str]
) -> dict[str, Json]:
    """A sweep with the names under which the runs and trainings of its trials were listed."""
    told = view.overview()
    for trial in told["trials"]:
        path = SweepDirectory(view.path).trial(trial["number"])
        trial["run"], trial["training"] = runs.get(path), trainings.get(path)
    return {**told}


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
