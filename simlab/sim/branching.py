"""Branching: a new run that shares the beginning of another, and then goes its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from simlab.errors import ConfigError
from simlab.sim.config import RunFile, checked, near
from simlab.sim.provenance import provenance
from simlab.sim.run import Run
from simlab.sim.staging import Branching, Fork
from simlab.sim.yaml_file import with_settings
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Event, Started, StartedCore, Stepped, SteppedCore, encode
from simlab.trace.log import Log
from simlab.trace.trajectory import read_fold
from simlab.trace.writer import SegmentWriter

_CHANGEABLE = ("cast", "judges", "models")
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

    def make(self, parent: Run, path: Path) -> RunDirectory:
        """Make the branch's directory, with the records that it shares with its parent.

        Raises:
            RunDirectoryError: Something is there already.
        """
        directory = RunDirectory.create(path, {**provenance(self.file), "branch": self.record})
        step = self.record["forks"][-1]["step"]
        _share(parent.log, self.record["episode"], step, directory, self.file.episodes)
        return directory


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
        ConfigError: There is no such episode or step, a seat is not asked at the step, or a
            setting would change what lies below it.
    """
    if samples > 1 and seed is None:
        raise ConfigError(f"{samples} samples without a seed would all be the same; give --seed")
    _check_step(parent, episode, step, say or {})
    _check_settings(settings)
    above = branching_of(parent.directory.read_run())
    forks = [] if above is None else [fork for fork in above.forks if fork.step < step]
    dropped = [] if above is None else [fork for fork in above.forks if fork.step >= step]
    before = dropped[0].before if dropped else parent.file
    forks.append(Fork(step, before, dict(say or {})))
    episode_seed = _seed_of(parent.log, episode)
    record = {
        "parent": str(parent.path),
        "episode": episode,
        "episode_seed": episode_seed,
        "parent_sampling_seed": above.sampling_seed_of(episode) if above else episode_seed,
        "sampling_seed": seed,
        "forks": [_fork_record(fork) for fork in forks],
    }
    return BranchPlan(_changed(parent.file, settings, samples), record)


def branching_of(record: Mapping[str, Any]) -> Branching | None:
    """Where a run leaves another, from its `run.yaml`; None if it is no branch."""
    branched = record.get("branch")
    if branched is None:
        return None
    forks = tuple(
        Fork(fork["step"], checked(fork["before"]), fork["say"]) for fork in branched["forks"]
    )
    return Branching(
        branched["episode_seed"], branched["parent_sampling_seed"], forks, branched["sampling_seed"]
    )


def _changed(file: RunFile, settings: Sequence[str], samples: int) -> RunFile:
    name = file.name if file.name.endswith("-branch") else f"{file.name}-branch"
    data = with_settings(file.model_dump(mode="json", exclude_unset=True), settings)
    return checked({**data, "name": name, "episodes": samples})


def _fork_record(fork: Fork) -> dict[str, Any]:
    before = fork.before.model_dump(mode="json", exclude_unset=True)
    return {"step": fork.step, "say": dict(fork.say), "before": before}


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


def _seed_of(log: Log, episode: int) -> int:
    started = next(log.events(episode, (Started,)))
    seed: int = log.core(started, StartedCore).seed
    return seed


def _share(log: Log, episode: int, step: int, directory: RunDirectory, samples: int) -> None:
    """Copy the records below a step, byte for byte, with the contents that they refer to."""
    segment = directory.new_segment("shared")
    writer = SegmentWriter(segment.path, seal=segment.seal)
    for event in _below(log, episode, step):
        payload = encode(event)
        _share_contents(log, payload, writer)
        for sample in range(samples):
            writer.append(event.KIND, sample, payload)
    writer.close()
    directory.seal(segment)


def _below(log: Log, episode: int, step: int) -> list[Event]:
    """The records of an episode up to the commit of the last step below one."""
    shared: list[Event] = []
    n_committed = 0
    for event in log.events(episode):
        shared.append(event)
        if isinstance(event, Stepped) and log.core(event, SteppedCore).step >= step:
            break
        if isinstance(event, Started | Stepped):
            n_committed = len(shared)
    return shared[:n_committed]


def _share_contents(log: Log, payload: bytes, writer: SegmentWriter) -> None:
    def share(code: int, data: memoryview) -> None:
        writer.intern(log.content_of(code, data))

    msgspec.msgpack.decode(payload, ext_hook=share)
