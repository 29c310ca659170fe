"""Branching: a new run that shares the beginning of another, and then goes its own way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simlab.env.environment import Environment
from simlab.errors import ConfigError, RunDirectoryError
from simlab.find import near
from simlab.sim.cast_specs import CastSpecs
from simlab.sim.config import RunFile, checked
from simlab.sim.control.order import Order
from simlab.sim.control.order_file import OrderFile
from simlab.sim.control.told import recorded_edits
from simlab.sim.overrides import overridden
from simlab.sim.provenance import provenance
from simlab.sim.run import Run
from simlab.sim.sharing import share_beginning, share_past
from simlab.sim.staging import Branching, Fork
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Started, StartedCore
from simlab.trace.log import Log
from simlab.trace.trajectory import read_fold
from simlab.yaml_file import with_settings

_CHANGEABLE = ("cast", "judges", "models", "budget")
"""What a branch may set: below its step the world must stay as it was."""


@dataclass(frozen=True, slots=True)
class BranchPlan:
    """A branch that is checked and not yet made.

    Attributes:
        file: What it runs.
        record: What its `run.yaml` says of its parent.
    """

    file: RunFile
    record: dict[str, Any]

    def make(self, parent: Run, path: Path, world: Environment) -> RunDirectory:
        """Make the branch's directory, with the records that it shares with its parent.

        Args:
            parent: The run that it leaves.
            path: Of the directory.
            world: Whose seats are edited.

        Raises:
            RunDirectoryError: Something is there already, or the place does not take it.
        """
        record = {**provenance(self.file), "branch": self.record}
        record["files"] = {**parent.record["files"], **record["files"]}
        episode, step = self.record["episode"], self.record["forks"][-1]["step"]
        with RunDirectory.making(path, record) as directory:
            share_beginning(
                parent.log, episode, step, directory=directory, samples=self.file.episodes
            )
            edits = self._held_edits(directory, world)
            OrderFile(parent.path).begin_branch(directory.path, edits)
            if self.record["n_earlier"]:
                share_past(parent, self.record["n_earlier"], directory)
        return directory

    def _held_edits(self, directory: RunDirectory, world: Environment) -> Iterator[Order]:
        """The edits in the beginning that is shared, with what of them the branch leaves to hold.

        Args:
            directory: Of the branch, in which nothing else is recorded yet.
            world: Whose seats are edited.
        """
        branching = branching_of({"branch": self.record})
        assert branching is not None, "it is a branch"
        forks = branching.forks
        specs = CastSpecs(forks, [*(fork.before for fork in forks), self.file], world)
        for at, edit in recorded_edits(Log(directory), episode=0):
            options = edit.args["options"]
            options = specs.held(edit.seat, options, since=at, step=forks[-1].step)
            models = edit.args["models"] if "model" in options else {}
            yield replace(edit, args={"options": options, "models": models})


def plan_branch(
    parent: Run,
    *,
    episode: int,
    step: int,
    say: Mapping[str, str] | None = None,
    settings: Sequence[str] = (),
    seed: int | None = None,
    samples: int = 1,
) -> BranchPlan:
    """Check a branch of a run, or of a branch.

    Args:
        parent: Is not changed, now or later.
        episode: Which of the parent's episodes.
        step: The first step that may be different; the records below it are shared.
        say: What seats do at the step instead, by seat: JSON that fits the space, or words.
        settings: Keys of the run file to set, below ``cast``, ``judges`` or ``models``.
        seed: Root of the seeds of new draws, for fresh continuations.
        samples: How many episodes the branch has.

    Raises:
        ConfigError: No such episode or step, a seat that is not asked, or a setting of the past.
    """
    if samples > 1 and seed is None:
        raise ConfigError(f"{samples} samples without a seed would all be the same; give --seed")
    _check_step(parent, episode, step, say or {})
    _check_settings(settings)
    above = branching_of(parent.record)
    alone = checked(parent.file.alone(episode))
    file = _changed(alone, settings, samples)
    kept, left = _forks_above(above, episode, step)
    before = left[0].before if left else alone
    given = _merged([*(fork.set for fork in left), _set_in_cast(settings)])
    last = Fork(step, before, dict(say or {}), set=given)
    episode_seed = _seed_of(parent.log, episode)
    record = {
        "parent": str(parent.path),
        "episode": episode,
        "episode_seed": episode_seed,
        "parent_sampling_seed": above.sampling_seed_of(episode) if above else episode_seed,
        "n_earlier": _count_earlier(parent, above, episode),
        "sampling_seed": seed,
        "forks": [_fork_record(fork) for fork in [*kept, last]],
    }
    return BranchPlan(file, record)


def branching_of(record: Mapping[str, Any]) -> Branching | None:
    """Where a run leaves another, from its `run.yaml`; None if it is no branch.

    Raises:
        RunDirectoryError: It lacks something, as one that an earlier SimLab has made.
    """
    branched = record.get("branch")
    if branched is None:
        return None
    try:
        forks = tuple(
            Fork(
                fork["step"],
                checked(fork["before"]),
                fork["say"],
                fork["sampling_seed"],
                fork.get("set", {}),
            )
            for fork in branched["forks"]
        )
        return Branching(
            branched["episode_seed"],
            branched["parent_sampling_seed"],
            forks,
            branched["sampling_seed"],
            branched["n_earlier"],
        )
    except KeyError as error:
        raise RunDirectoryError(
            f"run.yaml of a branch of {branched.get('parent')!r} must have {error} under 'branch', "
            "got none; branch that run anew"
        ) from error


def _changed(file: RunFile, settings: Sequence[str], samples: int) -> RunFile:
    name = file.name if file.name.endswith("-branch") else f"{file.name}-branch"
    data = overridden(file.model_dump(mode="json", exclude_unset=True), settings=settings)
    return checked({**data, "name": name, "episodes": samples})


def _forks_above(
    above: Branching | None, episode: int, step: int
) -> tuple[Sequence[Fork], Sequence[Fork]]:
    """The parent's forks below a step, as they were for one of its episodes, and the others."""
    if above is None:
        return (), ()
    seed = above.sampling_seed_of(episode)
    forks = [
        fork if fork.sampling_seed is not None else replace(fork, sampling_seed=seed)
        for fork in above.forks
    ]
    n_kept = sum(fork.step < step for fork in forks)
    return forks[:n_kept], forks[n_kept:]


