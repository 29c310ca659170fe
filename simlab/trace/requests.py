"""Requests of effects as the log keeps them: a digest, and a form that grows with what is new.

A prompt is written as ranges of the same actor's prompt before it, and of messages that are new; of
a new message only that is written in which it differs from one before. So a chat that grows by two
messages a turn costs two messages a turn, whatever its length, and so does one that drops its
oldest messages; and one message that grows costs what it grows by.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, count
from operator import is_not
from typing import Any, Protocol

import msgspec

from simlab.errors import LogDamagedError
from simlab.trace.contents import content_hash, reference_to
from simlab.trace.events import encode
from simlab.trace.plain import SHORT, Intern, Plain, plain

_REMEMBERED = 1 << 14
"""How many messages are remembered to find them again in the next prompt."""

_MOST_MESSAGES, _MOST_CHARACTERS = 1 << 17, 1 << 27
"""What no prompt has: ranges of ranges could tell a reader to make any number of them."""

_REMEMBERED_SETTINGS = 64
"""How many models with their sampling; a run has few, but a summary asks with one of its own."""


class PromptRequest(Protocol):
    """What an effect of kind ``model`` asks for."""

    @property
    def model(self) -> str:
        """Its name in the run file, with the adapter version."""
        ...

    @property
    def prompt(self) -> Sequence[Any]:
        """A chat, of items with `role`, `text` and `calls` of tools, or token ids."""
        ...

    @property
    def sampling(self) -> Any:
        """How to draw; a field `seed` enters no digest."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to be looked up and written.

    Attributes:
        digest: The 16 bytes by which it is known; equal requests have equal ones.
        head: What is written of it as it is.
        messages: Of a chat, with references; equal messages of one writer are one object.
        prompt: The same messages as they were asked.
    """

    digest: bytes
    head: Plain
    messages: list[Plain] | None = None
    prompt: Sequence[Any] = ()


_NOTHING = Request(b"", None)
"""What was written before the first request of an actor."""


@dataclass(slots=True, eq=False)
class _Chat:
    """A prompt that was asked: the next mostly begins with the very messages that this one does.

    Attributes:
        prompt: Its messages.
        entries: Each with references in the place of long texts.
        encodings: Each as digested.
        hash: Of the first `n_hashed` of them.
    """

    prompt: Sequence[Any] = ()
    entries: list[Plain] = field(default_factory=list)
    encodings: list[bytes] = field(default_factory=list)
    n_hashed: int = 0
    hash: Any = field(default_factory=partial(hashlib.blake2b, digest_size=16))

    def digest(self, settings: bytes) -> bytes:
        """Of the whole prompt and of what it is asked with."""
        whole = self.hash.copy()
        whole.update(b"".join([*self.encodings[self.n_hashed :], settings]))
        return bytes(whole.digest())


class RequestWriter:
    """Digests the requests of one episode and writes each as what is new since the one before.

    Args:
        intern: Stands in for long contents, as in `plain`.
    """

    def __init__(self, intern: Intern) -> None:
        self._intern = intern
        self._messages: dict[tuple[str, str, bytes], tuple[list[Plain], bytes]] = {}
        self._settings: dict[tuple[str, int], tuple[Any, bytes, Plain]] = {}
        self._asked: dict[str, _Chat] = {}
        self._written: dict[str, Request] = {}

    def prepare(self, actor: str, kind: str, asked: Any) -> Request:
        """A request of an effect, known by its digest; of a chat nothing is stored yet."""
        if kind != "model":
            written = plain(asked, self._intern)
            return Request(content_hash(encode([kind, written])), written)
        encoded, head = self._settings_of(asked)
        if _is_ids(asked.prompt):
            ids = plain(list(asked.prompt), self._intern)
            return Request(content_hash(encoded + encode(ids)), [head, "ids", ids])
        chat = self._chat(actor, asked.prompt)
        return Request(chat.digest(encoded), head, chat.entries, chat.prompt)

    def write(self, actor: str, request: Request) -> Plain:
        """A request in the form that the log keeps; call it in the order of the records."""
        if request.messages is None:
            return request.head
        before = self._written.get(actor, _NOTHING)
        self._written[actor] = request
        return [request.head, "chat", self._as_ranges(before, request)]

    def _chat(self, actor: str, prompt: Sequence[Any]) -> _Chat:
        """The messages of a prompt, going on from those that it has in common with the last one."""
        before = self._asked.get(actor) or _Chat()
        n = _n_shared(before.prompt, prompt)
        if n < before.n_hashed:
            before = _Chat(entries=before.entries, encodings=before.encodings)
        before.hash.update(b"".join(before.encodings[before.n_hashed : n]))
        known = [self._message(message) for message in prompt[n:]]
        entries = [*before.entries[:n], *[entry for entry, _ in known]]
        encodings = [*before.encodings[:n], *[encoding for _, encoding in known]]
        chat = self._asked[actor] = _Chat(tuple(prompt), entries, encodings, n, before.hash)
        return chat

    def _settings_of(self, asked: PromptRequest) -> tuple[bytes, Plain]:
        """Model and sampling: encoded without the seed, and the reference to them.

        Found by identity: a schema makes the sampling unhashable.
        """
        key = (asked.model, id(asked.sampling))
        known = self._settings.get(key)
        if known is None:
            if len(self._settings) >= _REMEMBERED_SETTINGS:
                self._settings.clear()
            known = self._settings[key] = (asked.sampling, *self._new_settings(asked))
        return known[1:]

    def _new_settings(self, asked: PromptRequest) -> tuple[bytes, Plain]:
        sampling = plain(asked.sampling, self._intern)
        seedless = sampling
        if isinstance(sampling, dict):
            seedless = {name: part for name, part in sampling.items() if name != "seed"}
        settings = encode([asked.model, sampling])
        return encode(["model", asked.model, seedless]), self._intern(settings)

    def _message(self, message: Any) -> tuple[list[Plain], bytes]:
        """A message with a reference, one object for equal messages, and its encoding."""
        calls = encode(plain(message.calls, reference_to)) if message.calls else b""
        key = (message.role, message.text, calls)
        known = self._messages.get(key)
        if known is None:
            entry = _entry(message, plain(message.text, reference_to), reference_to)
            if len(self._messages) >= _REMEMBERED:
                self._messages.clear()
            known = self._messages[key] = (entry, encode(entry))
        return known

    def _as_ranges(self, before: Request, request: Request) -> list[Plain]:
        """Messages as ``[start, stop]`` of those before, where they are known, or as new."""
        known, messages = before.messages or [], request.messages or []
        n = _n_shared(known, messages)
        written: list[Plain] = [[0, n]] if n else []
        places = {id(message): place for place, message in enumerate(known[n:], n)}
        stop = n or -1
        for at, message in enumerate(messages[n:], n):
            place = places.get(id(message))
            if place is None:
                written.append(self._new(before.prompt, at, request.prompt[at]))
                stop = -1
            elif place == stop:
                stop = written[-1][1] = place + 1
            else:
                written.append([place, place + 1])
                stop = place + 1
        return written

    def _new(self, before: Sequence[Any], at: int, message: Any) -> list[Plain]:
        """A new message: role and text, or where it is like one before, how it differs from that.

        Like it may be the message in its place, which has grown since; or the last one, which ends
        with the same question. Calls of tools are like nothing before, and are written whole.
        """
        text, base = message.text, min(at, len(before) - 1)
        if base >= 0 and len(text) > SHORT and not message.calls:
            start, end = _in_common(before[base].text, text)
            if start + end > SHORT:
                changed = plain(text[start : len(text) - end], self._intern)
                return [message.role, base, start, end, changed]
        return _entry(message, plain(text, self._intern), self._intern)


class RequestReader:
    """Turns written requests back into whole ones; give it an episode's effects in order.

    Args:
        whole: Puts contents in the place of references; by default there are none.
    """

    def __init__(self, whole: Callable[[Plain], Plain] = lambda value: value) -> None:
        self._whole = whole
        self._before: dict[str, list[Plain]] = {}

    def read(self, actor: str, kind: str, written: Plain) -> Plain:
        """A request with nothing left out.

        Returns:
            For a model ``{"model", "sampling", "prompt"}``, the prompt a list of ``[role, text]``,
            or ``[role, text, calls]`` of turns with calls of tools, or of token ids; any other
            request as it was asked.
        """
        if kind != "model":
            return self._whole(written)
        settings, form, prompt = written
        model, sampling = msgspec.msgpack.decode(self._whole(settings))
        return {
            "model": model,
            "sampling": self._whole(sampling),
            "prompt": self._whole(prompt) if form == "ids" else self._chat(actor, prompt),
        }

    def copy(self) -> "RequestReader":
        """A reader that has read the same and goes its own way."""
        twin = RequestReader(self._whole)
        twin._before = dict(self._before)
        return twin

    def _chat(self, actor: str, written: list[Plain]) -> list[Plain]:
        before = self._before.get(actor, [])
        prompt: list[Plain] = []
        for entry in written:
            match entry:
                case int(start), int(stop):
                    prompt.extend(before[start:stop])
                case role, text, *calls if len(calls) < 2:
                    prompt.append([role, self._whole(text), *self._whole(calls)])
                case role, base, start, end, changed:
                    old = before[base][1]
                    text = f"{old[:start]}{self._whole(changed)}{old[len(old) - end :]}"
                    prompt.append([role, text])
            if len(prompt) > _MOST_MESSAGES or len(prompt[-1][1]) > _MOST_CHARACTERS:
                raise LogDamagedError(
                    f"a prompt of {actor!r} must have at most {_MOST_MESSAGES} messages of "
                    f"{_MOST_CHARACTERS} characters, got more; restore the run from a copy"
                )
        self._before[actor] = prompt
        return prompt


def _entry(message: Any, text: Plain, intern: Intern) -> list[Plain]:
    """A message as it is digested and written; few have calls, which then stand third."""
    if message.calls:
        return [message.role, text, plain(message.calls, intern)]
    return [message.role, text]


def _in_common(base: str, text: str) -> tuple[int, int]:
    """How many characters two texts have in common at their beginnings, and then at their ends."""
    longest = min(len(base), len(text))
    start = _n_common(base, text, longest)
    return start, _n_common(base[::-1], text[::-1], longest - start)


def _n_common(base: str, text: str, longest: int) -> int:
    """How many characters, up to `longest`, two texts have in common at their beginnings."""
    known = 0
    while known < longest:
        middle = (known + longest + 1) // 2
        if base[known:middle] == text[known:middle]:
            known = middle
        else:
            longest = middle - 1
    return known


def _n_shared(before: Sequence[Any], after: Sequence[Any]) -> int:
    """How many objects two sequences have in common at their beginnings."""
    differing = map(is_not, before, after)
    return next(compress(count(), differing), min(len(before), len(after)))


def _is_ids(prompt: Sequence[Any]) -> bool:
    return bool(prompt) and isinstance(prompt[0], int)
