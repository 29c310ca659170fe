"""Rehearsal: everything that a run file names is made once before anything is started."""

import sys
from collections.abc import Mapping

from simlab.agents.agent import Agent
from simlab.agents.rating_judge import RatingJudge
from simlab.env.environment import Environment, Seat
from simlab.errors import ConfigError
from simlab.find import find, near
from simlab.models.embedder import AnyModel
from simlab.sim.absent import AbsentPerson, absent_models
from simlab.sim.casting import (
    asks_person,
    make_agent,
    make_judge,
    make_world,
    seat_specs,
    seats_of,
)
from simlab.sim.config import AgentSpec, JudgeSpec, PartSpec, RunFile
from simlab.sim.kinds import find_agent, find_judge
from simlab.sim.make import make
from simlab.sim.modelling import build_models, check_weights
from simlab.sim.option_types import check_types
from simlab.sim.spending import check_budget
from simlab.yaml_file import YamlFile, located


def rehearse(
    run: RunFile, source: YamlFile | None = None, *, has_person: bool = False
) -> Environment:
    """See that the world, agents, judges and models of a run can be made, and weights be had.

    Args:
        run: What is to be run.
        source: The file that it stands in, to name lines in messages.
        has_person: True: somebody is there for the seats that people take; else it takes a
            terminal.

    Returns:
        The world that was made, which may have been reset.

    Raises:
        ConfigError: Something cannot; says what and why.
    """
    with located(source, "world"):
        find(run.world)
    with located(source, "options"):
        world = make_world(run)
    with located(source, "reset"):
        _rehearse_reset(run, world)
    for episode, (_, nth) in enumerate(run.starts):
        if not nth:
            with located(source, "resets", episode):
                _reset(run, world, episode)
    models = absent_models(run.models)
    for name in run.cast:
        with located(source, "cast", name):
            seats_of(name, world)
    with located(source, "cast"):
        specs = seat_specs(run, world)
    agents: dict[Seat, Agent] = {}
    for seat, spec in specs.items():
        with located(source, "cast", seat):
            if not has_person:
                _check_terminal(seat, spec)
            what = f"agent {spec.agent} in seat {seat!r}"
            check_types(what, find_agent(spec.agent), spec.options)
            person, place = AbsentPerson(), world.seats[seat]
            agents[seat] = make_agent(spec, seat, place, models=models, person=person, seed=0)
            _check_distinct(seat, agents)
    for name, judge in run.judges.items():
        with located(source, "judges", name):
            _rehearse_judge(name, judge, world, models)
    for name, settings in run.models.items():
        with located(source, "models", name):
            check_weights(build_models({name: settings}))
    with located(source, "budget"):
        check_budget(run.budget, build_models(run.models).values())
    return world


def _rehearse_reset(run: RunFile, world: Environment) -> None:
    """See that the world takes the options of its resets, if it is to be given any."""
    if run.reset and not run.resets:
        _reset(run, world, 0)


def _reset(run: RunFile, world: Environment, episode: int) -> None:
    seed, options = run.seed_of(episode), run.reset_of(episode)
    make(f"reset of world {run.world}", lambda: world.reset(seed, options), {})


def _check_terminal(seat: Seat, spec: AgentSpec) -> None:
    if asks_person(spec) and not _has_terminal():
        raise ConfigError(
            f"cast.{seat} is a human, and there is no terminal to ask at; run it in a terminal, or "
            "with --people for those who come as it goes on, give simlab.run a person, or set "
            f"cast.{seat}.agent to llm, random or scripted"
        )


def _check_distinct(seat: Seat, agents: Mapping[Seat, Agent]) -> None:
    for other, agent in agents.items():
        if other != seat and agent is agents[seat]:
            raise ConfigError(
                f"cast.{seat} and cast.{other} are one object, {agent!r}; make one for each seat"
            )


def _rehearse_judge(
    name: str, judge: JudgeSpec, world: Environment, models: dict[str, AnyModel]
) -> None:
    if judge.of and judge.of not in world.seats:
        known = near(judge.of, [*world.seats])
        raise ConfigError(f"judges.{name}.of: the world has no seat {judge.of!r}; {known}")
    check_judge_types(name, judge)
    make_judge(name, judge, models=models, seed=0)


def check_judge_types(name: str, judge: PartSpec) -> None:
    """See that the options of a judge that sits in no seat are of their types, and say enough.

    Members of a panel are checked as it is.

    Raises:
        ConfigError: One is not, a judge that rates is not told what, or a name has a dot.
    """
    if "." in name:
        raise ConfigError(
            f"the name of a judge must have no dot, which tells a panel from its members, got "
            f"{name!r}; write {name.replace('.', '_')!r}"
        )
    found = find_judge(judge.agent)
    check_types(f"judge {name!r}", found, judge.options)
    if found is RatingJudge and not judge.options.get("question", "").strip():
        raise ConfigError(
            f"judge {name!r} must be given a question, got none; set question, as nobody else asks"
        )
    for member, spec in judge.judges.items():
        check_judge_types(member, spec)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
