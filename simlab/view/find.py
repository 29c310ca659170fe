"""Finding: turns by words, tags, seats, ratings and failures, a bounded stretch of a log a call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from simlab.trace.events import (
    Cancelled,
    Effect,
    EffectCore,
    Ended,
    Event,
    Failed,
    Noted,
    Outcome,
    SpanClosed,
    SpanOpened,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
)
from simlab.trace.plain import Plain
from simlab.view.bounds import Json, cut
from simlab.view.cursor import as_text, from_text
from simlab.view.opened import OpenedRun
from simlab.view.pictures import rich_in, words_beside
from simlab.view.tally import score_in

EVENTS_AT_ONCE: Final = 4_000
"""Events that one call looks at: about 0.1 s of CPU."""

HITS_AT_ONCE: Final = 100

_AROUND = 60
"""Characters of an excerpt on each side of what was found."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; all that is said must hold.

    Attributes:
        text: Words in what was done, said or perceived, in completions, spans, notes and errors.
        tag: Of a span or note.
        seat: Who did it, or perceived it.
        failed: Only what failed: episodes, calls, spans, and answers that were not taken.
        at_least: Ratings of at least this value.
        at_most: Ratings of at most this value.
        episode: Only in this one.
    """

    text: str = ""
    tag: str = ""
    seat: str = ""
    failed: bool = False
    at_least: float | None = None
    at_most: float | None = None
    episode: int | None = None

    @property
    def rates(self) -> bool:
        """Whether ratings are looked for."""
        return self.at_least is not None or self.at_most is not None


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """How far a search has come: an episode, and how many of its events were looked at."""

    episode: int = 0
    event: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """Something in which words may be found.

    Attributes:
        step: Of the turn to show.
        seat: Whose it is.
        what: It is, such as ``action``.
        texts: To look for words in.
        tags: Its tags.
        failed: Whether it is a failure.
        score: The value of a rating.
    """

    step: int
    seat: str
    what: str
    texts: tuple[str, ...]
    tags: tuple[str, ...] = ()
    failed: bool = False
    score: float | None = None


def find(run: OpenedRun, query: Query, cursor: str = "") -> Json:
    """Find turns.

    Args:
        run: In which.
        query: What is looked for.
        cursor: From the last answer; empty to begin.

    Returns:
        ``{"hits", "cursor", "complete"}``: hits have ``episode, step, seat, what, excerpt``; a
        search that is not complete goes on with the cursor.

    Raises:
        ConfigError: The cursor is none.
        RunDirectoryError: A record is not as SimLab writes it.
    """
    run.refresh()
    place: _Place = from_text(cursor, _Place) if cursor else _Place()
    hits: list[Json] = []
    left = EVENTS_AT_ONCE
    with run.guarded("the log"):
        for episode in run.log.episodes:
            skipped = query.episode is not None and episode != query.episode
            if episode < place.episode or skipped:
                continue
            at = place.event if episode == place.episode else 0
            for event in run.log.events(episode, start=at):
                if left <= 0 or len(hits) >= HITS_AT_ONCE:
                    there = as_text(_Place(episode, at))
                    return {"hits": hits, "cursor": there, "complete": False}
                hits += _hits(run, query, episode, event, at)
                left -= 1
                at += 1
    return {"hits": hits, "cursor": "", "complete": True}


def _hits(run: OpenedRun, query: Query, episode: int, event: Event, at: int) -> list[Json]:
    hits = []
    for seen in _seen(run, episode, event, at):
        excerpt = _excerpt(query, seen)
        if excerpt is not None:
            told = {"seat": cut(seen.seat, 200), "what": seen.what, "excerpt": excerpt}
            hits.append({"episode": episode, "step": seen.step, **told})
    return hits


def _excerpt(query: Query, seen: _Seen) -> str | None:
    """Some words around what was found, or None where something does not hold."""
    if query.seat and seen.seat != query.seat:
        return None
    if query.tag and query.tag not in seen.tags:
        return None
    if query.failed and not seen.failed:
        return None
    if query.rates and not _is_between(seen.score, query):
        return None
    wanted = query.text.casefold()
    for text in seen.texts:
        place = text.casefold().find(wanted)
        if place >= 0:
            start = max(0, place - _AROUND)
            return cut(text[start : place + len(wanted) + _AROUND], 400)
    return None


def _is_between(score: float | None, query: Query) -> bool:
    if score is None:
        return False
    low, high = query.at_least, query.at_most
    return (low is None or score >= low) and (high is None or score <= high)


def _seen(run: OpenedRun, episode: int, event: Event, at: int) -> Iterator[_Seen]:
    """What a person sees of an event."""
    log = run.log
    match event:
        case Started():
            yield from _perceived(log.core(event, StartedCore).timestep, 0)
        case Stepped():
            core: SteppedCore = log.core(event, SteppedCore)
            for act in core.acted:
                texts = [_words(act.action), act.invalid or "", act.raw or ""]
                odd = act.invalid is not None or act.late
                score = score_in(act.action)
                yield _Seen(core.step, act.seat, "action", _some(texts), (), odd, score)
            yield from _perceived(core.timestep, core.step + 1)
        case Effect():
            yield _of_effect(log.core(event, EffectCore), isinstance(event, Cancelled))
        case SpanOpened() | Noted():
            data = event.inputs if isinstance(event, SpanOpened) else event.data
            name = event.name if isinstance(event, SpanOpened) else event.kind
            what = "span" if isinstance(event, SpanOpened) else "note"
            texts = [name, *_strings(log.whole(data))]
            tags = tuple(tag for tag, _ in event.tags)
            yield _Seen(event.step, event.actor, what, _some(texts), tags, name == "failure")
        case SpanClosed() if event.error is not None:
            step = _step_at(run, episode, at)
            said = f"{event.error.type}: {event.error.message}"
            yield _Seen(step, "", "error", (said,), (), failed=True)
        case Ended():
            outcome: Outcome = log.core(event, Outcome)
            if outcome.failed is not None:
                said = f"{outcome.failed.type}: {outcome.failed.message}"
                is_failed = isinstance(event, Failed)
                yield _Seen(outcome.n_steps, "", "failure", (said,), (), is_failed)


def _of_effect(core: EffectCore, was_cut_off: bool) -> _Seen:
    error = "" if core.error is None else f"{core.error.type}: {core.error.message}"
    texts = _some([error, *_strings(core.result)])
    failed = core.error is not None and not was_cut_off
    what = "completion" if core.kind == "model" else cut(core.kind, 100)
    return _Seen(core.step, core.actor, what, texts, (), failed)


def _perceived(timestep: Any, step: int) -> Iterator[_Seen]:
    for seat, observations in timestep.get("observations", {}).items():
        texts = [_words(observation) for observation in observations]
        yield _Seen(step, seat, "observation", _some(texts))


def _words(value: Plain) -> str:
    """A value in words, which are looked through: of pictures none but that they are some."""
    return words_beside(value) or ("(a picture)" if rich_in(value) else "")


def _step_at(run: OpenedRun, episode: int, at: int) -> int:
    """The step in which an event stands."""
    steps = run.log.places(episode, (Stepped,))
    return int(steps.searchsorted(at))


def _some(texts: list[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _strings(value: Plain, depth: int = 0) -> list[str]:
    """Every text in plain data, as deep as people look."""
    if isinstance(value, str):
        return [value]
    if depth > 8 or not isinstance(value, dict | list):
        return []
    parts = list(value.values() if isinstance(value, dict) else value)
    if isinstance(value, list) and parts and isinstance(parts[0], int | float):
        return []  # token ids and log-probabilities
    return [text for part in parts[:256] for text in _strings(part, depth + 1)]
