"""Makes what a run file describes: its world, and the agents and judges of an episode."""

import fnmatch
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from simlab.agents.agent import Agent
from simlab.agents.function import as_agent
from simlab.agents.person import Person
from simlab.env.environment import Environment, Seat, SeatSpec
from simlab.errors import ConfigError
from simlab.find import find, near
from simlab.models.embedder import AnyModel
from simlab.models.model import Model
from simlab.seeding import derive
from simlab.sim.config import AgentSpec, PartSpec, RunFile
from simlab.sim.kinds import find_agent, find_judge
from simlab.sim.make import make, parameters, require_maker


def make_world(run: RunFile) -> Environment:
    """A new world.

    Raises:
        ConfigError: It cannot be found or made, or is no world.
    """
    world = make(f"world {run.world}", find(run.world), run.options)
    if not isinstance(world, Environment):
        raise ConfigError(f"{run.world} must have seats, reset() and step(), got {world!r}")
    return world


def in_words(world: Environment) -> str:
    """What a world says of itself, such as how much it has to play; empty where it says nothing."""
    return "" if type(world).__str__ is object.__str__ else str(world)


def seat_specs(run: RunFile, world: Environment) -> dict[Seat, AgentSpec]:
    """Who takes each seat of a world; optional seats may be left empty.

    Raises:
        ConfigError: The cast names a seat that is not there, or leaves one empty.
    """
    specs: dict[Seat, AgentSpec] = {}
    for name, spec in run.cast.items():
        if name not in world.seats:
            specs.update(dict.fromkeys(seats_of(name, world), spec))
    for seat in world.seats:
        if seat in run.cast:
            specs[seat] = _refined(specs.get(seat), run.cast[seat])
    empty = [s for s, spec in world.seats.items() if s not in specs and not spec.optional]
    if empty:
        raise ConfigError(f"cast leaves seats empty: {', '.join(empty)}; say who takes each")
    return specs


def seats_of(name: str, world: Environment) -> list[Seat]:
    """The seats that a name or pattern in a cast means.

    Raises:
        ConfigError: None.
    """
    seats = fnmatch.filter(world.seats, name)
    if not seats:
        raise ConfigError(
            f"cast.{name}: the world has no seat {name!r}; {near(name, [*world.seats])}"
        )
    return seats


def models_of(spec: AgentSpec, run: RunFile) -> dict[str, Any]:
    """What a run file says of the models that an agent may ask: those it names, or else any."""
    named = {name: run.models[name] for name in spec.named_models}
    if spec.model is not None:
        return named
    found = find_agent(spec.agent)
    return run.models if isinstance(found, type) and _takes_model(found) else named


def asks_person(spec: AgentSpec) -> bool:
    """Whether an agent takes a ``person``, whom it then asks.

    Raises:
        ConfigError: There is no such agent.
    """
    found = find_agent(spec.agent)
    return isinstance(found, type) and "person" in (parameters(found) or ())


def takes_seed(spec: AgentSpec) -> bool:
    """Whether an agent is given a ``seed`` that follows from the run's, by which it draws."""
    found = find_agent(spec.agent)
    if not isinstance(found, type) or "seed" in spec.options:
        return False
    taken = parameters(found)
    return taken is None or "seed" in taken


def make_agent(
    spec: AgentSpec,
    seat: Seat,
    place: SeatSpec,
    *,
    models: Mapping[str, AnyModel],
    person: Person,
    seed: int,
) -> Agent:
    """The agent that a run file puts in a seat.

    It is given its options, and of ``model``, ``person``, ``seat``, ``role``, ``seed`` and
    ``session`` what it takes.

    Args:
        spec: Which agent.
        seat: Where it sits.
        place: What the world says of the seat.
        models: The run's models by name.
        person: Whom agents ask that are people.
        seed: The episode's, or the run's for an agent that lives across episodes; the agent gets
            one derived from it and from its seat.

    Raises:
        ConfigError: It cannot be made.
    """
    found = find_agent(spec.agent)
    what = f"agent {spec.agent} in seat {seat!r}"
    if isinstance(found, type):
        members = make_members(spec, models=models, seed=seed)
        offered = {
            "seat": seat,
            "role": place.role,
            "person": person,
            **_seeds(seed, seat),
            **members,
        }
        agent = _make(what, found, spec, models=models, offered=offered)
    elif isinstance(found, Agent):
        raise ConfigError(f"{what} is one object, which all episodes would share; name its class")
    else:
        given = spec.options if spec.model is None else {**spec.options, "model": spec.model}
        agent = make(what, partial(as_agent, found), given)
    if not isinstance(agent, Agent):
        raise ConfigError(f"{what} must have observe() and act(), got {agent!r}")
    return agent


