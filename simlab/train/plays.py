"""The runs of a round: to collect episodes, and to compare versions on states that are held out.

Whoever learns plays on a model of its own, `LEARNER`, which shares its weights with those of equal
options and alone bears the adapter. All others, assessors among them, play on the base.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simlab.env.environment import Environment
from simlab.errors import ConfigError
from simlab.find import near
from simlab.models.embedder import Embedder
from simlab.models.held import Held
from simlab.seeding import derive
from simlab.sim.casting import seat_specs
from simlab.sim.config import AgentSpec, PartSpec, RunFile, checked
from simlab.sim.kinds import find_agent, find_judge
from simlab.sim.make import parameters
from simlab.sim.modelling import build_models
from simlab.train.states import Reset, States
from simlab.train.train_file import TrainFile

LEARNER = "learner"
"""Name of the model that learns, in the runs of a training."""

HARM = "harm"
"""Name of the judge of harm, in runs that compare versions."""


class Plays:
    """Makes the run files of a training's rounds.

    Args:
        file: The training.
        world: That is played.

    Attributes:
        states: Where episodes begin.
        model: Name of the model that the learner begins with.

    Raises:
        ConfigError: The learner cannot learn, or there are too few states.
    """

    def __init__(self, file: TrainFile, world: Environment) -> None:
        self._file = file
        self.states = States.of(world, file.evaluate.states)
        self.states.check(file.collect)
        self._specs = _specs_by_seat(file, world)
        self.model = _model_of_learner(file, self._specs)
        self._cast = {
            seat: _named(spec, find_agent, self.model) for seat, spec in self._specs.items()
        }
        seat = file.learner.seat
        self._cast[seat] = _learning(self._specs[seat], self._cast[seat])

    @property
    def rater(self) -> PartSpec:
        """Who gives the ratings that are learnt from."""
        rating = self._file.rating
        if rating.judge is not None:
            return self._file.run.judges[rating.judge]
        assert rating.seat is not None, "a score is a seat's or a judge's"
        return self._specs[rating.seat]

    def collecting(self, number: int, adapter: Path | None) -> RunFile:
        """What a round plays to learn from.

        Args:
            number: Of the round, from 1.
            adapter: Folder of the version that plays; None for the base.
        """
        file = self._file
        resets = self.states.collected(file.collect, number, file.seed)
        return self._run("collect", resets, derive(file.seed, "round", number), adapter)

    def evaluating(self, adapter: Path | None) -> RunFile:
        """What a version plays to be compared with others; seeds are the same for all of them."""
        resets = self.states.evaluated(self._file.evaluate.rollouts)
        seed = derive(self._file.seed, "evaluate")
        return self._run("evaluate", resets, seed, adapter, harm=True)

    def _run(
        self, name: str, resets: list[Reset], seed: int, adapter: Path | None, *, harm: bool = False
    ) -> RunFile:
        run = self._file.run
        model = dict(run.models[self.model])
        if adapter is not None:
            model["adapter"] = str(adapter.absolute())
        judges = {n: _named(judge, find_judge, self.model) for n, judge in run.judges.items()}
        if harm:
            judges[HARM] = _named(self._file.evaluate.harm, find_judge, self.model)
        data = run.model_dump(mode="json", exclude_unset=True)
        own = {"name": name, "seed": seed, "resets": resets, "episodes": len(resets)}
        models = {**run.models, LEARNER: model}
        return checked({**data, **own, "cast": self._cast, "judges": judges, "models": models})


def _specs_by_seat(file: TrainFile, world: Environment) -> Mapping[str, AgentSpec]:
    """Who takes each seat; what a training cannot have is refused."""
    run, seat = file.run, file.learner.seat
    if run.persistent or run.resets:
        what = f"cast.{run.persistent[0]}.persistent" if run.persistent else "resets"
        raise ConfigError(f"run.{what}: a training begins each episode anew, so leave that out")
    if LEARNER in run.models:
        raise ConfigError(f"run.models.{LEARNER}: that is the learner's; give it another name")
    if HARM in run.judges:
        raise ConfigError(f"run.judges.{HARM}: that is evaluate.harm; give it another name")
    specs = seat_specs(run, world)
    if seat not in specs:
        raise ConfigError(f"learner.seat: nobody sits in {seat!r}; {near(seat, [*specs])}")
    for key, spec in (("rating", file.rating), ("veto", file.veto)):
        if spec is None:
            continue
        kind, name = ("seat", spec.seat) if spec.judge is None else ("judge", spec.judge)
        known = [*specs] if kind == "seat" else [*run.judges]
        if name not in known:
            raise ConfigError(
                f"{key}.{kind}: the run has no {kind} {name!r}; {near(str(name), known)}"
            )
        if name == seat and kind == "seat":
            raise ConfigError(f"{key}.seat must be another than the learner's, got {name!r}")
    return specs


def _model_of_learner(file: TrainFile, specs: Mapping[str, AgentSpec]) -> str:
    """The model that the learner begins with.

    Raises:
        ConfigError: It has none that can be trained.
    """
    seat, models = file.learner.seat, build_models(file.run.models)
    known = [name for name, model in models.items() if not isinstance(model, Embedder)]
    name = file.learner.model or specs[seat].model or (known[0] if len(known) == 1 else None)
    if name not in known:
        raise ConfigError(f"learner.model: there is no model {name!r}; {near(str(name), known)}")
    if not isinstance(models[name], Held):
        engine = file.run.models[name].get("engine")
        raise ConfigError(
            f"run.models.{name}.engine must be one that holds weights, which can be trained, such "
            f"as 'transformers' or 'vllm', got {engine!r}"
        )
    return name


def _named(spec: PartSpec, find: Any, model: str) -> dict[str, Any]:
    """An entry of a cast, or a judge, that names its model: it is the only one no more."""
    data = {**spec.model_dump(mode="json", exclude_unset=True), "agent": spec.agent}
    taken = parameters(find(spec.agent)) or ()
    if spec.model is None and "model" in taken:
        data["model"] = model
    if spec.judges:
        data["judges"] = {n: _named(each, find_judge, model) for n, each in spec.judges.items()}
    return data


def _learning(spec: AgentSpec, data: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of the learner: token ids are kept from turn to turn, and their logprobs told."""
    sampling = {**spec.options.get("sampling", {}), "logprobs": True}
    return {"memory": "list", **data, "model": LEARNER, "sampling": sampling}
