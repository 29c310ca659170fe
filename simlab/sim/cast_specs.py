"""Cast specs: what a run says of its seats, and what those said that it branches from."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from simlab.env.environment import Environment, Seat
from simlab.sim.casting import seat_specs
from simlab.sim.config import AgentSpec, RunFile
from simlab.sim.staging import Fork


class CastSpecs:
    """Who takes the seats of an episode, by its run file and by those before each fork.

    Args:
        forks: Where the run leaves others, by step.
        runs: What holds from the beginning, and from each fork on.
        world: Whose seats these are.

    Attributes:
        configured: By seat, from the beginning and from each fork on.

    Raises:
        ConfigError: A cast names a seat that is not there, or leaves one empty.
    """

    def __init__(self, forks: Sequence[Fork], runs: Sequence[RunFile], world: Environment) -> None:
        self.configured: list[dict[Seat, AgentSpec]] = [seat_specs(run, world) for run in runs]
        self._forks = forks
        self._seats = world.seats.keys()

    def nth(self, step: int) -> int:
        """Which configuration holds at a step."""
        return sum(fork.step <= step for fork in self._forks)

    def set_at(self, fork: Fork, seat: Seat) -> set[str]:
        """What a branch sets of a seat, be it anew or to what it was in the run file before."""
        return {
            key
            for name, keys in fork.set.items()
            if name == seat or (name not in self._seats and fnmatchcase(seat, name))
            for key in keys
        }

    def held(
        self, seat: Seat, options: Mapping[str, Any], *, since: int, step: int
    ) -> dict[str, Any]:
        """What still holds at a step of options to which a seat was edited.

        Args:
            seat: Which.
            options: To which it was edited; where a branch names its agent since, none of them
                hold.
            since: The step in which it was.
            step: A later one.
        """
        said = self._said(seat, since, step)
        return {} if "agent" in said else {k: v for k, v in options.items() if k not in said}

    def _said(self, seat: Seat, since: int, step: int) -> set[str]:
        """What branches say of a seat at forks above a step, up to another one."""
        own = [specs.get(seat) for specs in self.configured]
        said = [{} if spec is None else spec.model_dump(exclude_unset=True) for spec in own]
        keys: set[str] = set()
        for fork, (before, after) in zip(self._forks, pairwise(said), strict=True):
            if since < fork.step <= step:
                both = before.keys() | after.keys()
                keys |= {key for key in both if before.get(key) != after.get(key)}
                keys |= self.set_at(fork, seat)
        return keys
