"""Initial states: those that are learnt from, those that are held out, and which a round plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simlab.env.dialogue import DialogueWorld
from simlab.env.schedule import counts_by_environment, scheduled
from simlab.errors import ConfigError
from simlab.seeding import derive
from simlab.train.train_file import CollectSpec

Reset = dict[str, Any]
"""Options of the reset of one episode: its environment and initial state."""


@dataclass(frozen=True, slots=True)
class States:
    """The initial states of a world, by environment.

    Attributes:
        populations: The kind of characters of each environment.
        training: Names of the states that are learnt from.
        held_out: Names of those on which versions are compared; nobody learns from them.
    """

    populations: Mapping[str, str]
    training: Mapping[str, Sequence[str]]
    held_out: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, world: object, n_held_out: int) -> "States":
        """The states of a dialogue world, of which the last of each environment are held out.

        Args:
            world: Has ``environments``, as `DialogueWorld` does.
            n_held_out: Of each environment.

        Raises:
            ConfigError: It is another world, or an environment has too few states.
        """
        if not isinstance(world, DialogueWorld):
            raise ConfigError(
                f"run.world must be a dialogue world, whose initial states are known, got "
                f"{type(world).__name__}; take simlab.env.dialogue:DialogueWorld"
            )
        names = {name: [*each.initial_states] for name, each in world.environments.items()}
        for name, states in names.items():
            if len(states) <= n_held_out:
                raise ConfigError(
                    f"evaluate.states must be under {len(states)}, which is how many initial "
                    f"states environment {name!r} has, got {n_held_out}; hold out fewer"
                )
        return cls(
            {name: each.population for name, each in world.environments.items()},
            {name: states[:-n_held_out] for name, states in names.items()},
            {name: states[-n_held_out:] for name, states in names.items()},
        )

    def check(self, spec: CollectSpec) -> None:
        """See that a round can be made of these.

        Raises:
            ConfigError: A fraction is of a population that is not there.
        """
        try:
            self._counts(spec)
        except ValueError as error:
            raise ConfigError(f"collect.fractions: {error}") from error

    def collected(self, spec: CollectSpec, round_number: int, seed: int) -> list[Reset]:
        """The episodes of a round.

        Args:
            spec: Which, and how many.
            round_number: From 1.
            seed: Of random schedules.
        """
        starts = [
            (environment, self.training[environment][start.state])
            for environment, n in self._counts(spec).items()
            for start in scheduled(
                round_number - 1,
                n,
                len(self.training[environment]),
                scheme=spec.schedule,
                seed=derive(seed, "schedule", environment),
            )
        ]
        return _resets(starts, spec.rollouts)

    def evaluated(self, rollouts: int) -> list[Reset]:
        """The episodes on which versions are compared, the same for each."""
        starts = [(name, state) for name, states in self.held_out.items() for state in states]
        return _resets(starts, rollouts)

    def _counts(self, spec: CollectSpec) -> dict[str, int]:
        if not spec.fractions:
            return dict.fromkeys(self.populations, spec.states)
        return counts_by_environment(self.populations, spec.states, spec.fractions)


def _resets(starts: Sequence[tuple[str, str]], rollouts: int) -> list[Reset]:
    return [
        {"environment": environment, "state": state}
        for environment, state in starts
        for _ in range(rollouts)
    ]