def make_judge(name: str, spec: PartSpec, *, models: Mapping[str, AnyModel], seed: int) -> Any:
    """The judge that a run file names.

    Raises:
        ConfigError: It cannot be made.
    """
    found = find_judge(spec.agent)
    require_maker(f"judge {name!r}", found)
    own_seed = derive(seed, "judge", name)
    members = make_members(spec, models=models, seed=own_seed)
    offered = {"name": name, "seed": own_seed, **members}
    judge = _make(f"judge {name!r}", found, spec, models=models, offered=offered)
    if not hasattr(judge, "score"):
        raise ConfigError(f"judge {name!r} must have score(), got {judge!r}")
    return judge


def make_members(
    spec: PartSpec, *, models: Mapping[str, AnyModel], seed: int
) -> dict[str, dict[str, Any]]:
    """The judges of a panel, under the name by which it takes them; nothing where there are none.

    Raises:
        ConfigError: One cannot be made.
    """
    made = {n: make_judge(n, each, models=models, seed=seed) for n, each in spec.judges.items()}
    return {"judges": made} if made else {}


def _seeds(seed: int, seat: Seat) -> dict[str, Any]:
    """What tells an agent from those in other seats and other episodes."""
    return {"seed": derive(seed, "agent", seat), "session": f"{seed}/{seat}"}


def _refined(usual: AgentSpec | None, own: AgentSpec) -> AgentSpec:
    """What a cast says of a seat by its own name, added to what a pattern says of it."""
    if usual is None or "agent" in own.model_fields_set:
        return own
    return usual.model_copy(update=own.model_dump(exclude_unset=True))


def _make(
    what: str,
    maker: Callable[..., Any],
    spec: PartSpec,
    *,
    models: Mapping[str, AnyModel],
    offered: Mapping[str, Any],
) -> Any:
    taken = parameters(maker)
    given = {name: value for name, value in offered.items() if taken is None or name in taken}
    if _takes_model(maker):
        given["model"] = _model_of(what, spec, models)
    elif spec.model is not None:
        raise ConfigError(f"{what} takes no model, got {spec.model!r}")
    if spec.judges and taken is not None and "judges" not in taken:
        raise ConfigError(f"{what} takes no judges, got {tuple(spec.judges)!r}")
    return make(what, maker, {**given, **_options(spec, models)})


def _options(spec: PartSpec, models: Mapping[str, AnyModel]) -> dict[str, Any]:
    """What else a constructor is given: a memory is given its model in the place of its name."""
    options = spec.options
    if spec.memory_model is None:
        return options
    return {**options, "memory": {**options["memory"], "model": models[spec.memory_model]}}


def _takes_model(maker: Callable[..., Any]) -> bool:
    taken = parameters(maker)
    return taken is None or "model" in taken


def _model_of(what: str, spec: PartSpec, models: Mapping[str, AnyModel]) -> Model:
    """The language model that is named, or the only one there is."""
    found = {name: model for name, model in models.items() if isinstance(model, Model)}
    if spec.model in found:
        return found[spec.model]
    if not found:
        raise ConfigError(
            f"{what} needs a model, and the run has none; name one under models, such as "
            "small: {engine: transformers, weights: embedded}"
        )
    if spec.model is None and len(found) == 1:
        return next(iter(found.values()))
    got = "" if spec.model is None else f", got {spec.model!r}, which embeds texts"
    raise ConfigError(f"{what} needs a model; set model: to one of {', '.join(sorted(found))}{got}")
