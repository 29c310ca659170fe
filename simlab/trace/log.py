"""The log of a run, for reading: its events by episode, and the contents that they refer to."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw

from simlab.errors import LogDamagedError
from simlab.trace.directory import RunDirectory
from simlab.trace.events import BLOB, KINDS, Ended, Event, Failed, Started, Stepped, encode
from simlab.trace.history import History
from simlab.trace.segment import RUN, Segment
from simlab.trace.writer import TEXT, content_hash

_DECODERS = {kind: msgspec.msgpack.Decoder(event) for kind, event in KINDS.items()}
_ENDS = (Ended.KIND, Failed.KIND)


@dataclass(slots=True)
class _Place:
    """Where records of one episode stand: parallel lists."""

    segments: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)


class Log:
    """What a run's segments hold up to now, in the order in which it was committed.

    Reading never changes a file, and takes only what counts: sealed segments up to their seal,
    open ones up to their last whole record.

    Args:
        directory: The run.

    Raises:
        LogDamagedError: A segment is damaged before its tail.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self._segments: list[Segment] = []
        self._episodes: dict[int, _Place] = {}
        self._contents: dict[bytes, tuple[int, int]] = {}
        self._seen = _state(directory)
        for file in directory.segments():
            self._read(file.open())

    def _read(self, segment: Segment) -> None:
        number = len(self._segments)
        self._segments.append(segment)
        for record in segment.records():
            if record.kind == BLOB:
                self._contents[bytes(record.payload[:16])] = (number, record.offset)
            else:
                place = self._episodes.get(record.episode)
                if place is None:
                    place = self._episodes[record.episode] = _Place()
                place.segments.append(number)
                place.offsets.append(record.offset)
                place.kinds.append(record.kind)

    def is_current(self) -> bool:
        """Whether no segment has been sealed or begun since the log was read."""
        return self._seen == _state(self.directory)

    @property
    def episodes(self) -> list[int]:
        """Numbers of the episodes that were begun, in order."""
        return sorted(episode for episode in self._episodes if episode != RUN)

    @property
    def n_events(self) -> int:
        """How many events there are, contents not counted."""
        return sum(len(place.kinds) for place in self._episodes.values())

    @property
    def torn_bytes(self) -> int:
        """Bytes of torn tails that were passed over."""
        return sum(segment.torn_bytes for segment in self._segments)

    def events(self, episode: int, kinds: Collection[type[Event]] | None = None) -> Iterator[Event]:
        """Events of an episode in their order.

        Args:
            episode: Its number.
            kinds: Only these; None for all.
        """
        wanted = None if kinds is None else {event.KIND for event in kinds}
        place = self._episodes.get(episode, _Place())
        for segment, offset, kind in zip(place.segments, place.offsets, place.kinds, strict=True):
            if kind in _DECODERS if wanted is None else kind in wanted:
                yield _DECODERS[kind].decode(self._segments[segment].payload_at(offset))

    def end(self, episode: int) -> Ended | None:
        """How an episode ended, or None while it has not."""
        ends = list(self.events(episode, (Ended, Failed)))
        return ends[-1] if ends else None  # type: ignore[return-value] # only these were asked for

    def started(self, episode: int) -> bool:
        """Whether an episode's beginning was committed."""
        place = self._episodes.get(episode)
        return place is not None and Started.KIND in place.kinds

    def ended(self) -> set[int]:
        """Numbers of the episodes that came to their end, be it a failure."""
        return {
            episode
            for episode, place in self._episodes.items()
            if any(kind in _ENDS for kind in place.kinds)
        }

    def failed(self) -> set[int]:
        """Numbers of the episodes that failed."""
        return {e for e, place in self._episodes.items() if Failed.KIND in place.kinds[-1:]}

    def n_steps(self, episode: int) -> int:
        """Steps that an episode has committed."""
        return self._episodes.get(episode, _Place()).kinds.count(Stepped.KIND)

    def digest(self) -> str:
        """Of all episodes by number, hex: what was recorded but durations and placement."""
        digest = hashlib.blake2b(digest_size=16)
        for episode in self.episodes:
            digest.update(encode([episode, *self._closing(episode)]))
        return digest.hexdigest()

    def _closing(self, episode: int) -> tuple[str, bytes]:
        """The last digest of an episode's chain, and the kind of record that it closes."""
        last = Started(Raw(), b"", 0.0)
        for event in self.events(episode, (Started, Stepped, Ended, Failed)):
            last = event  # type: ignore[assignment]
        return type(last).__name__, last.digest

    def history(self, episode: int) -> History:
        """What a replay of an episode meets."""
        return History(self.events(episode), self.content_of)

    def core(self, event: Any, kind: type) -> Any:
        """The core of an event with all contents in place.

        Args:
            event: An event that has a core.
            kind: The struct of its core.
        """
        return msgspec.msgpack.decode(event.core, type=kind, ext_hook=self.content_of)

    def whole(self, value: Any) -> Any:
        """Plain data with all contents in place."""
        if isinstance(value, msgspec.msgpack.Ext):
            return self.content_of(value.code, memoryview(value.data))
        if isinstance(value, list):
            return [self.whole(item) for item in value]
        if isinstance(value, dict):
            return {name: self.whole(item) for name, item in value.items()}
        return value

    def content_of(self, code: int, data: memoryview) -> str | bytes:
        """The content that a reference means.

        Raises:
            LogDamagedError: It is nowhere in the run.
        """
        key = bytes(data)
        place = self._contents.get(key)
        if place is None:
            raise LogDamagedError(
                f"content {key.hex()} is referred to in {self.directory.path} and stored nowhere; "
                "a segment is missing"
            )
        number, offset = place
        content = bytes(self._segments[number].payload_at(offset)[16:])
        return content.decode("utf-8", "surrogatepass") if code == TEXT else content

    def check_contents(self) -> None:
        """Compare every content with its hash.

        Raises:
            LogDamagedError: One was changed; names segment and offset.
        """
        for key, (number, offset) in self._contents.items():
            segment = self._segments[number]
            found = content_hash(bytes(segment.payload_at(offset)[16:]))
            if found != key:
                raise LogDamagedError(
                    f"segment {segment.path.name} at byte {offset}: the content hashes to "
                    f"{found.hex()}, it is known as {key.hex()}"
                )


def _state(directory: RunDirectory) -> list[tuple[int, bool]]:
    """Which segments there are, and which of them are sealed."""
    return [(file.epoch, file.seal.exists()) for file in directory.segments()]
