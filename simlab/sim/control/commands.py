"""Commands: what a run can be told, however one talks to it, and how it is written."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

from simlab.errors import ControlError
from simlab.sim.control.request import LONGEST_LINE, overlong
from simlab.sim.control.seat_person import Lapse

Answer = dict[str, Any]
Episodes = int | Literal["all"]
A = TypeVar("A")

LONGEST_ANSWER: Final = 1 << 28
"""Bytes of an answer or a question, at most."""


class Commands(ABC, Generic[A]):
    """All that a run can be told; see `simlab.sim.control` for what each does and answers."""

    @abstractmethod
    def call(self, kind: str, /, **arguments: Any) -> A:
        """Send a request, and give its answer.

        Raises:
            ControlError: The run refuses it, and has changed nothing; or it has ended.
        """

    def hello(self) -> A:
        """Tell of the run, and where its live episodes stand."""
        return self.call("hello")

    def pause(self, episode: Episodes = "all") -> A:
        """Let episodes stand still at the top of their next step."""
        return self.call("pause", episode=episode)

    def resume(self, episode: Episodes = "all") -> A:
        """Let episodes go on."""
        return self.call("resume", episode=episode)

    def step(self, n: int = 1, episode: Episodes = "all") -> A:
        """Let episodes take so many steps, and stand still then."""
        return self.call("step", n=n, episode=episode)

    def stop(self) -> A:
        """End the run; ``--resume`` goes on with it."""
        return self.call("stop")

    def say(self, episode: int, seat: str, text: str) -> A:
        """Let a seat do something, whatever it is at."""
        return self.call("say", episode=episode, seat=seat, text=text)

    def narrate(self, episode: int, text: str) -> A:
        """Say something as the narrator."""
        return self.call("narrate", episode=episode, text=text)

    def edit(self, seat: str, options: Mapping[str, Any], episode: Episodes = "all") -> A:
        """Change options of a seat's agent."""
        return self.call("edit", seat=seat, options=dict(options), episode=episode)

    def swap(self, seat: str, model: str | Mapping[str, Any], episode: Episodes = "all") -> A:
        """Give a seat's agent another model."""
        given = model if isinstance(model, str) else dict(model)
        return self.call("swap", seat=seat, model=given, episode=episode)

    def lease(
        self,
        episode: int,
        seat: str,
        who: str,
        *,
        lapse: Lapse = "agent",
        after_s: float | None = None,
    ) -> A:
        """Take a seat; its questions come on this connection."""
        terms = {"lapse": lapse, "after_s": after_s}
        return self.call("lease", episode=episode, seat=seat, who=who, **terms)

    def take_model(self, model: str, who: str) -> A:
        """Stand for a model; its prompts come on this connection."""
        return self.call("take_model", model=model, who=who)

    def answer(self, question: str, action: Any) -> A:
        """Answer a question."""
        return self.call("answer", question=question, action=action)

    def wait(self, question: str, until: float | None = None) -> A:
        """Do nothing for now, where that may be; `until` is world time in seconds."""
        return self.call("answer", question=question, wait=True, until=until)

    def leave(self, episode: int, seat: str) -> A:
        """Leave a seat."""
        return self.call("leave", episode=episode, seat=seat)

    def leave_model(self, model: str) -> A:
        """Stand for a model no more."""
        return self.call("leave", model=model)


def request_line(number: int, kind: str, arguments: Mapping[str, Any]) -> bytes:
    """A request as it is sent.

    Raises:
        ControlError: The run would not read one so long.
    """
    line = json.dumps({"id": number, "kind": kind, **arguments}).encode()
    if len(line) > LONGEST_LINE:
        raise overlong()
    return line + b"\n"


def answer_in(line: Answer) -> Answer:
    """What an answer says.

    Raises:
        ControlError: It is an error.
    """
    if "error" in line:
        raise ControlError(line["error"])
    return {key: value for key, value in line.items() if key not in ("id", "ok")}


def not_live(run: str | Path) -> ControlError:
    """The error where there is nobody to connect to."""
    return ControlError(f"nobody listens at the socket of {run}; the run has ended or was killed")


def cut_off() -> ControlError:
    """The error where the other side has gone."""
    return ControlError("the run has closed the connection; see how far it came, or go on with it")
