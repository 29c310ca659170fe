"""Small models for the tests of simulations; run files name them as ``tests.sim.models:Flaky``."""

import asyncio
import itertools
import os
from dataclasses import dataclass, replace

from simlab.errors import ModelError
from simlab.models.model import Sampling
from simlab.models.scripted import ScriptedModel


@dataclass(frozen=True, slots=True)
class Flaky(ScriptedModel):
    """A scripted model that fails while a file is there."""

    broken: str = ""

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        if os.path.exists(self.broken):  # noqa: ASYNC240 - an instant
            raise ModelError("the server is down")
        return await ScriptedModel.generate(self, prompt, sampling, session=session)


@dataclass(frozen=True, slots=True)
class Moody(ScriptedModel):
    """A scripted model whose answers never repeat, as those of an engine that holds no seed."""

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        completion = await ScriptedModel.generate(self, prompt, sampling, session=session)
        return replace(completion, text=f"Mood {next(_moods)}.", exact=False)


@dataclass(frozen=True, slots=True)
class Dear(ScriptedModel):
    """A scripted model that costs a quarter of a dollar a call."""

    dollars_per_million_in: float = 1.0
    dollars_per_million_out: float = 0.0

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        completion = await ScriptedModel.generate(self, prompt, sampling, session=session)
        return replace(completion, usage=replace(completion.usage, dollars=0.25))


@dataclass(frozen=True, slots=True)
class Slow(ScriptedModel):
    """A scripted model that takes its time where it is asked slowly."""

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        if "slowly" in prompt[-1].text:
            await asyncio.sleep(0.005)
        return await ScriptedModel.generate(self, prompt, sampling, session=session)


class Straggler:
    """The session that is the first to call: its calls wait until they are released."""

    def __init__(self):
        self._session = None

    async def hold(self, session):
        """Wait, if it is that session's call."""
        if self._session is None:
            self._session, self._released = session, asyncio.Event()
        if session == self._session:
            await self._released.wait()

    def release(self):
        """Let it go on."""
        self._released.set()


@dataclass(frozen=True, slots=True)
class Straggling(ScriptedModel):
    """A scripted model that holds the calls of one session back."""

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        await straggler.hold(session)
        return await ScriptedModel.generate(self, prompt, sampling, session=session)


straggler = Straggler()
_moods = itertools.count()
