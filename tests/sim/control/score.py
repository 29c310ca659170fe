"""A run with orders of all kinds, given by somebody who goes on where the run was cut off.

Nothing happens in it but what is ordered, so that its digest follows from the orders.
"""

import asyncio

from simlab.errors import ControlError
from simlab.sim.control.order_file import OrderFile
from simlab.sim.run import Run
from simlab.trace.events import Effect, EffectCore

STUCK = {"engine": "scripted", "latency_s": 600.0}
QUICK = {"engine": "scripted", "latency_s": 0.001}
SHY = {"agent": "llm", "persona": "shy", "model": "small"}
KEYS = {
    "world": "tests.sim.worlds:NarratedRelay",
    "models": {"small": STUCK},
    "cast": {"ann": SHY, "bob": SHY},
    "options": {"turns": 6},
}
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

    async def play(self):
        """Give all that is left to give, until the episode has ended."""
        parts = {0: self._zero, 1: self._one, 3: self._three, 5: self._five}
        try:
            while self.episode not in Run(self.path).log.ended():
                status = await self._status()
                if status is not None and status["acting"]:
                    await parts.get(status["step"], self._wait)(status["acting"])
                await asyncio.sleep(0)
        except ControlError:
            if self.episode not in Run(self.path).log.ended():
                raise

    async def _status(self):
        told = (await self.client.hello())["episodes"]
        return next((status for status in told if status["episode"] == self.episode), None)

    async def _wait(self, _acting):
        """The seat acts by itself."""

    async def _zero(self, _acting):
        if self._n_given("edit") < 1:
            await self.client.edit("bob", {"persona": "bold"}, episode=self.episode)
        if self._n_given("say") < 1:
            await self.client.narrate(self.episode, "It rains.")  # in step 2
        await self._say_once(0, "ann", "Zero.")

    async def _one(self, _acting):
        if self._n_given("edit") < 2:
            await self.client.swap("ann", QUICK, episode=self.episode)
        if not self._made("human", 1):
            await self.client.lease(self.episode, "bob", "me")
            question = await self.client.question()
            await self.client.answer(question["id"], "One.")

    async def _three(self, _acting):
        if not self._made("human", 3):
            await self.client.lease(self.episode, "bob", "me")
            await self.client.question()
            await self.client.leave(self.episode, "bob")
        await self._say_once(3, "bob", "Three.")

    async def _five(self, _acting):
        await self._say_once(5, "bob", "Five.")

    async def _say_once(self, step, seat, text):
        if all(core.result["kind"] != "say" for core in self._made("control", step)):
            await self.client.say(self.episode, seat, text)

    def _made(self, kind, step):
        """What is recorded of a kind in a step."""
        log = Run(self.path).log
        effects = [log.core(event, EffectCore) for event in log.events(self.episode, (Effect,))]
        return [core for core in effects if core.kind == kind and core.step == step]

    def _n_given(self, kind):
        """How many orders of a kind are kept, to be carried out at some time if not yet."""
        holding = OrderFile(self.path).of(self.episode)
        return sum(order.kind == kind for order in holding)
