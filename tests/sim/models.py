"""Small models for the tests of simulations; run files name them as ``tests.sim.models:Flaky``."""

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


_moods = itertools.count()
