"""Agents that can be interviewed, and such as bear no questions."""

from tests.sim.worlds import Chatter


class Diarist(Chatter):
    """Tells all that it has perceived and done when it is interviewed."""

    def __init__(self, words="well"):
        super().__init__(words)
        self.life = []

    async def observe(self, observation):
        await super().observe(observation)
        self.life.append(str(observation))

    async def act(self, request):
        self.life.append(f"acts on {request.prompt}")
        return await super().act(request)

    async def query(self, question, earlier=()):
        before = [line for each in earlier for line in (each.question, each.answer)]
        return " | ".join([*(before or self.life), question])


class Touchy(Chatter):
    """Bears no questions."""

    async def query(self, question, earlier=()):  # noqa: ARG002
        raise ZeroDivisionError("no questions")
