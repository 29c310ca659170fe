"""A simulation: the episodes of a run, many at a time, on hosts that may die."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from simlab.actors import Actor, ActorRef, ActorSystem
from simlab.agents.actor_person import ActorPerson, PersonActor
from simlab.agents.person import Person
from simlab.agents.terminal_person import TerminalPerson
from simlab.errors import BudgetSpentError, ConfigError, HostDiedError, RunStoppedError
from simlab.sim.attempt import Attempt
from simlab.sim.config import RunFile
from simlab.sim.control.checks import Checks
from simlab.sim.control.listening import listening
from simlab.sim.control.order_file import OrderFile
from simlab.sim.control.plane import ControlPlane, PlaneActor
from simlab.sim.modelling import SharedModels
from simlab.sim.placement import Placement
from simlab.sim.purse import ActorPurse, PurseActor
from simlab.sim.spending import Spending
from simlab.sim.stage import Stage
from simlab.sim.staging import Branching, EpisodeResult, PlayEpisode, Staging, StepNews
from simlab.sim.stall import StallWatch
from simlab.sim.together import all_of
from simlab.trace.directory import RunDirectory
from simlab.trace.log import Log

BLOCKED_S = 90.0
"""A host whose event loop is blocked for so long, in seconds, is replaced as one that died. Worlds,
agents and tools may well compute for seconds; after 30 a person is told, and has a minute to look.
"""

DRIVER = "driver"
"""The host in the process that drives a run."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Who looks on while a simulation runs: called in the driver, never in a host.

    Attributes:
        on_step: With each step of the first episode.
        on_episode: With each episode that has ended.
        on_notice: With words on what a person should know, such as a host that died.
    """

    on_step: Callable[[StepNews], None] = lambda _news: None
    on_episode: Callable[[EpisodeResult], None] = lambda _result: None
    on_notice: Callable[[str], None] = lambda _notice: None


class Simulation:
    """The episodes of a run, at most `run.concurrency` live at once.

    Where an agent lives across episodes, they are played one after another, in order, on one host:
    then what it remembers follows from the run alone. A run file that asks for more is played all
    the same, and a notice says so: it is one file for a laptop and a cluster.

    A host that dies costs nothing that was committed: its segment is sealed and its episodes are
    resumed from their records on other hosts. Those that may be what kills hosts wait until all
    others have ended, and are then played with no other on their host; see `Attempt`.

    What its models may cost is counted in this process. Once they may cost no more, calls that are
    under way end and are recorded, and the run stops.

    Args:
        run: What is run.
        directory: Where; its records, if it has any, are gone on with.
        hosts: How many Ray hosts at most, and no more than episodes; 0 plays in this process
            without Ray.
        address: Of a Ray cluster to join.
        branching: Where the run leaves another one, if it is a branch.
        retry_failed: True: failed episodes are tried again from their last step.
        observer: Who looks on.
        person: Who is asked, in this process, for the seats that people take; by default whoever
            sits at its terminal.
        people: True: those are asked there who come while the run goes on; see
            `simlab.sim.control`.
    """

    def __init__(
        self,
        run: RunFile,
        directory: RunDirectory,
        *,
        hosts: int = 0,
        address: str | None = None,
        branching: Branching | None = None,
        retry_failed: bool = False,
        observer: Observer | None = None,
        person: Person | None = None,
        people: bool = False,
    ) -> None:
        self._run = run
        self._directory = directory
        self._persistent = _persistent_of(run, branching)
        self._hosts = min(hosts, 1) if self._persistent else hosts
        self._n_hosts_given = hosts
        self._address = address
        self._branching = branching
        self._retry_failed = retry_failed
        self._observer = observer or Observer()
        self._person = person or TerminalPerson()
        self._placement = Placement(directory)
        self._suspects: dict[str, list[Attempt]] = {}
        self._people = people
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._plane: ControlPlane | None = None
        self._begun: set[int] = set()
        self._failed: set[int] = set()
        self._spending = Spending(run.budget) if run.budget.bounds else None

    async def run(self) -> None:
        """Play every episode that has not ended, and close the run.

        Whoever calls holds the directory: see `RunDirectory.locked`.

        Raises:
            ConfigError: An episode is to be tried again that agents of later ones remember.
            LogWriteError: The disk takes no more; what was committed stays.
            BudgetSpentError: The run stopped at its budget; says what it has spent.
            RunStoppedError: Somebody has stopped it by a command.
        """
        self._task = asyncio.current_task()
        todo = self._take_stock()
        if todo:
            try:
                await self._play_all(todo)
            except asyncio.CancelledError:
                if not self._is_stopped or self._task is None:
                    raise
                self._task.uncancel()
                raise RunStoppedError(f"{self._directory.path} was stopped") from None
            finally:
                self._directory.seal_all()
        if self._spending is not None and self._spending.refused:
            raise self._spending.error(self._directory.path)

    def _stop(self) -> None:
        """End the run by a command, as Ctrl-C does."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()

    def _take_stock(self) -> list[int]:
        """Seal what others have left and see which episodes are to be played."""
        self._directory.seal_all()
        log = Log(self._directory)
        if self._spending is not None:
            forks = () if self._branching is None else self._branching.forks
            self._spending.count_log(log, since_step=max((f.step for f in forks), default=0))
        ended = log.ended()
        self._begun = set(log.episodes)
        if self._retry_failed:
            self._failed = log.failed()
            self._check_retry()
            ended -= self._failed
        return [episode for episode in range(self._run.episodes) if episode not in ended]

    def _check_retry(self) -> None:
        """See that no agent remembers an end that is to be forgotten."""
        earlier = sorted(self._failed - {max(self._begun, default=0)})
        if self._persistent and self._branching is None and earlier:
            raise ConfigError(
                f"cast.{self._persistent[0]} is persistent and has played on after episode "
                f"{earlier[0]} failed; only the last episode can be tried again, so leave out "
                "--retry-failed"
            )

    async def _play_all(self, todo: list[int]) -> None:
        self._tell_what_is_left_unused()
        n_workers = 1 if self._persistent else min(self._run.concurrency, len(todo))
        owner = str(self._directory.path.resolve())
        system = ActorSystem(
            hosts=min(self._hosts, len(todo)),
            address=self._address,
            run=owner,
            turn_s=BLOCKED_S,
            next_epoch=self._placement.new_epoch,
            on_host_lost=self._on_host_lost,
            on_host_replaced=self._on_host_replaced,
        )
        plane = self._plane = self._new_plane()
        tell = self._observer.on_notice
        async with (
            system,
            SharedModels(system, owner, address=self._address) as shared,
            listening(plane, self._directory, tell),
        ):
            stages = await self._set_stages(system, shared, plane)
            plane.begin_run(stages, set(range(self._run.episodes)) - set(todo))
            stall = StallWatch(self._directory, tell, is_paused=lambda: plane.is_paused)
            watch = asyncio.create_task(stall.report(system, stages))
            try:
                episodes = iter(todo)
                await all_of(self._work(episodes, stages) for _ in range(n_workers))
                await self._try_suspects(stages)
            finally:
                watch.cancel()

    def _tell_what_is_left_unused(self) -> None:
        """Say so if hosts or episodes at once were asked for that a persistent agent rules out."""
        unused = [f"hosts {self._n_hosts_given}"] if self._n_hosts_given > 1 else []
        if "concurrency" in self._run.model_fields_set and self._run.concurrency > 1:
            unused.append(f"concurrency {self._run.concurrency}")
        if self._persistent and unused:
            self._observer.on_notice(
                f"cast.{self._persistent[0]} is persistent, so episodes are played one after "
                f"another on one host, which {' and '.join(unused)} cannot change"
            )

    def _new_plane(self) -> ControlPlane:
        about = {"run": str(self._directory.path.resolve()), "name": self._run.name}
        return ControlPlane(
            Checks(self._run, has_hosts=bool(self._hosts)),
            OrderFile(self._directory.path),
            about={**about, "pid": os.getpid(), "n_episodes": self._run.episodes},
            n_episodes=self._run.episodes,
            stop=self._stop,
        )

    async def _set_stages(
        self, system: ActorSystem, shared: SharedModels, plane: ControlPlane
    ) -> dict[str, ActorRef]:
        """A stage on each host, by host."""
        news = await system.spawn(_News, self._observer.on_step, name="news", host=DRIVER)
        person = await system.spawn(PersonActor, self._person, name="person", host=DRIVER)
        purse = None
        if self._spending is not None:
            purse = await system.spawn(PurseActor, self._spending, name="purse", host=DRIVER)
        forks = () if self._branching is None else self._branching.forks
        staging = Staging(
            self._run,
            self._directory.path.resolve(),
            models=await shared.start(self._run.models),
            branching=self._branching,
            models_before=tuple([await shared.start(fork.before.models) for fork in forks]),
            news=news,
            person=ActorPerson(person),
            board=await system.spawn(PlaneActor, plane, name="control", host=DRIVER),
            people=self._people,
            purse=None if purse is None else ActorPurse(purse),
        )
        return {
            host: await system.spawn(Stage, staging, name=f"stage/{host}", host=host)
            for host in system.hosts or (DRIVER,)
        }

    async def _work(self, episodes: Iterator[int], stages: Mapping[str, ActorRef]) -> None:
        """Play one episode after another until there are none left, or nothing may be spent."""
        for episode in episodes:
            if self._spending is not None and self._spending.refused:
                return
            message = PlayEpisode(
                episode,
                resumed=episode in self._begun,
                watched=episode == 0,
                retried=episode in self._failed,
            )
            await self._play(Attempt(message), stages)

    async def _play(self, attempt: Attempt, stages: Mapping[str, ActorRef]) -> None:
        """Play an episode on the host with the least to do, and again elsewhere if that dies.

        A suspect is put off until it has a host for itself, which it has already where episodes are
        played one after another.
        """
        while not attempt.is_suspect:
            if await self._try(attempt, stages):
                return
        if self._persistent:
            await self._play_alone(attempt, stages)
        else:
            self._suspects.setdefault(attempt.host, []).append(attempt)

    async def _try_suspects(self, stages: Mapping[str, ActorRef]) -> None:
        """Play the suspects of each host there, one after another, once all else has ended."""
        if self._suspects:
            found = sorted(a.message.episode for each in self._suspects.values() for a in each)
            self._observer.on_notice(
                f"episodes {found} may be what kills hosts; each is played with no other on its "
                "host"
            )
        await all_of(self._play_in_turn(each, stages) for each in self._suspects.values())

    async def _play_in_turn(
        self, suspects: Iterable[Attempt], stages: Mapping[str, ActorRef]
    ) -> None:
        for suspect in suspects:
            await self._play_alone(suspect, stages)

    async def _play_alone(self, suspect: Attempt, stages: Mapping[str, ActorRef]) -> None:
        """Play an episode on the host that it may have killed, until it ends or is given up."""
        suspect.set_apart()
        own = {suspect.host: stages[suspect.host]}
        while not await self._try(suspect, own):
            pass

    async def _try(self, attempt: Attempt, stages: Mapping[str, ActorRef]) -> bool:
        """Play an episode on one of some hosts; False if that died before it was through.

        An episode that the budget stops is through as well, and has no result.
        """
        host = await self._placement.choose(stages, attempt.epoch)
        epoch = self._placement.epoch_of(host)
        with (
            self._placement.loaded(host),
            self._commanded(attempt.message, stages[host]) as message,
        ):
            try:
                result: EpisodeResult = await stages[host].ask(message)
            except HostDiedError:
                lost = self._placement.committed_in(epoch)
                if lost is None:
                    raise  # some other host died, of an actor that the episode asked
                committed = attempt.message.episode in lost
                attempt.host_died(host, epoch, committed=committed)
                return False
            except BudgetSpentError:
                return True
        if self._plane is not None:
            self._plane.close(attempt.message.episode)
        self._observer.on_episode(result)
        return True

    @contextmanager
    def _commanded(self, message: PlayEpisode, stage: ActorRef) -> Iterator[PlayEpisode]:
        """Within the block an episode can be commanded; it is told what was ordered before."""
        assert self._plane is not None, "the run has begun"
        try:
            yield self._plane.begin(message, stage)
        finally:
            self._plane.end(message.episode)

    async def _on_host_lost(self, host: str, epoch: int) -> None:
        """Seal what a host has written, before anyone goes on from it."""
        self._placement.lose(epoch)
        if self._plane is not None:
            self._plane.people.forget_host(epoch)
        self._observer.on_notice(f"host {host} died in epoch {epoch}; what it played is resumed")

    async def _on_host_replaced(self, host: str, epoch: int) -> None:
        self._placement.replace(host, epoch)


def _persistent_of(run: RunFile, branching: Branching | None) -> list[str]:
    """Names in the cast whose agents live across episodes, before or after a branch's forks."""
    forks = () if branching is None else branching.forks
    return [name for file in (run, *(fork.before for fork in forks)) for name in file.persistent]


class _News(Actor):
    """Hears in the driver what stages tell."""

    def __init__(self, on_step: Callable[[StepNews], None]) -> None:
        self._on_step = on_step

    def receive(self, message: StepNews) -> None:
        self._on_step(message)