def _fork_record(fork: Fork) -> dict[str, Any]:
    before = fork.before.model_dump(mode="json", exclude_unset=True)
    return {
        "step": fork.step,
        "say": dict(fork.say),
        "before": before,
        "sampling_seed": fork.sampling_seed,
        "set": {name: list(keys) for name, keys in fork.set.items()},
    }


def _set_in_cast(settings: Sequence[str]) -> dict[str, list[str]]:
    """The keys that settings give to seats, by their names and patterns in the cast."""
    cast = with_settings({}, settings).get("cast", {})
    return {name: list(entry) for name, entry in cast.items()}


def _merged(given: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, list[str]]:
    """The keys that are set in any of some forks, by name or pattern of seats."""
    names = {name for each in given for name in each}
    return {
        name: sorted({key for each in given for key in each.get(name, ())})
        for name in sorted(names)
    }


def _check_step(parent: Run, episode: int, step: int, say: Mapping[str, str]) -> None:
    if episode not in parent.log.episodes:
        known = parent.log.episodes
        raise ConfigError(f"{parent.path} has no episode {episode}; it has {_range(known)}")
    fold = read_fold(parent.log, episode)
    if not 0 <= step <= fold.n_steps:
        raise ConfigError(
            f"episode {episode} has {fold.n_steps} steps; --step must be in 0..{fold.n_steps}, "
            f"got {step}"
        )
    asked = fold.asked(step)
    for seat in say:
        if seat not in asked:
            raise ConfigError(
                f"seat {seat!r} is not asked at step {step}; {near(seat, sorted(asked))}"
            )


def _check_settings(settings: Sequence[str]) -> None:
    for setting in settings:
        if setting.partition(".")[0] not in _CHANGEABLE:
            raise ConfigError(
                f"--set {setting}: a branch can change {', '.join(_CHANGEABLE)}; the rest holds "
                "from the beginning, which is shared"
            )


def _range(numbers: Sequence[int]) -> str:
    return "none" if not numbers else f"{numbers[0]}..{numbers[-1]}"


def _count_earlier(parent: Run, above: Branching | None, episode: int) -> int:
    """How many episodes the agents of one remember; those of a branch what its parent's do."""
    if above is not None:
        return above.n_earlier
    return episode if parent.file.persistent else 0


def _seed_of(log: Log, episode: int) -> int:
    started = next(log.events(episode, (Started,)))
    seed: int = log.core(started, StartedCore).seed
    return seed
