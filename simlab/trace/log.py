"""The log of a run, for reading: its events by episode, and the contents that they refer to."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from simlab.trace.contents import Content, put_back
from simlab.trace.directory import RunDirectory, SegmentFile
from simlab.trace.events import (
    BLOB,
    KINDS,
    Cancelled,
    Effect,
    Ended,
    Event,
    Failed,
    Started,
    Stepped,
    encode,
)
from simlab.trace.history import History
from simlab.trace.index import Index
from simlab.trace.plain import Plain
from simlab.trace.segment import RUN, Segment
from simlab.trace.stored import StoredContents

_DECODERS = {kind: msgspec.msgpack.Decoder(event) for kind, event in KINDS.items()}
_MILESTONES = (Started, Stepped, Ended, Failed)
_HISTORY = (*_MILESTONES, Effect, Cancelled)


def committed_in(segment: SegmentFile) -> set[int]:
    """Numbers of the episodes that have committed anything in a segment."""
    index = segment.open().index
    kinds = [milestone.KIND for milestone in _MILESTONES]
    return set(index.episodes[np.isin(index.kinds, kinds)].tolist())


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Records of one episode, in a stretch of a segment."""

    segment: Segment
    index: Index

    def places(self, kinds: Collection[type[Event]]) -> NDArray[np.intp]:
        """Where in the index records of some kinds stand."""
        wanted = np.zeros(256, dtype=bool)
        wanted[[kind.KIND for kind in kinds]] = True
        return np.flatnonzero(wanted[self.index.kinds])

    def followed_by(self, other: "_Stretch") -> "_Stretch":
        """This stretch and a later one of the same segment as one."""
        both = (self.index, other.index)
        index = Index(
            np.concatenate([index.offsets for index in both]),
            np.concatenate([index.episodes for index in both]),
            np.concatenate([index.kinds for index in both]),
        )
        return _Stretch(self.segment, index)

    def event(self, place: int) -> Event:
        """The event at a place in the index."""
        kind, offset = int(self.index.kinds[place]), int(self.index.offsets[place])
        event: Event = _DECODERS[kind].decode(self.segment.payload_at(offset))
        return event


