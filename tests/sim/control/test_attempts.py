"""Where live episodes are, and how they are told something while others end."""

import asyncio

import pytest

from simlab.errors import ControlError, HostDiedError
from simlab.sim.control.attempts import Attempts


class Stage:
    """A stage whose answer to all that it is asked is an error, or nothing.

    Attributes:
        told: What it was asked.
        heard: Set once it was asked.
    """

    def __init__(self, error=None):
        self.error = error
        self.told = []
        self.heard = asyncio.Event()

    async def ask(self, message):
        self.told.append(message)
        self.heard.set()
        if self.error is not None:
            raise self.error


class SilentStage(Stage):
    """A stage that never answers."""

    async def ask(self, message):
        await super().ask(message)
        await asyncio.Event().wait()


def attempts_on(*stages):
    attempts = Attempts(len(stages))
    for episode, stage in enumerate(stages):
        attempts.begin(episode, stage)
    return attempts


async def test_all_are_told_though_one_has_just_ended_and_the_host_of_another_has_died():
    stages = [Stage(ControlError("ended")), Stage(HostDiedError("died")), Stage()]

    await attempts_on(*stages).tell_all(lambda episode: f"to {episode}")

    assert [stage.told for stage in stages] == [["to 0"], ["to 1"], ["to 2"]]


@pytest.mark.parametrize("place", [0, 1])
async def test_all_are_told_though_one_never_answers(place):
    stages = [Stage(), Stage()]
    stages[place] = SilentStage()

    telling = asyncio.create_task(attempts_on(*stages).tell_all(lambda episode: f"to {episode}"))
    async with asyncio.timeout(1):
        for stage in stages:
            await stage.heard.wait()
    telling.cancel()

    assert [stage.told for stage in stages] == [["to 0"], ["to 1"]]


async def test_whoever_tells_one_that_has_just_ended_hears_so():
    with pytest.raises(ControlError, match="ended"):
        await attempts_on(Stage(ControlError("ended"))).tell(0, "to 0")
