"""One performance: an episode with its world, its cast and its judges, from reset to its digest."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from msgspec import structs

from simlab.actors import ActorRef
from simlab.agents.agent import Agent
from simlab.env.environment import Environment, Seat
from simlab.errors import (
    AgentFailedError,
    EpisodeError,
    JudgeError,
    MakerFailedError,
    WorldFailedError,
)
from simlab.models.embedder import AnyModel, Embedder
from simlab.models.recorded import RecordedModel
from simlab.models.recorded_embedder import RecordedEmbedder
from simlab.sim.cast import Cast, Newcomer
from simlab.sim.casting import make_agent, make_judge, make_world, models_of, seat_specs, takes_seed
from simlab.sim.clock import Clock, Latency, SimulatedClock
from simlab.sim.config import AgentSpec, ClockSpec
from simlab.sim.episode import Moment, play
from simlab.sim.judged import judged
from simlab.sim.real_clock import RealClock
from simlab.sim.staging import EpisodeResult, Staging
from simlab.sim.troupe import Troupe
from simlab.stray import in_words
from simlab.trace.events import Fault, Outcome, SteppedCore
from simlab.trace.faults import fault_of
from simlab.trace.journal import Journal
from simlab.trace.plain import Plain, plain
from simlab.trace.tracing import note, turn
from simlab.trace.trajectory import Fold

OnStep = Callable[[Moment], Awaitable[None]]
"""Called with the moment after the reset, and after each step, once it is committed."""


@dataclass(slots=True)
class Tally:
    """What an episode comes to, counted as it goes.

    Attributes:
        n_steps: Steps taken.
        returns: Sum of rewards by seat, in reward units; every seat that took part is there.
        ended: How each seat's part ended.
    """

    n_steps: int = 0
    returns: dict[Seat, float] = field(default_factory=dict)
    ended: dict[Seat, str] = field(default_factory=dict)

    def add(self, moment: Moment) -> None:
        """Count the last step."""
        timestep = moment.timestep
        self.n_steps = moment.n_steps
        for seat in moment.acts:
            self.returns.setdefault(seat, 0.0)
        for seat, reward in timestep.rewards.items():
            self.returns[seat] = self.returns.get(seat, 0.0) + float(reward)
        self.ended.update(timestep.ended)


class Performance:
    """An episode as it is played, resumed, replayed or branched.

    Args:
        staging: What is run.
        journal: Of the episode.
        troupe: Its agents' host, and those of them who live across episodes.
    """

    def __init__(self, staging: Staging, journal: Journal, troupe: Troupe) -> None:
        self._staging = staging
        self._journal = journal
        self._troupe = troupe
        self._seeds = staging.seeds_of(journal.episode)
        self._names: list[str] = []
        self._tally = Tally()
        self._fold = Fold(journal.episode) if staging.run.judges else None

    async def run(self, on_step: OnStep | None = None) -> EpisodeResult:
        """Play to the end, judge, and commit the outcome; a failure is an outcome like others.

        Raises:
            ReplayDivergence: The episode parts from its record.
            RecordEnds: A replay that may not go on live has met all there is.
        """
        scores: dict[str, Plain] = {}
        failed: Fault | None = None
        try:
            await self._play(on_step)
            scores = await self._judge()
        except EpisodeError as error:
            failed = self._fail(error)
        tally = self._tally
        outcome = Outcome(tally.n_steps, tally.returns, tally.ended, scores, failed)
        digest = await self._journal.end(outcome)
        return EpisodeResult(self._journal.episode, outcome, digest, self._journal.accounts)

    async def _play(self, on_step: OnStep | None) -> None:
        self._journal.stop_if_given_up()
        run, _ = self._staging.configurations()[0]
        with _made("the world", WorldFailedError):
            world = make_world(run)
        clock = make_clock(run.clock, self._journal)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._dismiss)
            stack.push_async_callback(clock.close)
            cast = await self._cast(world, seat_specs(run, world))
            reset = run.reset_of(self._journal.episode)
            steps = play(world, cast, clock, self._journal, options=reset)
            await stack.enter_async_context(aclosing(steps))  # type: ignore[type-var] # a generator
            async for moment in steps:
                self._tally.add(moment)
                if self._fold is not None:
                    _add(self._fold, moment)
                if on_step is not None:
                    await on_step(moment)
                self._journal.stop_if_given_up()

    async def _dismiss(self) -> None:
        """Stop the agents."""
        for name in self._names:
            await self._troupe.dismiss(name)

    async def _cast(self, world: Environment, spec_of: Mapping[Seat, AgentSpec]) -> Cast:
        """Who plays, and who takes over where a branch leaves its parent."""
        refs = {seat: await self._seat(world, seat, spec_of[seat]) for seat in sorted(spec_of)}
        edits = {(f.step, seat): said for f in self._staging.forks for seat, said in f.say.items()}
        perceived = dict(self._troupe.perceived)
        return Cast(refs, edits, self._swaps(world), self._journal.tokens_of, perceived)

    def _swaps(self, world: Environment) -> dict[tuple[int, Seat], Newcomer]:
        """Seats whose agent, model or draws change at a fork, with who takes them over."""
        swaps: dict[tuple[int, Seat], Newcomer] = {}
        configurations, seeds = self._staging.configurations(), pairwise(self._seeds)
        for fork, (run, models), (seed_before, seed) in zip(
            self._staging.forks, configurations[1:], seeds, strict=True
        ):
            before, after = seat_specs(fork.before, world), seat_specs(run, world)
            for seat, spec in after.items():
                was = before.get(seat)
                changed = was != spec or models_of(was, fork.before) != models_of(spec, run)
                if changed or (seed != seed_before and takes_seed(spec)):
                    swaps[fork.step, seat] = partial(self._engage, world, seat, spec, models, seed)
        return swaps

    async def _seat(self, world: Environment, seat: Seat, spec: AgentSpec) -> ActorRef:
        """Who takes a seat from the beginning."""
        (_, models), *_ = self._staging.configurations()
        if not spec.persistent:
            return self._engage(world, seat, spec, models, self._seeds[0])
        make = partial(self._make, world, seat, spec, models, self._seeds[0])
        return await self._troupe.engage_persistent(make, seat, self._journal)

    def _engage(
        self,
        world: Environment,
        seat: Seat,
        spec: AgentSpec,
        models: Mapping[str, AnyModel],
        seed: int,
    ) -> ActorRef:
        """Seat an agent for this episode."""
        agent = self._make(world, seat, spec, models, seed)
        name = f"episode/{self._journal.episode}/{seat}/{len(self._names)}"
        self._names.append(name)
        return self._troupe.engage(agent, seat, self._journal, name=name)

    def _make(
        self,
        world: Environment,
        seat: Seat,
        spec: AgentSpec,
        models: Mapping[str, AnyModel],
        seed: int,
    ) -> Agent:
        """An agent; one that lives across episodes goes by the run's seed until new draws begin."""
        lasting = spec.persistent and seed == self._seeds[0]
        with _made(f"the agent in seat {seat!r}", AgentFailedError):
            return make_agent(
                spec,
                seat,
                world.seats[seat],
                models=recorded(models),
                person=self._staging.person,
                seed=self._staging.run.seed if lasting else seed,
            )

    async def _judge(self) -> dict[str, Plain]:
        """What the run's judges make of the episode, by name."""
        scores: dict[str, Plain] = {}
        if self._fold is not None:
            self._fold.finish()
        for name, spec in sorted(self._staging.run.judges.items()):
            with _made(f"judge {name!r}", JudgeError):
                judge = make_judge(
                    name, spec, models=recorded(self._staging.models), seed=self._journal.seed
                )
            assert self._fold is not None, "it is kept where there are judges"
            of = self._fold.trajectory(spec.of)
            scores[name] = await judged(self._journal, name, judge, of, step=self._tally.n_steps)
        return scores

    def _fail(self, error: EpisodeError) -> Fault:
        """A failure as data; its causes and call stack go into a note, which no digest covers.

        Of the causes, Python's implicit ones depend on who called all this.
        """
        with turn(self._journal, "episode", self._tally.n_steps, "failure"):
            note("failure", fault_of(error))
        return structs.replace(fault_of(error, frames=False), cause=None)


