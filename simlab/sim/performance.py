"""One performance: an episode with its world, its cast and its judges, from reset to its digest."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from msgspec import structs

from simlab.agents.person import Person
from simlab.env.environment import Seat
from simlab.errors import EpisodeError, JudgeError, WorldFailedError
from simlab.sim.casting import make_judge, make_world
from simlab.sim.clock import Clock, Latency, SimulatedClock
from simlab.sim.config import ClockSpec
from simlab.sim.control.board import Board
from simlab.sim.control.desk import Desk
from simlab.sim.control.seat_person import SeatPerson
from simlab.sim.control.stagehand import Stagehand
from simlab.sim.episode import Moment, play
from simlab.sim.judged import judged
from simlab.sim.real_clock import RealClock
from simlab.sim.seating import Seating, failing_as, recorded
from simlab.sim.staging import EpisodeResult, Staging
from simlab.sim.troupe import Troupe
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
        desk: Where orders reach it; None where there can be none but those of its record.
        board: Where people are asked who come while it goes on; None where nobody can come.
    """

    def __init__(
        self,
        staging: Staging,
        journal: Journal,
        troupe: Troupe,
        *,
        desk: Desk | None = None,
        board: Board | None = None,
    ) -> None:
        self._staging = staging
        self._journal = journal
        self._troupe = troupe
        self._desk = desk or Desk(journal)
        self._board = board
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
        with failing_as("the world", WorldFailedError):
            world = make_world(run)
        clock = make_clock(run.clock, self._journal)
        seating = Seating(self._staging, self._journal, self._troupe, world, self._person)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(seating.dismiss)
            stack.push_async_callback(clock.close)
            cast = await seating.cast()
            stagehand = Stagehand(self._journal, seating, cast, self._board)
            self._desk.serve(stagehand, clock)
            stack.callback(stagehand.leave)
            reset = run.reset_of(self._journal.episode)
            steps = play(world, cast, clock, self._journal, options=reset, desk=self._desk)
            await stack.enter_async_context(aclosing(steps))  # type: ignore[type-var] # a generator
            async for moment in steps:
                self._tally.add(moment)
                if self._fold is not None:
                    _add(self._fold, moment)
                if on_step is not None:
                    await on_step(moment)
                self._journal.stop_if_given_up()

    def _person(self, seat: Seat) -> Person:
        """Who is asked in a seat whose agent is a person."""
        if self._staging.people and self._board is not None:
            return SeatPerson(self._board, self._journal.episode, seat)
        return self._staging.person

    async def _judge(self) -> dict[str, Plain]:
        """What the run's judges make of the episode, by name."""
        scores: dict[str, Plain] = {}
        if self._fold is not None:
            self._fold.finish()
        for name, spec in sorted(self._staging.run.judges.items()):
            with failing_as(f"judge {name!r}", JudgeError):
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


def _add(fold: Fold, moment: Moment) -> None:
    """Fold the last step, every text in its place."""
    if not moment.n_steps:
        fold.begin(plain(moment.timestep))
        return
    acted = [act.record(seat, plain) for seat, act in sorted(moment.acts.items())]
    fold.add(SteppedCore(moment.n_steps - 1, moment.now, acted, plain(moment.timestep)))
