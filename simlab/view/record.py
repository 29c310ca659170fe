"""The record of a run: what its `run.yaml` says, of whoever wrote it, and whom it seats."""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.agents.colours import colour_of
from simlab.trace.directory import RunDirectory
from simlab.view.bounds import Json, cut, shown
from simlab.view.guard import legible, require_own_run

_NO_SPEC: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Record:
    """What a run's `run.yaml` says; nothing of it is taken for granted but that it is a mapping.

    Attributes:
        data: Its contents.
    """

    data: Mapping[str, Any]

    @classmethod
    def read(cls, root: Path) -> "Record":
        """The record of a run.

        Raises:
            RunDirectoryError: It is no run, is not as SimLab writes it, or has a link in it.
        """
        require_own_run(root)
        with legible(f"{root / 'run.yaml'}"):
            return cls(RunDirectory(root).read_run())

    @property
    def run(self) -> Mapping[str, Any]:
        """The run file."""
        return _mapping(self.data.get("run"))

    @property
    def n_episodes(self) -> int | None:
        """How many episodes there are to be."""
        n = self.run.get("episodes", 1)
        return n if isinstance(n, int) and not isinstance(n, bool) else None

    @property
    def on_real_clock(self) -> bool:
        """Whether calls may go on over steps."""
        return _mapping(self.run.get("clock")).get("kind") == "real"

    def spec_of(self, seat: str) -> Mapping[str, Any]:
        """What the cast says of a seat; the last pattern that fits, and then its own name."""
        cast = _mapping(self.run.get("cast"))
        fitting = [
            _mapping(spec)
            for name, spec in cast.items()
            if name != seat and fnmatch.fnmatchcase(seat, str(name))
        ]
        spec = fitting[-1] if fitting else _NO_SPEC
        own = _mapping(cast.get(seat))
        return own if "agent" in own else {**spec, **own}

    def start_of(self, episode: int) -> Mapping[str, Any]:
        """The options of an episode's own reset, such as its environment and initial state."""
        resets = self.run.get("resets")
        own = resets[episode] if isinstance(resets, list) and episode < len(resets) else None
        return {**_mapping(self.run.get("reset")), **_mapping(own)}

    def named_seats(self) -> set[str]:
        """The seats that the cast names itself, and by no pattern."""
        names = map(str, _mapping(self.run.get("cast")))
        return {name for name in names if not set("*?[") & set(name)}

    def told(self) -> Json:
        """What the record says, for people."""
        told = {name: shown(self.run.get(name)) for name in ("name", "description", "world")}
        told["config"] = shown(dict(self.run), characters=1 << 16)
        told["models"] = shown(self.run.get("models"), characters=1 << 14)
        told["created"] = shown(self.data.get("created"), longest=40)
        told["versions"] = shown(self.data.get("versions"), characters=4000)
        told["git"] = shown(self.data.get("git"), characters=1000)
        branch = _mapping(self.data.get("branch"))
        told["branch"] = branch and shown(
            {
                "parent": branch.get("parent"),
                "episode": branch.get("episode"),
                "forks": [
                    {"step": _mapping(fork).get("step"), "say": _mapping(fork).get("say")}
                    for fork in branch.get("forks") or []
                ],
            },
            characters=1 << 14,
        )
        return told

    def seats(self, seats: Iterable[str]) -> list[Json]:
        """Each seat with its colour, and who sits there."""
        return [self._seat(seat) for seat in sorted(seats)[:256]]

    def _seat(self, seat: str) -> Json:
        spec = self.spec_of(seat)
        says = {
            name: shown(spec.get(name), characters=2000) for name in ("model", "persona", "goal")
        }
        agent = shown(spec.get("agent", "llm"), longest=200)
        return {
            "seat": cut(seat, 200),
            "colour": colour_of(seat.encode(errors="replace").decode()),
            "agent": agent,
            **says,
        }


def _mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, empty where something else stands."""
    return value if isinstance(value, dict) else _NO_SPEC
