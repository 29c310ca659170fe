"""What a stage is told: the run that it plays, and which episodes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simlab.actors import ActorRef
from simlab.agents.person import Person
from simlab.env.environment import Seat
from simlab.models.allowance import Purse
from simlab.models.embedder import AnyModel
from simlab.seeding import derive
from simlab.sim.absent import AbsentPerson, absent_models
from simlab.sim.config import RunFile
from simlab.sim.control.order import Order
from simlab.trace.accounts import Account
from simlab.trace.events import Acted, Outcome


@dataclass(frozen=True, slots=True)
class Fork:
    """Where a run leaves the one that it branches from.

    Attributes:
        step: Below it the parent's records are met; at it the change takes effect.
        before: The configuration that holds below the step.
        say: What seats do at the step instead, in words or JSON.
        sampling_seed: Root from which the seeds of draws derive from the step to the next fork;
            None for the last fork, behind which each episode has its own.
        set: Keys of the cast that the change sets, by name or pattern of seats: also of one that is
            set to what it was before, and had been edited while the run went on.
    """

    step: int
    before: RunFile
    say: Mapping[Seat, str]
    sampling_seed: int | None = None
    set: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Branching:
    """How a run came to be a branch, or a branch of a branch.

    Attributes:
        episode_seed: Of the episode that is shared.
        parent_sampling_seed: Root from which the seeds of that episode's draws derive.
        forks: By step; the last one made the run itself.
        sampling_seed: Given for fresh continuations, which then draw by seeds of their own; None
            goes on drawing as the parent does.
        n_earlier: How many episodes before the shared one its persistent agents remember.
    """

    episode_seed: int
    parent_sampling_seed: int
    forks: tuple[Fork, ...]
    sampling_seed: int | None = None
    n_earlier: int = 0

    def sampling_seed_of(self, episode: int) -> int:
        """The root from which the seeds of an episode's new draws derive."""
        if self.sampling_seed is None:
            return self.parent_sampling_seed
        return derive(self.sampling_seed, "sample", episode)


@dataclass(frozen=True, slots=True)
class Staging:
    """What a stage needs to know of a run.

    Attributes:
        run: What is run.
        directory: Where.
        models: By name; on its way to a host only those that hosts share.
        branching: Where it leaves another run, if it is a branch.
        models_before: The models, by name, of the configuration before each fork.
        news: Who is told of the steps of watched episodes.
        person: Who is asked for the seats that people take.
        purse: Pays for the calls of models; None where they are not counted.
        board: Who is told of questions to people who come while the run goes on; None where nobody
            can come.
        people: Whether it is those who take the seats of ``agent: human``.
        make_models: Makes models that the run file does not have; in a replay they answer nothing.
    """

    run: RunFile
    directory: Path
    models: Mapping[str, AnyModel]
    branching: Branching | None = None
    models_before: tuple[Mapping[str, AnyModel], ...] = ()
    news: ActorRef | None = None
    person: Person = AbsentPerson()
    purse: Purse | None = None
    board: ActorRef | None = None
    people: bool = False
    make_models: Callable[[Mapping[str, Mapping[str, Any]]], dict[str, AnyModel]] = absent_models

    @property
    def forks(self) -> tuple[Fork, ...]:
        """Where the configuration changes, by step."""
        return () if self.branching is None else self.branching.forks

    def configurations(self) -> list[tuple[RunFile, Mapping[str, AnyModel]]]:
        """What holds from the beginning, and from each fork on."""
        before = [fork.before for fork in self.forks]
        return list(zip([*before, self.run], [*self.models_before, self.models], strict=True))

    def seeds_of(self, episode: int) -> list[int]:
        """The roots of the seeds of an episode's draws, in the order of the configurations."""
        last = self.sampling_seed_of(episode)
        forks = [fork.sampling_seed for fork in self.forks]
        return [self.seed_of(episode), *(last if seed is None else seed for seed in forks)]

    @property
    def origin(self) -> "Staging":
        """The run that all branches go back to; this one, if it is no branch."""
        run, models = self.configurations()[0]
        return replace(self, run=run, models=models, branching=None, models_before=())

    @property
    def persistent(self) -> bool:
        """Whether any agent lives across episodes."""
        return any(run.persistent for run, _ in self.configurations())

    def seed_of(self, episode: int) -> int:
        """The seed of an episode; it does not depend on how many episodes there are."""
        if self.branching is not None:
            return self.branching.episode_seed
        return self.run.seed_of(episode)

    def sampling_seed_of(self, episode: int) -> int:
        """The root from which the seeds of an episode's new draws derive."""
        if self.branching is not None:
            return self.branching.sampling_seed_of(episode)
        return self.seed_of(episode)


@dataclass(frozen=True, slots=True)
class PlayEpisode:
    """Play an episode to its end; the answer is an `EpisodeResult`.

    Attributes:
        episode: Its number.
        resumed: True: the run may have records of it.
        watched: True: each step is told as it happens.
        retried: True: a failure at its end is forgotten and it goes on from there.
        given_up: True: it kills its host; it goes to its last commit and fails there.
        orders: Which it may have carried out already.
        paused: True: it stands still at the top of its first step that is new.
    """

    episode: int
    resumed: bool = False
    watched: bool = False
    retried: bool = False
    given_up: bool = False
    orders: tuple[Order, ...] = ()
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ListCalls:
    """Tell which calls of the live episodes have not come back yet; the answer is a line each."""


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """How an episode ended; `digest` closes its chain."""

    episode: int
    outcome: Outcome
    digest: bytes
    accounts: Sequence[Account]


@dataclass(frozen=True, slots=True)
class StepNews:
    """A step of a watched episode was committed.

    Attributes:
        episode: Its number.
        step: Of the step.
        lines: What was done, as ``(seat, words, mark)``; the mark is that of `mark_of`.
        now: World time in seconds.
    """

    episode: int
    step: int
    lines: tuple[tuple[Seat, str, str], ...]
    now: float


def mark_of(act: Acted) -> str:
    """What was the matter with an action: ``invalid``, ``late``, ``said`` by others, or nothing."""
    if act.invalid is not None:
        return "invalid"
    if act.late:
        return "late"
    return "said" if act.edited else ""
