"""What every time step of a world must keep to, whatever the world."""

import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from pydantic_core import PydanticSerializationError, to_json

from simlab.address import address_in
from simlab.env.environment import (
    PASS,
    UNSET,
    ActionRequest,
    Ending,
    Environment,
    Seat,
    TimeStep,
)
from simlab.env.form import malformed
from simlab.env.spaces import admit, json_schema
from simlab.errors import IllegalAction, SimlabError, UnfitAnswerError
from simlab.stray import in_words

_LONGEST: Final = 200
_UNWRITABLE: Final = (PydanticSerializationError, TypeError, ValueError)


class EnvironmentContractError(SimlabError):
    """A world breaks the contract; names the rule, the seed, the step, expected and got."""


class WatchedWorld:
    """A world whose every time step is checked as it comes and kept to be compared.

    Args:
        world: The world; reset and stepped through this object only.

    Attributes:
        world: The world itself.
        steps: The time steps of the episode, as they came.
        plain: The same as plain data, written down at once.
    """

    def __init__(self, world: Environment) -> None:
        self.world = world
        self.steps: list[TimeStep] = []
        self.plain: list[dict[str, Any]] = []
        self._seed = 0
        self._ended: dict[Seat, Ending] = {}
        if not isinstance(world, Environment) or not world.seats:
            expected = "expected an Environment with seats, reset() and step()"
            raise EnvironmentContractError(f"{expected}, got {world!r}")

    def reset(self, seed: int, options: Mapping[str, Any] | None) -> TimeStep:
        """Begin an episode.

        Raises:
            EnvironmentContractError: The time step breaks a rule.
        """
        self.steps, self.plain, self._seed, self._ended = [], [], seed, {}
        before = repr(options)
        with self._minding("reset()"):
            timestep = self.world.reset(seed, options)
        if repr(options) != before:
            rule = "reset() must leave the options that it is given as they are"
            raise self.error(f"{rule}: expected {before}, got {options!r}; change a copy", 0)
        return self._taken(timestep, now=0.0)

    def step(self, actions: Mapping[Seat, Any], now: float) -> TimeStep:
        """Take one step.

        Raises:
            EnvironmentContractError: The time step breaks a rule.
            IllegalAction: The world refuses the actions.
        """
        with self._minding("step()"):
            timestep = self.world.step(actions, now)
        return self._taken(timestep, now)

    def check_kept(self) -> None:
        """Check that no time step has changed since it was handed out.

        Raises:
            EnvironmentContractError: One has, so that a buffer is used twice.
        """
        for number, (timestep, plain) in enumerate(zip(self.steps, self.plain, strict=True)):
            if part := difference(plain, _plain(timestep)):
                rule = "what was handed out must not change afterwards"
                raise self.error(f"{rule}: {part}; hand out a copy", number)

    def error(self, broken: str, step: int | None = None) -> EnvironmentContractError:
        """The error that `broken` was found at a step; without one, at the last."""
        at = len(self.steps) - 1 if step is None else step
        name = type(self.world).__name__
        return EnvironmentContractError(f"{name} at step {at} of seed {self._seed}: {broken}")

    def _taken(self, timestep: TimeStep, now: float) -> TimeStep:
        self.steps.append(timestep)
        if broken := malformed(timestep, self.world.seats):
            raise self.error(broken)
        for broken in self._broken_rules(timestep, now):
            raise self.error(broken)
        self._ended.update(timestep.ended)
        for seat, seen in timestep.observations.items():
            for broken in _nondescript(seat, seen):
                raise self.error(broken)
        try:
            self.plain.append(_plain(timestep))
        except _UNWRITABLE as error:
            raise self.error(f"a time step must be writable as JSON: {error}") from error
        return timestep

    def _broken_rules(self, timestep: TimeStep, now: float) -> Iterator[str]:
        yield from self._broken_by_ended_seats(timestep)
        for seat, reward in timestep.rewards.items():
            if isinstance(reward, bool) or not math.isfinite(reward):
                yield f"the reward of {seat!r} must be a finite number, got {reward!r}"
        for seat, request in timestep.requests.items():
            yield from _broken_by_request(seat, request, now)
        if timestep.wake is not None and timestep.wake < now:
            yield f"wake must be a time from now ({now}) on, got {timestep.wake!r}"
        if _stuck(timestep):
            asked = sorted(timestep.requests)
            rule = "where nobody must act, something must set a time: a wake or a deadline"
            yield f"{rule}, got none beside the optional requests of {asked!r}"
        playing = set(self.world.seats) - set(self._ended) - set(timestep.ended)
        if timestep.over and playing:
            yield f"expected every seat to have ended when nobody may act, got {sorted(playing)!r}"

    def _broken_by_ended_seats(self, timestep: TimeStep) -> Iterator[str]:
        for seat in timestep.ended:
            if seat in timestep.requests:
                yield f"a seat that ends must not be asked to act, got {seat!r} asked"
        for name in ("requests", "rewards", "ended"):
            for seat in getattr(timestep, name):
                if seat in self._ended:
                    yield f"{name} must hold no seat that has ended before, got {seat!r}"

    @contextmanager
    def _minding(self, call: str) -> Iterator[None]:
        """See that a call raises nothing but refusals, and leaves the global generators alone."""
        before = _generators()
        try:
            yield
        except IllegalAction:
            raise
        except Exception as error:
            got = f"got {in_words(error)}"
            raise self.error(
                f"{call} must raise nothing but IllegalAction, {got}", len(self.steps)
            ) from error
        for name, state in _generators().items():
            if state != before[name]:
                rule = f"{call} must leave the global generator of {name} where it is, got it moved"
                raise self.error(f"{rule}; draw from a generator of the seed", len(self.steps))


