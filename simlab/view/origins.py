"""Origins: where each part of a recorded prompt comes from.

A record keeps prompts as they were asked, and beside them all that they are made of: who the agent
is (the run file), what it perceived and what it was asked (the steps). So the origin of each part
is found by looking for these in the prompt, and nothing more needs to be recorded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simlab.trace.plain import Plain
from simlab.trace.trajectory import words
from simlab.trace.tree import calls_in_words

ORIGINS: Final = {
    "role": "what the world says of the seat",
    "persona": "who it is, from the run file",
    "briefing": "what it was briefed with",
    "memory": "what it remembers",
    "observation": "what it has just perceived",
    "request": "what it is asked",
    "schema": "the form of the answer",
    "refusal": "answers that were not taken, and why",
    "tool": "tools that it called, and their results",
    "begun": "its reply, as it is begun for it",
}
"""Every origin, in words."""

_NAMES = ("agent", "model", "kind", "engine", "memory")
"""Options that name things, and are no texts of a prompt."""

_SHORTEST = 8
"""Characters that a text of the run file has at least to be looked for."""

Part = tuple[str, str]
"""Origin and text."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a prompt of a seat at a step may be made of.

    Attributes:
        persona: Texts of the seat's options in the run file.
        observations: What it perceived before the step, in words.
        briefings: What it was briefed with.
        request: What it is asked, in words; empty where nothing is known of it.
    """

    persona: Sequence[str] = ()
    observations: Sequence[str] = ()
    briefings: Sequence[str] = ()
    request: str = ""

    @classmethod
    def of(
        cls,
        spec: Mapping[str, Any],
        observations: Sequence[Plain],
        request: Any,
        briefings: Sequence[str] = (),
    ) -> "Sources":
        """What is known of a seat.

        Args:
            spec: What the run file says of it.
            observations: What it perceived before the step.
            request: What it was asked, as the log keeps it.
            briefings: What it was briefed with before.
        """
        asked = request.get("prompt") if isinstance(request, dict) else None
        own = [o["text"] for o in observations if _is_of(o, "Briefing")]
        seen = [form for o in observations if not _is_of(o, "Briefing") for form in _forms(o)]
        return cls(
            sorted(set(_texts(spec)), key=len, reverse=True),
            [text for text in seen if text],
            [*briefings, *own],
            asked if isinstance(asked, str) else "",
        )


def parts_of(prompt: Sequence[Plain], sources: Sources) -> list[tuple[str, list[Part]]]:
    """The role of each message of a recorded chat, and its parts with their origins.

    Args:
        prompt: ``[role, text]`` or ``[role, text, calls]`` each.
        sources: What it may be made of.
    """
    asking = _asking(prompt, sources.request)
    told = []
    for at, (role, text, *calls) in enumerate(prompt):
        is_last = at == len(prompt) - 1
        if role == "system":
            parts = list(_system(text, sources))
        elif role == "tool" or calls:
            parts = [("tool", text)]
            parts += [("tool", line) for each in calls for line in calls_in_words(each)]
        elif at == asking:
            parts = list(_question(text, sources))
        elif at < asking:
            parts = [("memory", text)]
        else:
            parts = [("begun" if is_last and role == "assistant" else "refusal", text)]
        told.append((str(role), _joined(parts)))
    return told


def _asking(prompt: Sequence[Plain], request: str) -> int:
    """Which message asks: the last that has the request, or else the last of the user's."""
    users = [at for at, (role, *_) in enumerate(prompt) if role == "user"]
    having = [at for at in users if request and request in prompt[at][1]]
    return (having or users or [-1])[-1]


def _system(text: str, sources: Sources) -> Iterator[Part]:
    """The parts of the system's turn: who the agent is, and what it was briefed with."""
    marks = dict.fromkeys(sources.briefings, "briefing")
    marks |= dict.fromkeys(sources.persona, "persona")
    yield from _marked(text, marks, rest="role")


def _question(text: str, sources: Sources) -> Iterator[Part]:
    """The parts of the message that asks: what was perceived, what is asked, and how to answer."""
    place = text.rfind(sources.request) if sources.request else -1
    before = text[:place] if place >= 0 else text
    marks = dict.fromkeys(sources.observations, "observation")
    marks |= dict.fromkeys(sources.persona, "persona")
    yield from _marked(before, marks, rest="memory")
    if place >= 0:
        yield "request", sources.request
        yield "schema", text[place + len(sources.request) :]


def _marked(text: str, marks: Mapping[str, str], *, rest: str) -> Iterator[Part]:
    """A text with the last places of some texts marked, longer ones first."""
    found = _Found()
    for mark in sorted(marks, key=len, reverse=True):
        found.take(text, mark, marks[mark])
    at = 0
    for start, stop, origin in sorted(found.places):
        yield rest, text[at:start]
        yield origin, text[start:stop]
        at = stop
    yield rest, text[at:]


@dataclass(slots=True)
class _Found:
    """Places of a text that are known to be something, none within another."""

    places: list[tuple[int, int, str]] = field(default_factory=list)

    def take(self, text: str, mark: str, origin: str) -> None:
        start = text.rfind(mark)
        stop = start + len(mark)
        if mark and start >= 0 and all(stop <= a or start >= b for a, b, _ in self.places):
            self.places.append((start, stop, origin))


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Parts without empty ones; a blank between two of one origin joins them."""
    joined: list[Part] = []
    for origin, text in parts:
        if joined and (joined[-1][0] == origin or not text.strip()):
            joined[-1] = (joined[-1][0], joined[-1][1] + text)
        elif text:
            joined.append((origin, text))
    return joined


def _forms(observation: Plain) -> list[str]:
    """How an observation may stand in a prompt: with who said it, or without."""
    if _is_of(observation, "Utterance"):
        return [f"{observation['speaker']}: {observation['text']}", str(observation["text"])]
    return [words(observation)]


def _texts(spec: Any, depth: int = 0) -> Iterator[str]:
    """Every longer text in the options of a seat."""
    if isinstance(spec, str) and len(spec) >= _SHORTEST:
        yield spec
    elif isinstance(spec, dict | list) and depth < 4:
        parts = dict(enumerate(spec)) if isinstance(spec, list) else spec
        for name, part in list(parts.items())[:64]:
            if name not in _NAMES:
                yield from _texts(part, depth + 1)


def _is_of(value: Plain, kind: str) -> bool:
    return isinstance(value, dict) and value.get("_type") == kind
