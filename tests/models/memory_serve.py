"""Serving without Ray: desks in this process, behind lanes that can be cut."""

import asyncio
import pickle

from simlab.errors import ReplicaDiedError
from simlab.models.desk import Desk
from simlab.models.engines import build
from simlab.models.held import Held
from simlab.models.serving import RUNNING, App, ReplicaStatistics


class MemoryLane:
    """The way to a desk in this process, which can be cut."""

    def __init__(self, model):
        self.desk = Desk(model, self.die)
        self.parcels = []
        self.dead = asyncio.Event()
        self.said = None

    def die(self):
        self.dead.set()

    async def answer(self, parcel):
        self.parcels.append(pickle.loads(parcel))
        if self.dead.is_set():
            raise ReplicaDiedError("it is dead")
        parts = self.desk.answer(parcel)
        died = asyncio.create_task(self.dead.wait())
        try:
            while True:
                part = asyncio.create_task(anext(parts, None))
                await asyncio.wait([part, died], return_when=asyncio.FIRST_COMPLETED)
                if died.done():
                    part.cancel()
                    raise ReplicaDiedError("it was killed")
                if part.result() is None:
                    return
                yield part.result()
        finally:
            died.cancel()

    async def drop(self, parcel):
        self.desk.drop(parcel)

    async def trouble(self):
        return self.said


class MemoryServe:
    """Apps of desks in this process; counts what was started and stopped."""

    def __init__(self):
        self.lanes = {}
        self.names = {}
        self.states = {}
        self.started = []
        self.stopped = []

    async def start(self, app, name, spec):
        model = build(name, spec)
        if isinstance(model, Held):
            model.open()
        self.lanes[app] = [MemoryLane(model) for _ in range(spec.replicas or 1)]
        self.names[app] = name
        self.states[app] = RUNNING
        self.started.append(app)
        return len(self.lanes[app])

    async def stop(self, app):
        self.states.pop(app, None)
        self.lanes.pop(app, None)
        self.stopped.append(app)

    async def apps(self):
        return [App(name, state, len(self.lanes[name])) for name, state in self.states.items()]

    async def statistics(self, app):
        return [
            None
            if lane.dead.is_set()
            else ReplicaStatistics(0, lane.desk.n_running, model=self.names[app.name])
            for lane in self.lanes[app.name]
        ]

    def lanes_to(self, app, n_replicas):
        return self.lanes[app][:n_replicas]
