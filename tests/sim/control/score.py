"""A run with orders of all kinds, given by somebody who goes on where the run was cut off.

Nothing happens in it but what is ordered, so that its digest follows from the orders.
"""

import asyncio

from simlab.errors import ControlError
from simlab.sim.control.order_file import OrderFile
from simlab.sim.run import Run
from simlab.trace.events import Effect, EffectCore
from tests.sim.control.conftest import acting

STUCK = {"engine": "scripted", "latency_s": 600.0}
QUICK = {"engine": "scripted", "latency_s": 0.001}
CAST = {"*": {"agent": "llm", "persona": "shy", "model": "small"}}
KEYS = {"models": {"small": STUCK}, "cast": CAST, "options": {"turns": 6}}
"""Of the run file."""


class Commander:
    """Gives the orders of the score, each once, as far as the run has not had them.

    Args:
        path: The run's directory.
        client: Connected to the run.
        episode: Which they are for.
    """

    def __init__(self, path, client, episode=0):
        self.path = path
        self.client = client
        self.episode = episode

    def effects(self):
        """What is recorded so far."""
        log = Run(self.path).log
        return [log.core(event, EffectCore) for event in log.events(self.episode, (Effect,))]

    def given(self, kind):
        """How many orders of a kind the run has kept: recorded, or holding."""
        recorded = [core.result for core in self.effects() if core.kind == "control"]
        holding = [order.as_dict() for order in OrderFile(self.path).of(self.episode)]
        return len({order["id"] for order in [*recorded, *holding] if order["kind"] == kind})

    async def play(self):
        """Give all that is left to give."""
        try:
            await self._play()
        except ControlError:
            if self.episode not in Run(self.path).log.ended():
                raise

    async def _play(self):
        client = self.client
        await self._say(0, "ann", "Zero.", first=self._edit)
        await self._lease_and_answer(1, "bob", "One.", first=self._swap)
        # ann of the quick model says something in step 2, and bob's person leaves in step 3
        await self._leave(3, "bob")
        await self._say(3, "bob", "Three.")
        await self._say(5, "bob", "Five.")

    def step(self):
        """How many steps were committed."""
        return Run(self.path).log.n_steps(self.episode)

    async def _say(self, step, seat, text, first=None):
        if self.step() > step:
            return
        await acting(self.client, seat, self.episode)
        if first is not None:
            await first()
        if self.step() <= step and self._n_said_at(step) == 0:
            await self.client.say(self.episode, seat, text)
        await self._committed(step)

    async def _edit(self):
        if self.given("edit") < 1:
            await self.client.edit("bob", {"persona": "bold"}, episode=self.episode)

    async def _swap(self):
        if self.given("edit") < 2:
            await self.client.swap("ann", QUICK, episode=self.episode)

    async def _lease_and_answer(self, step, seat, text, first):
        if self.step() > step:
            return
        await acting(self.client, seat, self.episode)
        await first()
        await self.client.lease(self.episode, seat, "me")
        question = await self.client.question()
        await self.client.answer(question["id"], text)
        await self._committed(step)

    async def _leave(self, step, seat):
        if self.step() > step or self._n_humans() > 1:
            return
        await acting(self.client, seat, self.episode)
        await self.client.lease(self.episode, seat, "me")
        await self.client.question()
        await self.client.leave(self.episode, seat)

    def _n_humans(self):
        return sum(core.kind == "human" for core in self.effects())

    def _n_said_at(self, step):
        orders = [core for core in self.effects() if core.kind == "control" and core.step == step]
        return sum(order.result["kind"] == "say" for order in orders)

    async def _committed(self, step):
        while self.step() <= step:
            await self.client.hello()
            await asyncio.sleep(0.001)
