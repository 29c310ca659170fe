"""An invitation: what somebody has filled in to give a person the link of a seat."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from simlab.apps.links import Link, place_of
from simlab.errors import ConfigError
from simlab.sim.control.order_file import FILE as ORDERS
from simlab.sim.control.order_file import OrderFile
from simlab.sim.control.seat_person import Lapse
from simlab.view.guard import MAX_BYTES, legible, require_own
from simlab.view.opened import OpenedRun

_MODEL: Final = "model "
"""Stands before the name of a model where seats are named as well."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """To a seat or a model of a run, as it was typed.

    Attributes:
        run: Name of the run.
        read: Which episode is read; taken where `episode` is empty.
        place: A seat, or one of the models as `models` names them.
        episode: Its number.
        who: Name of the person.
        lapse: Who has the seat once the person is gone; as in `Link`.
        after_s: Seconds without an answer after which that is so; empty for never.
    """

    run: str
    read: str
    place: str
    episode: str
    who: str
    lapse: str
    after_s: str

    def link(self, path: Path) -> Link:
        """What the link opens.

        Args:
            path: Of the run.

        Raises:
            ConfigError: Something is missing, or not as it is to be.
        """
        place = _given("seat or model", self.place)
        who, run_place = _given("name of the person", self.who), place_of(path)
        if place.startswith(_MODEL):
            return Link(self.run, run_place, who, model=place.removeprefix(_MODEL))
        episode = _number(self.episode.strip() or self.read)
        terms = _lapse(self.lapse), _seconds(self.after_s)
        return Link(self.run, run_place, who, episode, place, "", *terms)


def models(run: OpenedRun) -> list[str]:
    """The models of a run that wait for a person, named as places."""
    found = run.record.run.get("models")
    models = {**(found if isinstance(found, dict) else {}), **_swapped_in(run.path)}
    return [
        f"{_MODEL}{name}"
        for name, spec in models.items()
        if isinstance(spec, dict) and spec.get("engine") == "person"
    ]


def _swapped_in(path: Path) -> dict[str, Any]:
    """The models that somebody has swapped in while a run went on.

    Raises:
        RunDirectoryError: The file with its orders is not its own, or not as SimLab writes it.
    """
    file = path / ORDERS
    require_own(path, file, largest=MAX_BYTES)
    with legible(str(file)):
        return OrderFile(path).models


def _given(what: str, text: str) -> str:
    if not (text or "").strip():
        raise ConfigError(f"{what} must be given, got nothing")
    return text.strip()


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"episode must be a number from 0 on, got {text!r}")
    return int(text)


def _lapse(text: str) -> Lapse:
    kinds: tuple[Lapse, ...] = get_args(Lapse)
    for kind in kinds:
        if kind == text:
            return kind
    raise ConfigError(f"the seat must go to one of {', '.join(kinds)}, got {text!r}")


def _seconds(text: str) -> float | None:
    try:
        found = float(text) if text.strip() else None
    except ValueError:
        found = math.nan
    if found is not None and not 0 < found < math.inf:
        raise ConfigError(f"seconds must be a number above 0, or nothing, got {text!r}")
    return found
