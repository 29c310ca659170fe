"""Requests of effects as the log keeps them: a digest, and a form that grows with what is new.

A prompt is written as ranges of the same actor's prompt before it, and of messages that are new. So
a chat that grows by two messages a turn costs two messages a turn, whatever its length.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from simlab.trace.events import encode
from simlab.trace.plain import SHORT, Intern, Plain, plain
from simlab.trace.writer import content_hash

_REMEMBERED = 1 << 14
"""How many messages are remembered to find them again in the next prompt."""


class PromptRequest(Protocol):
    """What an effect of kind ``model`` asks for."""

    @property
    def model(self) -> str:
        """Its name in the run file, with the adapter version."""
        ...

    @property
    def prompt(self) -> Sequence[Any]:
        """A chat, of items with `role` and `text`, or token ids."""
        ...

    @property
    def sampling(self) -> Any:
        """How to draw; a field `seed` enters no digest."""
        ...


class RequestWriter:
    """Digests the requests of one episode and writes each as what is new since the one before.

    Args:
        intern: Stands in for long texts, as in `plain`.
    """

    def __init__(self, intern: Intern) -> None:
        self._intern = intern
        self._messages: dict[tuple[str, str], tuple[list[Plain], bytes]] = {}
        self._settings: dict[Any, bytes] = {}
        self._before: dict[str, list[list[Plain]]] = {}
        self._ids_before: dict[str, list[int]] = {}

    def digest(self, kind: str, request: Any) -> bytes:
        """The 16 bytes by which a request is known; of equal requests they are equal."""
        if kind != "model":
            return content_hash(encode(plain(request, self._intern)))
        parts = [self._settings_of(request)]
        prompt = request.prompt
        if _is_ids(prompt):
            parts.append(encode(list(prompt)))
        else:
            parts.extend(self._message(message)[1] for message in prompt)
        return content_hash(b"".join(parts))

    def write(self, actor: str, kind: str, request: Any) -> Plain:
        """The request in the form that the log keeps; call it in the order of the records."""
        if kind != "model":
            return plain(request, self._intern)
        sampling = plain(request.sampling, self._intern)
        if _is_ids(request.prompt):
            return [request.model, sampling, "ids", *self._new_ids(actor, request.prompt)]
        return [request.model, sampling, "chat", self._new_messages(actor, request.prompt)]

    def _settings_of(self, request: PromptRequest) -> bytes:
        """Model and sampling without its seed, encoded."""
        try:
            known = self._settings.get((request.model, request.sampling))
        except TypeError:  # a schema makes the sampling unhashable
            return self._encode_settings(request)
        if known is None:
            known = self._encode_settings(request)
            self._settings[request.model, request.sampling] = known
        return known

    def _encode_settings(self, request: PromptRequest) -> bytes:
        sampling = plain(request.sampling)
        if isinstance(sampling, dict):
            sampling.pop("seed", None)
        return encode([request.model, sampling])

    def _message(self, message: Any) -> tuple[list[Plain], bytes]:
        """A message as written, one object for equal messages, and its encoding."""
        key = (message.role, message.text)
        known = self._messages.get(key)
        if known is None:
            text = message.text
            entry = [message.role, text if len(text) <= SHORT else self._intern(text)]
            if len(self._messages) >= _REMEMBERED:
                self._messages.clear()
            known = self._messages[key] = (entry, encode(entry))
        return known

    def _new_messages(self, actor: str, prompt: Sequence[Any]) -> list[Plain]:
        entries = [self._message(message)[0] for message in prompt]
        places = {id(entry): place for place, entry in enumerate(self._before.get(actor, ()))}
        self._before[actor] = entries
        written: list[Plain] = []
        stop = -1
        for entry in entries:
            place = places.get(id(entry))
            if place is None:
                written.append(entry)
                stop = -1
            elif place == stop:
                stop = written[-1][1] = place + 1
            else:
                written.append([place, place + 1])
                stop = place + 1
        return written

    def _new_ids(self, actor: str, prompt: Sequence[int]) -> tuple[int, list[int]]:
        ids, before = list(prompt), self._ids_before.get(actor, [])
        self._ids_before[actor] = ids
        kept = 0
        while kept < min(len(ids), len(before)) and ids[kept] == before[kept]:
            kept += 1
        return kept, ids[kept:]


class RequestReader:
    """Turns written requests back into whole ones; give it an episode's effects in order."""

    def __init__(self) -> None:
        self._before: dict[str, list[Plain]] = {}
        self._ids_before: dict[str, list[int]] = {}

    def read(self, actor: str, kind: str, written: Plain) -> Plain:
        """A request with nothing left out.

        Returns:
            For a model ``{"model", "sampling", "prompt"}``, the prompt a list of ``[role, text]``
            or of token ids; any other request as it was written.
        """
        if kind != "model":
            return written
        model, sampling, form, *rest = written
        prompt = self._ids(actor, *rest) if form == "ids" else self._chat(actor, *rest)
        return {"model": model, "sampling": sampling, "prompt": prompt}

    def _chat(self, actor: str, written: list[Plain]) -> list[Plain]:
        before = self._before.get(actor, [])
        prompt: list[Plain] = []
        for first, second in written:
            if isinstance(first, int):
                prompt.extend(before[first:second])
            else:
                prompt.append([first, second])
        self._before[actor] = prompt
        return prompt

    def _ids(self, actor: str, kept: int, new: list[int]) -> list[int]:
        prompt = self._ids_before.get(actor, [])[:kept] + new
        self._ids_before[actor] = prompt
        return prompt


def _is_ids(prompt: Sequence[Any] | Mapping[str, Any]) -> bool:
    return bool(prompt) and isinstance(prompt[0], int)  # type: ignore[index]