class Log:
    """What a run's segments hold up to now, in the order in which it was committed.

    Reading never changes a file, and takes only what counts: sealed segments up to their seal,
    open ones up to their last whole record. What comes later is taken by `refresh`.

    Args:
        directory: The run.

    Raises:
        LogDamagedError: A segment is damaged before its tail.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self._start_over()
        self.refresh()

    def refresh(self) -> bool:
        """Read on, for those who look at a run that goes on; only new bytes are checked.

        Returns:
            Whether there is anything new.

        Raises:
            LogDamagedError: A segment is damaged before its tail.
        """
        anything_new = False
        for file in self.directory.segments():
            segment, sealed_length = self._segments.get(file.path), file.sealed_length()
            if segment is None:
                segment = self._segments[file.path] = file.open()
                anything_new |= self._take(segment, segment.index)
            elif segment.is_replaced or (
                sealed_length is not None and sealed_length < segment.length
            ):
                self._start_over()  # what was read elsewhere, or behind the seal, counts no more
                return self.refresh()
            elif segment.sealed_length is None:
                segment.sealed_length = sealed_length
                anything_new |= self._take(segment, segment.read_on())
        return anything_new

    @property
    def episodes(self) -> list[int]:
        """Numbers of the episodes that were begun, in order."""
        return sorted(episode for episode in self._episodes if episode != RUN)

    @property
    def n_events(self) -> int:
        """How many events there are, contents not counted."""
        return sum(len(part.index) for parts in self._episodes.values() for part in parts)

    @property
    def torn_bytes(self) -> int:
        """Bytes of torn tails that were passed over."""
        return sum(segment.torn_bytes for segment in self._segments.values())

    @property
    def lengths(self) -> dict[str, int]:
        """How many bytes of each segment were read, by its name."""
        return {path.stem: segment.length for path, segment in self._segments.items()}

    def changed_since(self, lengths: Mapping[str, int]) -> list[int]:
        """The episodes of which something was read behind what `lengths` said before, in order."""
        return [
            episode
            for episode in self.episodes
            if any(
                stretch.index.offsets[-1] >= lengths.get(stretch.segment.path.stem, 0)
                for stretch in self._episodes[episode]
            )
        ]

    def events(
        self,
        episode: int,
        kinds: Collection[type[Event]] | None = None,
        *,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[Event]:
        """Events of an episode in their order.

        Args:
            episode: Its number.
            kinds: Only these; None for all.
            start: How many of its events, of whatever kind, are passed over.
            stop: The place, counted in the same way, at which to end; None for the end.
        """
        wanted = KINDS.values() if kinds is None else kinds
        first = 0
        for stretch in self._episodes.get(episode, ()):
            if stop is not None and first >= stop:
                return
            if first + len(stretch.index) > start:
                places = stretch.places(wanted)
                end = len(stretch.index) if stop is None else stop - first
                low, high = np.searchsorted(places, (start - first, end))
                for place in places[low:high]:
                    yield stretch.event(place)
            first += len(stretch.index)

    def n_events_of(self, episode: int) -> int:
        """How many events an episode has, of whatever kind."""
        return sum(len(stretch.index) for stretch in self._episodes.get(episode, ()))

    def places(self, episode: int, kinds: Collection[type[Event]]) -> NDArray[np.intp]:
        """Where among all its events those of some kinds stand, in order; nothing is decoded."""
        found, first = [np.empty(0, dtype=np.intp)], 0
        for stretch in self._episodes.get(episode, ()):
            found.append(stretch.places(kinds) + first)
            first += len(stretch.index)
        return np.concatenate(found)

    def n_steps(self, episode: int) -> int:
        """Steps that an episode has committed."""
        return self._count(episode, Stepped)

    def end(self, episode: int) -> Ended | None:
        """How an episode ended, or None while it goes on; also where a failure is tried again."""
        last = self._last(episode, _HISTORY)
        event = None if last is None else last[0].event(last[1])
        return event if isinstance(event, Ended) else None

    def ended(self) -> set[int]:
        """Numbers of the episodes that came to their end, be it a failure."""
        return self._ended_by(Ended) | self.failed()

    def failed(self) -> set[int]:
        """Numbers of the episodes that failed."""
        return self._ended_by(Failed)

    def digest(self) -> str:
        """Of all episodes by number, hex: what was recorded but durations and placement.

        An unfinished episode contributes its last committed step, as such.
        """
        digest = hashlib.blake2b(digest_size=16)
        for episode in self.episodes:
            last = self._last(episode, _MILESTONES)
            if last is not None:
                event: Any = last[0].event(last[1])
                digest.update(encode([episode, type(event).__name__, event.digest]))
        return digest.hexdigest()

    def history(self, episode: int) -> History:
        """What a replay of an episode meets."""
        return History(self.events(episode, _HISTORY), self._contents.find)

    def core(self, event: Any, kind: type) -> Any:
        """The core of an event with all contents in place.

        Args:
            event: An event that has a core.
            kind: The struct of its core.
        """
        return msgspec.msgpack.decode(event.core, type=kind, ext_hook=self._contents.find)

    def whole(self, value: Plain) -> Plain:
        """Plain data with all contents in place."""
        return put_back(value, self._contents.find)

    def content_of(self, code: int, data: memoryview) -> Content:
        """The content that a reference means, from its code and hash.

        Raises:
            LogDamagedError: It is nowhere in the run.
        """
        return self._contents.find(code, data)

    def check_contents(self) -> None:
        """Compare every content with its hash.

        Raises:
            LogDamagedError: One was changed; names segment and offset.
        """
        self._contents.check()

    def _start_over(self) -> None:
        self._segments: dict[Path, Segment] = {}
        self._episodes: dict[int, list[_Stretch]] = {}
        self._contents = StoredContents(self.directory.path)

    def _take(self, segment: Segment, index: Index) -> bool:
        """Take in the records of a stretch of a segment; whether there are any."""
        is_content = index.kinds == BLOB
        self._contents.take(segment, index.offsets[is_content].tolist())
        events = np.flatnonzero(~is_content)
        by_episode = events[np.argsort(index.episodes[events], kind="stable")]
        borders = np.flatnonzero(np.diff(index.episodes[by_episode])) + 1
        for which in np.split(by_episode, borders):
            if len(which):
                self._add(_Stretch(segment, index.of(which)))
        return len(index) > 0

    def _add(self, stretch: _Stretch) -> None:
        """Put a stretch behind the others of its episode.

        Those of one segment are made one as their lengths double, so that a log which is read on
        and on has few of them.
        """
        stretches = self._episodes.setdefault(int(stretch.index.episodes[0]), [])
        while stretches and stretches[-1].segment is stretch.segment:
            if len(stretches[-1].index) > 2 * len(stretch.index):
                break
            stretch = stretches.pop().followed_by(stretch)
        stretches.append(stretch)

    def _count(self, episode: int, kind: type[Event]) -> int:
        return sum(len(stretch.places((kind,))) for stretch in self._episodes.get(episode, ()))

    def _last(self, episode: int, kinds: Collection[type[Event]]) -> tuple[_Stretch, int] | None:
        """Where the last record of some kinds stands."""
        for stretch in reversed(self._episodes.get(episode, ())):
            places = stretch.places(kinds)
            if len(places):
                return stretch, int(places[-1])
        return None

    def _ended_by(self, kind: type[Event]) -> set[int]:
        """The episodes whose record ends with one of a kind."""
        lasts = {episode: self._last(episode, _HISTORY) for episode in self.episodes}
        return {
            episode
            for episode, last in lasts.items()
            if last is not None and last[0].index.kinds[last[1]] == kind.KIND
        }
