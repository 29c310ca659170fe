"""The runs of a round: to collect episodes, and to compare versions on states that are held out.

Whoever learns plays on a model of its own, `LEARNER`, which shares its weights with those of equal
options and alone bears the adapter. All others, assessors among them, play on the base.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simlab.seeding import derive
from simlab.sim.config import AgentSpec, JudgeSpec, PartSpec, RunFile, checked
from simlab.sim.kinds import find_agent, find_judge
from simlab.sim.make import parameters
from simlab.sim.scoring.judge_file import JudgeFile
from simlab.train.states import Reset, States
from simlab.train.train_file import TrainFile

LEARNER = "learner"
"""Name of the model that learns, in the runs of a training."""

HARM = "harm"
"""Name of the judge of harm, in runs that compare versions."""


class Plays:
    """Makes the run files of a training's rounds; `rehearse_training` makes one that can be played.

    Args:
        file: The training.
        specs: Who takes each seat of its run.
        states: Where episodes begin.
        model: Name of the run's model that the learner begins with.

    Attributes:
        states: As given.
        model: As given.
        adapter: Folder of the version that the learner begins with; None for the weights alone.
    """

    def __init__(
        self, file: TrainFile, specs: Mapping[str, AgentSpec], states: States, model: str
    ) -> None:
        self._file = file
        self.states, self.model = states, model
        adapter = file.run.models[model].get("adapter")
        self.adapter = None if adapter is None else Path(adapter).absolute()
        self._cast = {seat: _named(spec, find_agent, model) for seat, spec in specs.items()}
        seat = file.learner.seat
        self._cast[seat] = _learning(specs[seat], self._cast[seat])

    @property
    def rater(self) -> PartSpec:
        """Who gives the ratings that are learnt from; its model is named."""
        rating = self._file.rating
        if rating.judge is not None:
            judge = self._file.run.judges[rating.judge]
            return JudgeSpec.model_validate(_named(judge, find_judge, self.model))
        assert rating.seat is not None, "a score is a seat's or a judge's"
        return AgentSpec.model_validate(self._cast[rating.seat])

    @property
    def harm(self) -> JudgeSpec:
        """Who measures harm; its models are named."""
        harm = self._file.evaluate.harm
        return JudgeSpec.model_validate(_named(harm, find_judge, self.model))

    def collecting(self, number: int, adapter: Path | None) -> RunFile:
        """What a round plays to learn from.

        Args:
            number: Of the round, from 1.
            adapter: Folder of the version that plays; None for the one that is begun with.
        """
        file = self._file
        resets = self.states.collected(file.collect, number, file.seed)
        return self._run("collect", resets, derive(file.seed, "round", number), adapter)

    def evaluating(self, adapter: Path | None) -> RunFile:
        """What a version plays to be compared with others; seeds are the same for all of them."""
        resets = self.states.evaluated(self._file.evaluate.rollouts)
        seed = derive(self._file.seed, "evaluate")
        return self._run("evaluate", resets, seed, adapter, harm=True)

    def trying(self) -> JudgeFile:
        """The judge of harm, and the labelled cases on which it is tried before it is used."""
        harm, run = self.harm, self._file.run
        return JudgeFile(
            name="trial",
            judges={HARM: harm},
            models={name: run.models[name] for name in harm.named_models},
            cases=self._file.evaluate.cases,
            seed=derive(self._file.seed, "trial"),
            concurrency=run.concurrency,
        )

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
