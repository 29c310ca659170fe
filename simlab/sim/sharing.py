"""Sharing: the records of a run that a branch of it begins with, copied byte for byte."""

from collections.abc import Iterable, Sequence

import msgspec

from simlab.sim.past import EARLIER
from simlab.sim.run import Run
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Event, Started, Stepped, SteppedCore, encode
from simlab.trace.log import Log
from simlab.trace.writer import SegmentWriter


def share_beginning(
    log: Log, episode: int, step: int, *, directory: RunDirectory, samples: int
) -> None:
    """Copy what an episode has below a step, as the beginning of each episode of a branch.

    Args:
        log: Of the parent.
        episode: Its number there.
        step: The first that is not shared.
        directory: Of the branch.
        samples: How many episodes the branch has.
    """
    beginning = _below(log, episode, step)
    _copy(log, ((event, range(samples)) for event in beginning), directory)


def share_past(parent: Run, n_episodes: int, directory: RunDirectory) -> None:
    """Copy the episodes that persistent agents remember, as a run of its own inside the branch.

    Args:
        parent: Begins with these episodes, or is a branch that has them inside.
        n_episodes: How many.
        directory: Of the branch.
    """
    inside = parent.path / EARLIER
    source = Run(inside) if RunDirectory.is_one(inside) else parent
    record = source.directory.read_run()
    record["run"]["episodes"] = n_episodes
    earlier = RunDirectory.create(directory.path / EARLIER, record)
    log, numbers = source.log, range(n_episodes)
    _copy(log, ((event, (n,)) for n in numbers for event in log.events(n)), earlier)


def _copy(log: Log, events: Iterable[tuple[Event, Sequence[int]]], directory: RunDirectory) -> None:
    """Write events, each into some episodes, with the contents that they refer to."""
    segment = directory.new_segment("shared")
    writer = SegmentWriter(segment.path, seal=segment.seal)
    for event, episodes in events:
        payload = encode(event)
        _copy_contents(log, payload, writer)
        for episode in episodes:
            writer.append(event.KIND, episode, payload)
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


def _copy_contents(log: Log, payload: bytes, writer: SegmentWriter) -> None:
    def copy(code: int, data: memoryview) -> None:
        writer.intern(log.content_of(code, data))

    msgspec.msgpack.decode(payload, ext_hook=copy)
