"""Live runs in this process, and clients that command them."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from simlab.errors import ControlError
from simlab.sim.branching import branching_of
from simlab.sim.config import checked
from simlab.sim.control.async_client import AsyncControlClient
from simlab.sim.launch import prepare
from simlab.sim.run import Run
from simlab.sim.simulation import Observer, Simulation
from simlab.trace.directory import RunDirectory
from tests.sim.conftest import RELAY


class LiveRun:
    """A run that goes on in this event loop.

    Attributes:
        path: Its directory.
        playing: Its task.
    """

    def __init__(self, path, playing):
        self.path = path
        self.playing = playing

    async def client(self):
        """A new client."""
        return await AsyncControlClient.connect(self.path)

    async def finished(self):
        """The run, once it has ended."""
        await asyncio.wait_for(self.playing, 20)
        return Run(self.path)


@pytest.fixture
def live(tmp_path):
    """Starts a run, and gives it with a client; what is still live at the end is cancelled."""

    @asynccontextmanager
    async def start(out="run", *, hosts=0, notices=None, people=False, **keys):
        path = tmp_path / out
        if RunDirectory.is_one(path):
            directory = RunDirectory.open(path)
            file = Run(path).file
        else:
            launch = prepare(checked({**RELAY, **keys}), out=path, hosts=0, people=people)
            directory, file = launch.directory, launch.file
        on_notice = [].append if notices is None else notices.append
        observer = Observer(on_notice=on_notice)
        branching = branching_of(Run(path).record)
        options = {"hosts": hosts, "observer": observer, "people": people}
        simulation = Simulation(file, directory, branching=branching, **options)
        with directory.locked():
            playing = asyncio.create_task(simulation.run())
            try:
                async with await _connected(path, playing) as client:
                    yield LiveRun(path, playing), client
            finally:
                playing.cancel()
                await asyncio.wait([playing])

    return start


async def _connected(path, playing):
    """A client, once the run listens."""
    while not playing.done():
        try:
            return await AsyncControlClient.connect(path)
        except ControlError:
            await asyncio.sleep(0)
    return await playing


async def standing(client, episode=0, step=None):
    """Where an episode stands, once it stands still, at that step."""
    while True:
        told = (await client.hello())["episodes"]
        for status in told:
            if status["episode"] == episode and status["stands"] and step in (None, status["step"]):
                return status
        await asyncio.sleep(0)


async def acting(client, seat, episode=0):
    """Where an episode stands, once a seat is at its act."""
    while True:
        for status in (await client.hello())["episodes"]:
            if status["episode"] == episode and seat in status["acting"]:
                return status
        await asyncio.sleep(0)