def make_clock(spec: ClockSpec, journal: Journal) -> Clock:
    """The clock that a run file describes."""
    if spec.kind == "real":
        return RealClock(journal, spec.speed)
    return SimulatedClock(Latency(spec.latency, spec.seconds))


@contextmanager
def _made(what: str, failure: type[EpisodeError]) -> Iterator[None]:
    """Within the block something of the user's is made; what that raises fails the episode.

    In the rehearsal it could be made: here that depends on the episode's seed, or on the host.
    """
    try:
        yield
    except MakerFailedError as error:
        cause = error.__cause__ or error
        raise failure(f"{what} raised {in_words(cause)}") from cause


def _add(fold: Fold, moment: Moment) -> None:
    """Fold the last step, every text in its place."""
    if not moment.n_steps:
        fold.begin(plain(moment.timestep))
        return
    acted = [act.record(seat, plain) for seat, act in sorted(moment.acts.items())]
    fold.add(SteppedCore(moment.n_steps - 1, moment.now, acted, plain(moment.timestep)))


def recorded(models: Mapping[str, AnyModel]) -> dict[str, AnyModel]:
    """Models whose every call is an effect, by name."""
    return {
        name: RecordedEmbedder(model) if isinstance(model, Embedder) else RecordedModel(model)
        for name, model in models.items()
    }
