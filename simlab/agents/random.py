"""An agent that does anything legal, at random."""

from typing import Any

import numpy as np

from simlab.env.environment import ActionRequest, Seat
from simlab.env.spaces import sample
from simlab.seeding import derive


class RandomAgent:
    """Answers each request with an action drawn at random; the same seed draws the same ones.

    Actions come from the request's legal ones, each with the same probability, or else from its
    space (see `simlab.env.spaces.sample`). A request may be put to it again after a refusal; it
    then draws anew.

    Args:
        seed: Of its generator, with `seat`.
        seat: Where it sits; agents in different seats draw differently from one seed.
    """

    def __init__(self, *, seed: int = 0, seat: Seat = "") -> None:
        self._rng = np.random.Generator(np.random.PCG64(derive(seed, seat)))

    async def observe(self, observation: Any) -> None:
        """Take no notice."""

    async def act(self, request: ActionRequest) -> Any:
        """Draw an action; see `Agent.act`.

        Raises:
            ValueError: The space has rules that a hundred draws did not meet.
        """
        return sample(request.space, self._rng, request.legal)
