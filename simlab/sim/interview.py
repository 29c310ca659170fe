"""Interviews: an agent of a recorded run answers questions of one's own, as it was at a turn.

    talk = simlab.Run("runs/car_sale-0001").episode(0).interview("Why so little?", seat="buyer")
    talk = talk.ask("What would you pay at most?")

The episode is played again with its recorded effects up to the turn, so the agent is as it was
then: its persona, its memory, what else it keeps. Then its model is asked. Nothing of the run
changes, and the agent is gone when it has answered: what was asked before is put before it with
each question.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from simlab.actors import ActorSystem
from simlab.agents.agent import Agent
from simlab.agents.interviewee import Exchange, Interviewee
from simlab.env.environment import Seat
from simlab.errors import AgentFailedError, ConfigError
from simlab.models.embedder import AnyModel
from simlab.seeding import derive
from simlab.sim.blocking import run_async
from simlab.sim.config import RunFile
from simlab.sim.lookout import Post, agent_at
from simlab.sim.modelling import SharedModels, build_models
from simlab.sim.overrides import ALL, overridden, with_models
from simlab.sim.replay import staging_of
from simlab.sim.run import Run
from simlab.sim.staging import Staging
from simlab.sim.understudy import understudies
from simlab.stray import Boundary
from simlab.trace.disk import read_json, write_whole
from simlab.trace.tracing import drawing_by


@dataclass(frozen=True, slots=True)
class Interview:
    """What somebody has asked an agent of a run, and what it has answered.

    Attributes:
        run: The run's directory.
        episode: Of which episode.
        step: The agent has perceived what it does before it acts in this step, and has not acted.
        seat: Where it sits.
        models: ``NAME=ENGINE[:WEIGHTS]`` each: who answers in the place of the run's models.
        seed: Root of the seeds by which answers are drawn.
        exchanges: Questions and answers, oldest first.
    """

    run: str
    episode: int
    step: int
    seat: Seat
    models: tuple[str, ...] = ()
    seed: int = 0
    exchanges: tuple[Exchange, ...] = ()

    @classmethod
    def of(
        cls,
        run: Run,
        *,
        seat: Seat,
        episode: int = 0,
        step: int | None = None,
        models: Sequence[str] = (),
        seed: int = 0,
    ) -> "Interview":
        """An interview in which nothing was asked yet.

        Args:
            run: Which.
            seat: Where the agent sits.
            episode: Of which episode.
            step: At which step; None for the end of what is recorded.
            models: Who answers in the place of the run's models.
            seed: Root of the seeds by which answers are drawn.

        Raises:
            ConfigError: There is no such episode or step.
        """
        if episode not in run.log.episodes:
            known = ", ".join(map(str, [*run.log.episodes][:20])) or "none"
            raise ConfigError(f"{run.path} has no episode {episode}; it has {known}")
        n_steps = run.log.n_steps(episode)
        at = n_steps if step is None else step
        if not 0 <= at <= n_steps:
            raise ConfigError(
                f"episode {episode} has {n_steps} steps; --step must be in 0..{n_steps}, got {at}"
            )
        return cls(str(run.path), episode, at, seat, tuple(models), seed)

    @classmethod
    def read(cls, path: Path) -> "Interview | None":
        """The interview that a file keeps; None if there is none.

        Raises:
            RunDirectoryError: It keeps something else.
        """
        return read_json(path, cls, remedy="give the interview another file by --out")

    def write(self, path: Path) -> None:
        """Keep it in a file.

        Raises:
            LogWriteError: The disk does not take it.
        """
        write_whole(path, msgspec.json.format(msgspec.json.encode(self)))

    def ask(self, *questions: str) -> "Interview":
        """Ask on; gives the interview with the answers.

        Raises:
            ConfigError: Nobody sits there, the agent cannot be interviewed, or a model is wrong.
            EpisodeError: It did not answer, or raised something of its own.
            ReplayDivergence: The episode parts from its record.
        """
        asked: Interview = run_async(self._ask(questions))
        return asked

    def is_like(self, other: "Interview") -> bool:
        """Whether two are of the same agent at the same step, asked alike."""
        return replace(self, exchanges=()) == replace(other, exchanges=())

    def __str__(self) -> str:
        return "\n\n".join(f"Q: {each.question}\n\n{each.answer}" for each in self.exchanges)

    async def _ask(self, questions: Sequence[str]) -> "Interview":
        run = Run(self.run)
        post = Post(self.episode, self.step, self.seat)
        exchanges = [*self.exchanges]
        async with AsyncExitStack() as stack:
            system = await stack.enter_async_context(ActorSystem(hosts=0))
            owner = f"interview of {run.path.resolve()} by {os.getpid()}"
            shared = await stack.enter_async_context(SharedModels(system, owner))
            staging = await _staging(run, self.models, shared)
            agent = await agent_at(system.driver, staging, run.log, post)
            for question in questions:
                with drawing_by(derive(self.seed, "interview", len(exchanges))):
                    answer = await self._answer(agent, question, exchanges)
                exchanges.append(Exchange(question, answer))
        return replace(self, exchanges=tuple(exchanges))

    async def _answer(self, agent: Agent, question: str, earlier: Sequence[Exchange]) -> str:
        if not isinstance(agent, Interviewee):
            raise ConfigError(
                f"{type(agent).__name__} in seat {self.seat!r} cannot be interviewed; give it "
                "`async def query(self, question, earlier=())`, or ask another seat"
            )
        with Boundary(f"the agent in seat {self.seat!r}", AgentFailedError):
            return str(await agent.query(question, tuple(earlier)))


async def _staging(run: Run, given: Sequence[str], shared: SharedModels) -> Staging:
    """What was run, with models that answer whatever is not in the record."""
    staging = staging_of(run)
    with_models(
        run.file.model_dump(mode="json", exclude_unset=True), given
    )  # refuses what is wrong
    *before, now = [await _models(file, given, shared) for file, _ in staging.configurations()]
    return replace(
        staging,
        models=now,
        models_before=tuple(before),
        make_models=lambda specs: understudies(specs, build_models(specs)),
    )


async def _models(
    file: RunFile, given: Sequence[str], shared: SharedModels
) -> Mapping[str, AnyModel]:
    """The models of a configuration, or who answers in their place."""
    fitting = [each for each in given if each.partition("=")[0] in (ALL, *file.models)]
    data = overridden(file.model_dump(mode="json", exclude_unset=True), models=fitting)
    specs = data.get("models", {})
    return understudies(file.models, {**build_models(specs), **await shared.start(specs)})
