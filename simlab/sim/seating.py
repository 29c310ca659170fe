"""Seating: who takes the seats of an episode, at its beginning and later."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any

from simlab.actors import ActorRef
from simlab.agents.agent import Agent
from simlab.agents.human import HumanAgent
from simlab.agents.person import Person
from simlab.env.environment import Environment, Seat
from simlab.errors import AgentFailedError, ControlError, EpisodeError, MakerFailedError
from simlab.find import near
from simlab.models.embedder import AnyModel, Embedder
from simlab.models.recorded import RecordedModel
from simlab.models.recorded_embedder import RecordedEmbedder
from simlab.sim.cast import Cast, Newcomer
from simlab.sim.cast_specs import CastSpecs
from simlab.sim.casting import make_agent, models_of, takes_seed
from simlab.sim.config import AgentSpec
from simlab.sim.staging import Staging
from simlab.sim.troupe import Troupe
from simlab.stray import in_words
from simlab.trace.journal import Journal


class Seating:
    """Seats agents and people in an episode.

    What a run file says of a seat may be edited while the run goes on. An edit holds until a branch
    sets the same of the seat, or its agent.

    Args:
        staging: What is run.
        journal: Of the episode.
        troupe: Its agents' host, and those of them who live across episodes.
        world: Whose seats these are.
        person_in: Who is asked in a seat whose agent is a person.
    """

    def __init__(
        self,
        staging: Staging,
        journal: Journal,
        troupe: Troupe,
        world: Environment,
        person_in: Callable[[Seat], Person],
    ) -> None:
        self._staging = staging
        self._journal = journal
        self._troupe = troupe
        self._world = world
        self._person_in = person_in
        self._seeds = staging.seeds_of(journal.episode)
        self._configurations = staging.configurations()
        self._specs = CastSpecs(staging.forks, [run for run, _ in self._configurations], world)
        self._swaps = self._changes_at_forks()
        self._edits: dict[Seat, list[tuple[int, Mapping[str, Any]]]] = {}
        self._models: dict[str, AnyModel] = {}
        self._names: list[str] = []
        self._n_later: Counter[Seat] = Counter()

    async def cast(self) -> Cast:
        """Who plays, and who takes over where a branch leaves its parent."""
        first = sorted(self._specs.configured[0].items())
        refs = {seat: await self._seat(seat, spec) for seat, spec in first}
        edits = {(f.step, seat): said for f in self._staging.forks for seat, said in f.say.items()}
        perceived = dict(self._troupe.perceived)
        tokens_of = self._journal.tokens_of
        return Cast(refs, edits, self._swaps, tokens_of, perceived, journal=self._journal)

    async def dismiss(self) -> None:
        """Stop the agents."""
        for name in self._names:
            await self._troupe.dismiss(name)

    def spec_of(self, seat: Seat, step: int) -> AgentSpec | None:
        """What holds of a seat at a step, edits included; None where nobody takes it."""
        spec = self._specs.configured[self._specs.nth(step)].get(seat)
        for at, options in self._edits.get(seat, ()):
            if spec is not None:
                spec = edited(spec, self._specs.held(seat, options, since=at, step=step))
        return spec

    def require(self, seat: Seat, *, lasting: bool) -> None:
        """See that there is a seat, and that nobody lives across episodes in one that is to change.

        Raises:
            ControlError: There is not, or somebody does.
        """
        if seat not in self._world.seats:
            raise ControlError(f"there is no seat {seat!r}; {near(seat, [*self._world.seats])}")
        own = [specs[seat] for specs in self._specs.configured if seat in specs]
        if not lasting and any(spec.persistent for spec in own):
            raise ControlError(
                f"the agent in seat {seat!r} is persistent, and cannot be changed in one episode; "
                "say something in its place, or branch the episode"
            )

    def edit(self, seat: Seat, step: int, options: Mapping[str, Any]) -> None:
        """Let other options hold of a seat from a step on; who sits there is not changed."""
        self._edits.setdefault(seat, []).append((step, options))

    def add_model(self, name: str, spec: Mapping[str, Any]) -> None:
        """Make a model that the run file does not have."""
        self._models |= self._staging.make_models({name: spec})

    def is_fork(self, step: int) -> bool:
        """Whether a branch leaves its parent at a step."""
        return any(fork.step == step for fork in self._staging.forks)

    def agent(self, seat: Seat, step: int) -> Newcomer | None:
        """Seats the agent of a seat as it is edited then; None where nobody takes it."""
        if self.spec_of(seat, step) is None:
            return None

        def engage() -> ActorRef:
            spec = self.spec_of(seat, step)
            assert spec is not None, "it was not before"
            return self._engage_later(self._make(seat, spec, self._specs.nth(step)), seat)

        return engage

    def person(self, seat: Seat, person: Person) -> Newcomer:
        """Seats a person."""
        role = self._world.seats[seat].role
        return lambda: self._engage_later(HumanAgent(seat=seat, role=role, person=person), seat)

    def _changes_at_forks(self) -> dict[tuple[int, Seat], Newcomer]:
        """Seats whose agent, model or draws a branch sets or changes, with who takes them over."""
        swaps: dict[tuple[int, Seat], Newcomer] = {}
        seeds = pairwise(self._seeds)
        for nth, (fork, (seed_before, seed)) in enumerate(
            zip(self._staging.forks, seeds, strict=True), 1
        ):
            run, _ = self._configurations[nth]
            before, after = self._specs.configured[nth - 1 : nth + 1]
            for seat, spec in after.items():
                was = before.get(seat)
                changed = was != spec or models_of(was, fork.before) != models_of(spec, run)
                said = changed or self._specs.set_at(fork, seat)
                if said or (seed != seed_before and takes_seed(spec)):
                    swaps[fork.step, seat] = partial(self._engage_at_fork, seat, fork.step, nth)
        return swaps

    def _engage_at_fork(self, seat: Seat, step: int, nth: int) -> ActorRef:
        """Who takes a seat over where a branch leaves its parent, with the edits of that."""
        spec = self.spec_of(seat, step)
        assert spec is not None, "it is there to be taken"
        return self._engage_as_configured(seat, spec, nth)

    async def _seat(self, seat: Seat, spec: AgentSpec) -> ActorRef:
        """Who takes a seat from the beginning."""
        if not spec.persistent:
            return self._engage_as_configured(seat, spec, 0)
        make = partial(self._make, seat, spec, 0)
        return await self._troupe.engage_persistent(make, seat, self._journal)

    def _engage_as_configured(self, seat: Seat, spec: AgentSpec, nth: int) -> ActorRef:
        return self._engage(self._make(seat, spec, nth), seat)

    def _engage_later(self, agent: Agent, seat: Seat) -> ActorRef:
        """Seat somebody in the place of others, whose turns may overlap with theirs."""
        self._n_later[seat] += 1
        return self._engage(agent, seat, label=f" by {self._n_later[seat] + 1}")

    def _engage(self, agent: Agent, seat: Seat, *, label: str = "") -> ActorRef:
        """Seat an agent for this episode."""
        name = f"episode/{self._journal.episode}/{seat}/{len(self._names)}"
        self._names.append(name)
        return self._troupe.engage(agent, seat, self._journal, name=name, label=label)

    def _make(self, seat: Seat, spec: AgentSpec, nth: int) -> Agent:
        """An agent; one that lives across episodes goes by the run's seed until new draws begin."""
        _, models = self._configurations[nth]
        seed = self._seeds[nth]
        lasting = spec.persistent and seed == self._seeds[0]
        with failing_as(f"the agent in seat {seat!r}", AgentFailedError):
            return make_agent(
                spec,
                seat,
                self._world.seats[seat],
                models=recorded({**models, **self._named(spec)}),
                person=self._person_in(seat),
                seed=self._staging.run.seed if lasting else seed,
            )

    def _named(self, spec: AgentSpec) -> dict[str, AnyModel]:
        """Of the models that the run file does not have, those that a seat's agent is to ask."""
        return {name: self._models[name] for name in spec.named_models if name in self._models}


def edited(spec: AgentSpec, options: Mapping[str, Any]) -> AgentSpec:
    """What a cast says of a seat, with other options.

    Raises:
        ValidationError: They do not fit.
    """
    return AgentSpec.model_validate({**spec.model_dump(exclude_unset=True), **options})


@contextmanager
def failing_as(what: str, failure: type[EpisodeError]) -> Iterator[None]:
    """Within the block something of the user's is made; what that raises fails the episode.

    In the rehearsal it could be made: here that depends on the episode's seed, or on the host.
    """
    try:
        yield
    except MakerFailedError as error:
        cause = error.__cause__ or error
        raise failure(f"{what} raised {in_words(cause)}") from cause


def recorded(models: Mapping[str, AnyModel]) -> dict[str, AnyModel]:
    """Models whose every call is an effect, by name."""
    return {
        name: RecordedEmbedder(model) if isinstance(model, Embedder) else RecordedModel(model)
        for name, model in models.items()
    }
