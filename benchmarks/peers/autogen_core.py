# mypy: disable-error-code="import-not-found, misc, untyped-decorator"
"""AutoGen Core: an action is a message to an agent and its answer, with no model and no log."""

import asyncio
import time
from dataclasses import dataclass

from autogen_core import (
    AgentId,
    MessageContext,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    message_handler,
)

from benchmarks.peers.episodes import print_figures
from benchmarks.workload import REPLY, Load


@dataclass
class Turn:
    """What one side says to the other."""

    text: str


class Player(RoutedAgent):
    """Answers each turn with the same words."""

    def __init__(self) -> None:
        super().__init__("plays a side")

    @message_handler
    async def on_turn(self, message: Turn, ctx: MessageContext) -> Turn:  # noqa: ARG002 - its way
        """Take a turn."""
        return Turn(REPLY)


def play(load: Load, deadline: float) -> int:
    """Play a load; see `benchmarks.peers.episodes`."""
    return asyncio.run(_play(load, deadline))


async def _play(load: Load, deadline: float) -> int:
    runtime = SingleThreadedAgentRuntime()
    await Player.register(runtime, "player", Player)
    runtime.start()
    room = asyncio.Semaphore(load.live)

    async def play_one(episode: int) -> int:
        seats = [AgentId("player", f"{seat}-{episode}") for seat in ("buyer", "seller")]
        said = Turn("What do you offer?")
        async with room:
            for step in range(load.steps):
                said = await runtime.send_message(said, seats[step % 2])
                if time.monotonic() > deadline:
                    return step + 1
        return load.steps

    n_actions = sum(await asyncio.gather(*map(play_one, range(load.episodes))))
    await runtime.stop()
    return n_actions


if __name__ == "__main__":
    print_figures("autogen-core", play, log="none")
