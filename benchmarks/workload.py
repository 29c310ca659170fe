"""What SimLab and its peers are given alike, so that their figures can stand side by side."""

import random
from dataclasses import dataclass

REPLY = 'I stay where I am.", "price": null, "accept": false}'
"""What the model says each time: it holds, so that a negotiation lasts for all its rounds."""

WINDOW = 20
"""How many chat messages a peer's agent shows its model; SimLab's default memory is about that."""

LIVE = 64
"""How many episodes are played at once where many are."""

LIMIT_S = 30.0
"""A peer that takes longer for one kind of episode is cut short, and says after how many steps."""

N_MESSAGES = 100_000
"""How many messages are sent in one go, where they are cheap."""

BODY_BYTES = 1_000
"""Size of the larger messages; each is of other bytes, since pickle stores equal objects once."""


@dataclass(frozen=True, slots=True)
class Load:
    """Episodes that are played for one figure.

    Attributes:
        steps: Steps of each episode, one agent acting in each.
        episodes: How many.
        live: How many of them at once.
    """

    steps: int
    episodes: int
    live: int

    @property
    def name(self) -> str:
        """As it is called among the figures."""
        return f"{'alone' if self.live == 1 else f'{self.live}_live'}_{self.steps}_steps"

    @property
    def n_actions(self) -> int:
        """Actions in all episodes together."""
        return self.steps * self.episodes


LOADS = (Load(50, 40, 1), Load(1_000, 2, 1), Load(50, LIVE, LIVE), Load(1_000, LIVE, LIVE))
"""Short and long episodes, one at a time and many at once."""


def bodies(n_messages: int, body_bytes: int) -> list[int | bytes]:
    """What messages carry, each something of its own; numbers where they carry no bytes."""
    draw = random.Random(0)
    make = draw.randbytes if body_bytes else draw.getrandbits
    return [make(body_bytes or 32) for _ in range(n_messages)]
