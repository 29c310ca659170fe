"""Checks of what is to hold of a seat, before any episode is told."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from simlab.env.environment import Environment, Seat
from simlab.errors import ConfigError, ControlError
from simlab.find import near
from simlab.models.engines import ENGINES, build, read_spec
from simlab.models.held import Held
from simlab.problem import problem
from simlab.sim.absent import AbsentPerson, absent_models
from simlab.sim.casting import make_agent, make_world, seat_specs
from simlab.sim.config import RunFile
from simlab.sim.control.order import Order
from simlab.sim.kinds import find_agent
from simlab.sim.option_types import check_types
from simlab.sim.seating import edited
from simlab.trace.events import digest_of
from simlab.trace.plain import plain

Edits = Iterable[Sequence[Order]]
"""Orders of kind ``edit``, for each of some episodes."""

_FIXED = ("agent", "judges", "tools", "persistent", "model")
"""What cannot be edited in a run that goes on: it names code, or others, or holds of all of it."""


class Checks:
    """Sees that what is ordered of a run's seats could be made.

    Args:
        run: What is run.
        has_hosts: Whether its episodes are played on hosts, none of which may hold weights.
    """

    def __init__(self, run: RunFile, *, has_hosts: bool) -> None:
        self._run = run
        self._has_hosts = has_hosts
        self._made: Environment | None = None

    def person_models(self, added: Mapping[str, Any]) -> set[str]:
        """The models that people stand for, of the run and of those that orders have added."""
        models = {**self._run.models, **added}
        return {name for name, entry in models.items() if entry["engine"] == "person"}

    @property
    def seats(self) -> list[Seat]:
        """The seats of the world, with or without somebody in them."""
        return [*self._world.seats]

    def require_seat(self, seat: Seat) -> None:
        """See that there is a seat.

        Raises:
            ControlError: There is none.
        """
        if seat not in self._world.seats:
            raise ControlError(f"there is no seat {seat!r}; {near(seat, [*self._world.seats])}")

    def require_changeable(self, seat: Seat) -> None:
        """See that there is a seat in which no agent lives across episodes.

        Raises:
            ControlError: There is none, or one does.
        """
        self.require_seat(seat)
        spec = seat_specs(self._run, self._world).get(seat)
        if spec is not None and spec.persistent:
            raise ControlError(
                f"the agent in seat {seat!r} is persistent, and cannot be changed in one episode; "
                "say something in its place, or branch the episode"
            )

    def require_options(self, seat: Seat, options: Mapping[str, Any], edits: Edits) -> None:
        """See that the agent of a seat could be made with other options.

        Args:
            seat: Which.
            options: That are to hold of it.
            edits: Of the seat, that hold already, for each episode that is meant.

        Raises:
            ControlError: It could not.
        """
        for key in options:
            if key in _FIXED:
                raise ControlError(
                    f"{key!r} cannot be edited while the run goes on; branch it to change that"
                    + (", or swap the model" if key == "model" else "")
                )
        for before in edits:
            self._require_agent(seat, options, {}, before)

    def swapped_model(
        self, seat: Seat, model: str | Mapping[str, Any], edits: Edits
    ) -> "ExtraModel":
        """The model that a seat's agent is to have.

        Args:
            seat: Which.
            model: A name under the run's models, or an entry for there.
            edits: As in `require_options`.

        Raises:
            ControlError: There is none, or the agent cannot have it.
        """
        if isinstance(model, str):
            self._require_known(model)
            extra: ExtraModel = {}
            name = model
        else:
            name, extra = self._new_model(model)
        for before in edits:
            self._require_agent(seat, {"model": name}, extra, before)
        return {"options": {"model": name}, "models": extra}

    @property
    def _world(self) -> Environment:
        if self._made is None:
            self._made = make_world(self._run)
        return self._made

    def _require_known(self, model: str) -> None:
        if model not in self._run.models:
            raise ControlError(
                f"the run has no model {model!r}; {near(model, [*self._run.models])}, or give an "
                "entry such as {'engine': 'scripted'}"
            )

    def _new_model(self, entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The name and the entry of a model that the run does not have."""
        engine = entry.get("engine")
        if engine not in ENGINES:
            raise ControlError(f"there is no engine {engine!r}; {near(str(engine), [*ENGINES])}")
        name = f"{engine}-{digest_of(plain(entry))[:6]}"
        try:
            spec = read_spec(name, entry)
            model = build(name, entry)
        except ConfigError as error:
            raise ControlError(error.message) from error
        if spec.replicas is not None or (self._has_hosts and isinstance(model, Held)):
            raise ControlError(
                f"engine {engine!r} has weights, which hosts share; name a model that the run has, "
                "or branch it"
            )
        return name, {name: dict(entry)}

    def _require_agent(
        self,
        seat: Seat,
        options: Mapping[str, Any],
        added: Mapping[str, Any],
        edits: Sequence[Order],
    ) -> None:
        """See that the agent of a seat could be made with options, after earlier edits of it."""
        self.require_changeable(seat)
        spec = seat_specs(self._run, self._world).get(seat)
        if spec is None:
            raise ControlError(f"nobody takes seat {seat!r}, so there is no agent to change")
        models = {**self._run.models, **added}
        try:
            for edit in edits:
                spec = edited(spec, edit.args["options"])
                models |= edit.args["models"]
            spec = edited(spec, options)
            what = f"agent {spec.agent} in seat {seat!r}"
            check_types(what, find_agent(spec.agent), spec.options)
            place = self._world.seats[seat]
            make_agent(
                spec, seat, place, models=absent_models(models), person=AbsentPerson(), seed=0
            )
        except ValidationError as error:
            found = [problem(part, part["loc"]) for part in error.errors()]
            raise ControlError("; ".join(found)) from error
        except ConfigError as error:
            raise ControlError(error.message) from error


ExtraModel = dict[str, Any]
"""``options`` of a seat, and the ``models`` that they name which the run does not have."""
