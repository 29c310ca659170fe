"""Labels: what people say of turns, beside the run and in no digest, compared with the judges.

They stand in ``labels.jsonl`` in the run's directory, one to a line, in the order in which they
were given; a later label of the same person for the same turn and seat stands for the earlier.
"""

import fcntl
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

import msgspec
import numpy as np

from simlab.errors import ConfigError
from simlab.sim.scoring.agreement import krippendorff_alpha, spearman
from simlab.sim.scoring.auc import auc
from simlab.trace.disk import written
from simlab.trace.events import Stepped, SteppedCore
from simlab.view.bounds import Json, cut, number
from simlab.view.guard import legible, read_own_text, require_own
from simlab.view.opened import OpenedRun
from simlab.view.tally import score_in

FILE: Final = "labels.jsonl"

_LONGEST: Final = 2_000
_MOST_TAGS: Final = 32

_LONGEST_LINE: Final = 1 << 20
"""In bytes; no label takes as many."""


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person says of a turn.

    Attributes:
        who: Gave it.
        when: In seconds of the wall clock.
        episode: Of which episode.
        step: Of which turn; None for the whole episode.
        seat: Of what whom did; empty for the turn as such.
        rating: On a scale of the person's own.
        tags: Words, such as ``"flatters"``.
        blind: Whether arm and judges' ratings were hidden.
        note: In words.
    """

    who: str
    when: float
    episode: int
    step: int | None = None
    seat: str = ""
    rating: float | None = None
    tags: tuple[str, ...] = ()
    blind: bool = False
    note: str = ""


def add_label(run: OpenedRun, label: Label) -> None:
    """Keep a label.

    Raises:
        ConfigError: It says nothing, or is of a turn that is not there, or is too long.
        LogWriteError: The disk does not take it.
    """
    _check(run, label)
    path = run.path / FILE
    require_own(run.path, path)
    line = msgspec.json.encode(label) + b"\n"
    with written(path, remedy="free the disk, and give the label again"):
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o644), "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_torn_line(file)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _cut_torn_line(file: BinaryIO) -> None:
    """Drop what somebody who was killed, or found no room, has left of a line.

    Else the next line would stand in the same, and no label could be read any more.
    """
    start = max(0, file.seek(0, os.SEEK_END) - _LONGEST_LINE)
    file.seek(start)
    whole = file.read().rfind(b"\n") + 1
    if whole or not start:  # longer lines are none of ours
        file.truncate(start + whole)


def read_labels(run: OpenedRun) -> list[Label]:
    """All labels, the latest of each person for each turn and seat; a torn last line is left out.

    Raises:
        RunDirectoryError: The file is not as SimLab writes it.
    """
    text = read_own_text(run.path, FILE) or ""
    latest: dict[tuple[str, int, int | None, str], Label] = {}
    with legible(f"{FILE} of {run.path}"):
        for line in text.split("\n")[:-1]:
            label = msgspec.json.decode(line.encode(), type=Label)
            latest[label.who, label.episode, label.step, label.seat] = label
    return list(latest.values())


def told_labels(run: OpenedRun) -> list[Json]:
    """All labels, for people."""
    return [
        {
            **msgspec.structs.asdict(label),
            "who": cut(label.who, 200),
            "seat": cut(label.seat, 200),
            "note": cut(label.note, _LONGEST),
            "tags": [cut(tag, 100) for tag in label.tags[:_MOST_TAGS]],
            "rating": number(label.rating),
            "when": number(label.when),
        }
        for label in read_labels(run)[:100_000]
    ]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A label, and what a judge gave of the same."""

    label: Label
    value: float


def compare_labels(run: OpenedRun) -> Json:
    """How far people and judges agree.

    A label of a turn is compared with what each seat that rates gave next, at that turn or behind
    it, before somebody else acts again; one of an episode with its judges' scores.

    Returns:
        ``{"judges": [{"judge", "n", "spearman", "alpha", "tags"}], "people"}``: Spearman's
        correlation with people's ratings, Krippendorff's alpha of both where they share a scale,
        and for each tag the area under the ROC curve: how well the judge tells what bears it.
        `people` is the alpha of the people among each other.

    Raises:
        RunDirectoryError: A record is not as SimLab writes it.
    """
    labels = read_labels(run)
    pairs: dict[str, list[_Pair]] = {}
    for label in labels:
        for judge, value in _given(run, label).items():
            pairs.setdefault(judge, []).append(_Pair(label, value))
    judges = [_compared(judge, found) for judge, found in sorted(pairs.items())]
    return {"judges": judges, "n_labels": len(labels), "people": _people(labels)}


def _given(run: OpenedRun, label: Label) -> Mapping[str, float]:
    """What judges gave of what a label is about, by name."""
    if label.step is None:
        scores = run.row(label.episode)["scores"]
        return {name: float(v) for name, v in scores.items() if isinstance(v, int | float)}
    found: dict[str, float] = {}
    with run.guarded(f"episode {label.episode}"):
        places = run.log.places(label.episode, (Stepped,))[label.step : label.step + 16]
        for nth, place in enumerate(places.tolist()):
            events = run.log.events(label.episode, (Stepped,), start=place, stop=place + 1)
            core: SteppedCore = run.log.core(next(events), SteppedCore)
            values = {act.seat: score_in(act.action) for act in core.acted}
            if nth and any(value is None for value in values.values()):
                break
            found |= {seat: value for seat, value in values.items() if value is not None}
    return found


def _compared(judge: str, pairs: list[_Pair]) -> Json:
    rated = [(p.label.rating, p.value) for p in pairs if p.label.rating is not None]
    people, values = np.array(rated, dtype=float).reshape(-1, 2).T
    tags = sorted({tag for pair in pairs for tag in pair.label.tags})
    return {
        "judge": cut(judge, 200),
        "n": len(pairs),
        "spearman": spearman(people, values),
        "alpha": krippendorff_alpha(np.stack([people, values])) if rated else None,
        "tags": {
            cut(tag, 100): auc([p.value for p in pairs], [tag in p.label.tags for p in pairs])
            for tag in tags[:64]
        },
    }


def _people(labels: Iterable[Label]) -> float | None:
    """How far people agree with each other."""
    rated = [label for label in labels if label.rating is not None]
    people = sorted({label.who for label in rated})
    units = sorted({(lab.episode, -1 if lab.step is None else lab.step, lab.seat) for lab in rated})
    table = np.full((len(people), len(units)), np.nan)
    for label in rated:
        unit = (label.episode, -1 if label.step is None else label.step, label.seat)
        table[people.index(label.who), units.index(unit)] = label.rating
    return krippendorff_alpha(table)


def _check(run: OpenedRun, label: Label) -> None:
    run.require_episode(label.episode)
    n_steps = run.row(label.episode)["n_steps"]
    if label.step is not None and not 0 <= label.step < n_steps:
        raise ConfigError(
            f"step of episode {label.episode} must be in 0..{n_steps - 1}, got {label.step!r}"
        )
    if label.rating is None and not label.tags and not label.note:
        raise ConfigError("a label must have a rating, tags or a note, got none of them")
    if label.rating is not None and not np.isfinite(label.rating):
        raise ConfigError(f"rating must be finite, got {label.rating!r}")
    texts = (label.who, label.seat, label.note, *label.tags)
    if max(map(len, texts)) > _LONGEST or len(label.tags) > _MOST_TAGS:
        raise ConfigError(
            f"a label must have at most {_MOST_TAGS} tags, and texts of {_LONGEST} characters"
        )
