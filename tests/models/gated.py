"""A model whose answers wait in all processes until a test lets them go; needs Ray."""

import asyncio
import os
from dataclasses import dataclass

from simlab.models.model import Sampling
from simlab.models.scripted import ScriptedModel

_NAME = {"name": "gate", "namespace": "simlab-tests"}


@dataclass(frozen=True, slots=True)
class Gated(ScriptedModel):
    """A scripted model that answers nobody while the gate is closed."""

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        import ray

        await ray.get_actor(**_NAME).wait.remote(os.getpid())
        return await ScriptedModel.generate(self, prompt, sampling, session=session)


class Gate:
    """The gate, as a test has it, in a process of its own until `end`."""

    def __init__(self, *, is_open):
        import ray

        class Keeper:  # here, so that it travels by value
            def __init__(self, *, is_open):
                self.opened = asyncio.Event()
                self.waiting = asyncio.Queue()
                if is_open:
                    self.opened.set()

            async def wait(self, pid):
                if not self.opened.is_set():
                    self.waiting.put_nowait(pid)
                await self.opened.wait()

            async def next_waiting(self):
                return await self.waiting.get()

            async def open(self):
                self.opened.set()

            async def close(self):
                self.opened.clear()

        self._keeper = ray.remote(num_cpus=0, **_NAME)(Keeper).remote(is_open=is_open)

    def open(self):
        """Let all answers go."""
        self._ask("open")

    def close(self):
        """Hold all answers that are not on their way."""
        self._ask("close")

    def next_waiting(self):
        """A process with an answer that waits; waits itself until there is one."""
        return self._ask("next_waiting")

    def end(self):
        """End the process that it stands in."""
        import ray

        ray.kill(self._keeper)

    def _ask(self, method):
        import ray

        return ray.get(getattr(self._keeper, method).remote())
