"""Models of a training that Ray Serve serves: started once, for the runs of all its rounds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from simlab.actors.system import ray_cluster
from simlab.models.serving import RUNNING, Server
from simlab.sim.blocking import run_async
from simlab.sim.config import RunFile
from simlab.sim.service import ModelService


@contextmanager
def served(file: RunFile, *, hosts: int) -> Iterator[None]:
    """Within the block runs find their models served, and load no weights of their own.

    Where runs have no hosts and no model has replicas nothing is served: their models live in this
    process, which loads them once as well. What was served before, as by `simlab models up`, is
    left as it is.

    Args:
        file: One of the runs; the others differ in adapters alone.
        hosts: How many Ray hosts the runs have.

    Raises:
        ConfigError: There is no cluster where one is named, or a model cannot be served.
    """
    if not hosts and not any(spec.get("replicas") for spec in file.models.values()):
        yield
        return
    cluster = ray_cluster(None)
    run_async(cluster.open())
    try:
        with apps_of([file]):
            yield
    finally:
        run_async(cluster.close())


@contextmanager
def apps_of(files: Sequence[RunFile]) -> Iterator[None]:
    """Within the block the cluster that this process is connected to serves the models of files.

    Raises:
        ConfigError: A model cannot be served.
    """
    started: list[str] = []
    try:
        for file in files:
            run_async(_start(file, started))
        yield
    finally:
        run_async(_stop(started))


async def _start(file: RunFile, started: list[str]) -> None:
    """Start what is not up; `started` gets the names of the apps that had to be."""
    service = ModelService(_server())
    before = {each.app.name for each in await service.status(file) if each.app.state == RUNNING}
    now = {each.app.name for each in await service.up(file)}
    started += sorted(now - before)


async def _stop(apps: list[str]) -> None:
    server = _server()
    for app in apps:
        await server.stop(app)


def _server() -> Server:
    # Imported here because Ray takes seconds, which trainings without it should not pay.
    from simlab.models.serve import RayServe

    return RayServe()
