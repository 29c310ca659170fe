"""Agents and actors for the tests of budgets."""

import asyncio

from simlab.actors import Actor
from simlab.models.model import ChatMessage


class Asker(Actor):
    """Pays what it is told, or says whether it may spend."""

    def __init__(self, purse):
        self.purse = purse

    async def receive(self, message):
        if message is None:
            return await self.purse.allows(priced=True)
        return await self.purse.pay(message)


class Thinker:
    """Asks its model one thing slowly, and two quickly one after the other meanwhile."""

    def __init__(self, model):
        self.model = model

    async def observe(self, observation):
        pass

    async def act(self, request):  # noqa: ARG002
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(self.ask("slowly"))
            group.create_task(self.ask("one", "two"))
        return slow.result()

    async def ask(self, *questions):
        for question in questions:
            completion = await self.model.generate([ChatMessage("user", question)])
        return completion.text


class Careless(Thinker):
    """Says something of its own where its model does not answer, whatever the reason."""

    async def act(self, request):  # noqa: ARG002
        try:
            return await self.ask("anything")
        except Exception:
            return "Never mind."