@contextmanager
def global_generators_restored() -> Iterator[None]:
    """Put the global generators of `random` and NumPy back to where they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is meant
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002 - as above


def move_global_generators(seed: int) -> None:
    """Set the global generators of `random` and NumPy to another place."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the global one is meant


def difference(expected: Mapping[str, Any], got: Mapping[str, Any]) -> str | None:
    """Where two time steps in plain data differ first, or None where they are equal."""
    for name, one in expected.items():
        other = got[name]
        if one == other:
            continue
        seats = sorted(set(one) | set(other)) if isinstance(one, dict) else ()
        for seat in seats:
            if one.get(seat) != other.get(seat):
                return f"expected {name} of {seat!r} {_brief(one, seat)}, got {_brief(other, seat)}"
        return f"expected {name} {_short(one)}, got {_short(other)}"
    return None


def _nondescript(seat: Seat, seen: Iterable[Any]) -> Iterator[str]:
    """Observations that say nothing of what they are but where in memory they lie."""
    for observation in seen:
        try:
            text = _as_json(observation).decode()
        except _UNWRITABLE:
            kind = type(observation).__name__
            rule = f"observations of {seat!r} must be data, such as text, numbers and dataclasses"
            yield f"{rule}, got an object of type {kind}, of which agents and logs see nothing"
        else:
            if address := address_in(text):
                rule = f"observations of {seat!r} must show no address of an object"
                yield f"{rule}, got {address!r}; show what it is, as by a __str__ of its own"


def _plain(timestep: TimeStep) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(_as_json(timestep))
    return plain


def _as_json(value: Any) -> bytes:
    return to_json(value, fallback=_plain_value, inf_nan_mode="strings")


def _plain_value(value: Any) -> Any:
    """What JSON has no form for: arrays, spaces, and the two marks for defaults."""
    if value is PASS or value is UNSET:
        return repr(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return json_schema(value)


def _stuck(timestep: TimeStep) -> bool:
    """Whether nothing ever happens if everybody waits."""
    requests = timestep.requests.values()
    moves = (request.required or request.deadline is not None for request in requests)
    return bool(requests) and timestep.wake is None and not any(moves)


def _broken_by_request(seat: Seat, request: ActionRequest, now: float) -> Iterator[str]:
    if request.deadline is not None and request.deadline < now:
        rule = f"the deadline of {seat!r} must be a time from now ({now}) on"
        yield f"{rule}, got {request.deadline!r}"
    if request.legal is not None and len(request.legal) == 0:
        yield f"legal of {seat!r} must not be empty; leave the seat out of the requests"
    if request.default is UNSET or request.default is PASS:
        return
    try:
        admit(ActionRequest(request.space, request.legal), request.default)
    except UnfitAnswerError as error:
        yield f"the default of {seat!r} must be legal, got {request.default!r}: {error.message}"


def _generators() -> dict[str, Any]:
    numpy = np.random.get_state(legacy=False)  # noqa: NPY002 - the global one is meant
    twister = numpy["state"]
    return {
        "random": random.getstate(),
        "numpy": (twister["key"].tobytes(), twister["pos"], numpy["has_gauss"], numpy["gauss"]),
    }


def _brief(part: Mapping[str, Any], seat: Seat) -> str:
    return _short(part[seat]) if seat in part else "absent"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
