"""Rehearsal: everything that a run file names is made once before anything is started."""

import sys

from simlab.errors import ConfigError
from simlab.models.model import Model
from simlab.sim.absent import AbsentModel
from simlab.sim.casting import make_agent, make_judge, make_world, seat_specs
from simlab.sim.config import RunFile


def rehearse(run: RunFile) -> None:
    """See that a run file's world, agents and judges can be made.

    Raises:
        ConfigError: One cannot; says which and why.
    """
    world = make_world(run)
    models: dict[str, Model] = {name: AbsentModel(name) for name in run.models}
    for seat, spec in seat_specs(run, world).items():
        if spec.agent == "human" and not sys.stdin.isatty():
            raise ConfigError(
                f"cast.{seat} is a human, and there is no terminal to ask at; "
                f"run it in a terminal, or set cast.{seat}.agent to llm, random or scripted"
            )
        make_agent(spec, seat, world.seats[seat], models=models, seed=0)
    for name, judge in run.judges.items():
        if judge.of and judge.of not in world.seats:
            raise ConfigError(f"judges.{name}.of names {judge.of!r}, which is no seat of the world")
        make_judge(name, judge, models=models, seed=0)
