"""The cast of an episode: who takes which seat, and how a seat is asked until its answer fits."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from simlab.actors import ActorRef
from simlab.agents.actor import ATTEMPTS, TakeTurn
from simlab.env.environment import ActionRequest, Refusal, Seat, Wait
from simlab.errors import EpisodeError, PersonLateError, PersonLeftError, UnfitAnswerError
from simlab.sim.act import Act, admitted, as_json, default_of, said
from simlab.sim.together import in_seat_order, outcome_of
from simlab.trace.journal import Journal
from simlab.trace.text import placeless

PERSON_GONE = (PersonLateError, PersonLeftError)
"""What ends a person's lease of a seat."""


Newcomer = Callable[[], ActorRef]
"""Seats the agent that takes a seat over."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A person's, of a seat.

    Attributes:
        agent: Seats who plays once the person is gone; None for nobody, so that the seat's defaults
            are played.
    """

    agent: Newcomer | None


class Watch(Protocol):
    """Looks on while seats are at their acts."""

    def begun(self, seat: Seat) -> None:
        """Called when a seat is about to be asked."""
        ...

    async def settled(self, seat: Seat) -> None:
        """Called when a seat has answered, which may be kept waiting."""
        ...

    def answered(self, seat: Seat) -> None:
        """Called when that is taken, and `Cast.n_answered` has counted it."""
        ...


class _BrokenOff(Exception):  # noqa: N818 - no error
    """An act was broken off."""


@dataclass(slots=True)
class Cast:
    """Who takes which seat of an episode.

    Attributes:
        refs: The actor in each seat.
        edits: What seats do instead, by step and seat: JSON that fits the space, or words.
        swaps: Who takes a seat over, by step and seat: when the seat is told or asked something at
            that step or later, and told first what the seat perceived before.
        tokens_of: How many tokens a seat's models have drawn so far.
        perceived: What seats have perceived, for whoever takes one over; at the beginning what
            they have in earlier episodes.
        journal: Of the episode; breaks off what seats are at.
        acting: The seats that are at their acts, and what they were asked.
        n_answered: How often each seat was asked so far, and has answered or was broken off.
        put: What seats do at their next turn because somebody has said so while the run went on.
        watch: Looks on while seats are at their acts.
        on_lease_over: Called with a seat whose person is gone.
    """

    refs: dict[Seat, ActorRef]
    edits: Mapping[tuple[int, Seat], str] = field(default_factory=dict)
    swaps: Mapping[tuple[int, Seat], Newcomer] = field(default_factory=dict)
    tokens_of: Callable[[Seat], int] = lambda _seat: 0
    perceived: dict[Seat, list[Any]] = field(default_factory=dict)
    journal: Journal | None = None
    acting: dict[Seat, ActionRequest] = field(default_factory=dict)
    n_answered: dict[Seat, int] = field(default_factory=dict)
    put: dict[Seat, Act] = field(default_factory=dict)
    watch: Watch | None = None
    on_lease_over: Callable[[Seat], None] = lambda _seat: None
    _turns: dict[Seat, object] = field(default_factory=dict)
    _swapped: set[tuple[int, Seat]] = field(default_factory=set)
    _newcomers: dict[Seat, Newcomer] = field(default_factory=dict)
    _leases: dict[Seat, Lease] = field(default_factory=dict)
    _broken_off: dict[Seat, Act | None] = field(default_factory=dict)

    def edited(self, step: int, requests: Mapping[Seat, ActionRequest]) -> dict[Seat, Act]:
        """What seats do at a step because somebody has put it there, whatever they are at.

        Raises:
            ConfigError: It is no action of the seat's request.
        """
        texts = {seat: text for (at, seat), text in self.edits.items() if at == step}
        acts = {s: Act(said(s, requests[s], text), edited=True) for s, text in texts.items()}
        if self.put:
            acts |= self.put
            self.put.clear()
        return acts

    def take_over(self, seat: Seat, newcomer: Newcomer) -> None:
        """Let somebody take a seat over when it is told or asked something next.

        Args:
            seat: Which.
            newcomer: Seats whoever takes it, who is told first what the seat has perceived.
        """
        self._newcomers[seat] = newcomer

    def lease(self, seat: Seat, person: Newcomer, lease: Lease) -> None:
        """Let a person take a seat over, at once if it is at its act.

        Args:
            seat: Which.
            person: Seats the person.
            lease: What becomes of the seat then.
        """
        self.take_over(seat, person)
        self._leases[seat] = lease
        if seat in self.acting:
            self.break_off(seat)

    def end_leases(self, step: int, agent_of: Callable[[Seat], Newcomer | None]) -> None:
        """Let the people who have taken seats be gone, at once; agents take these.

        Args:
            step: Which is about to begin; who takes a seat over at it by `swaps` does so, but in
                the midst of an act, which is of a step before.
            agent_of: Seats the agent of a seat; None where nobody takes it.
        """
        for seat in sorted(self._leases):
            del self._leases[seat]
            self.on_lease_over(seat)
            self._newcomers.pop(seat, None)
            agent, is_acting = agent_of(seat), seat in self.acting
            if agent is None:
                self.refs.pop(seat, None)
            elif is_acting or (step, seat) not in self.swaps:
                self._newcomers[seat] = agent
                self._swapped.add((step, seat))
            if is_acting:
                self.break_off(seat)

    def is_leased(self, seat: Seat) -> bool:
        """Whether a person has taken a seat, and is not gone."""
        return seat in self._leases

    def is_said(self, seat: Seat) -> bool:
        """Whether what a seat does in this step was said already."""
        return seat in self.put or self._broken_off.get(seat) is not None

    def break_off(self, seat: Seat, put: Act | None = None) -> None:
        """Let a seat stop its act; `put` stands for it, or whoever takes the seat over is asked."""
        assert self.journal is not None, "given where anybody may command"
        self._broken_off[seat] = put
        self.journal.calls.break_off(seat)

    async def perceive(self, step: int, observations: Mapping[Seat, Iterable[Any]]) -> None:
        """Tell seats what they perceive, and wait until each has taken it in."""
        await in_seat_order(
            {seat: self.tell(seat, step, seen) for seat, seen in observations.items() if seen}
        )

    async def tell(self, seat: Seat, step: int, observations: Iterable[Any]) -> None:
        """Tell one seat what it perceives; a seat that nobody takes perceives nothing."""
        past = () if seat in self.acting else self._swap_if_due(seat, step)
        message = TakeTurn(step, self._remember(seat, observations), past=past)
        if seat in self.refs:
            await self.refs[seat].ask(message)

    async def ask(
        self, seat: Seat, step: int, observations: Iterable[Any], request: ActionRequest
    ) -> Act | Wait:
        """Tell a seat what it perceives and ask it, until an answer fits.

        Returns:
            What it does: its answer, the default after a third unfit one, or `Wait`. A seat that
            nobody takes waits where it may, and plays its default where it must act.

        Raises:
            UnfitAnswerError: The third answer did not fit and there is no default.
        """
        return await self._answer(seat, step, observations, request)

    async def ask_again(
        self, seat: Seat, step: int, request: ActionRequest, act: Act, reason: str
    ) -> Act | Wait:
        """Ask a seat again after the world has refused what it did.

        Raises:
            UnfitAnswerError: There is nothing left to try.
        """
        if act.invalid or act.late or (act.edited and not act.live):
            whose = "the default" if not act.edited else "the action put there"
            raise UnfitAnswerError(f"the world refuses {whose} of seat {seat!r}: {reason}")
        refused = (*act.refused, Refusal(as_json(seat, act.action), placeless(reason)))
        return await self._answer(seat, step, (), replace(request, refused=refused))

    async def _answer(
        self, seat: Seat, step: int, observations: Iterable[Any], request: ActionRequest
    ) -> Act | Wait:
        """Ask whoever has the seat; where that one is broken off or gone, whoever has it then."""
        turn = self._turns[seat] = object()
        self.acting[seat] = request
        if self.watch is not None:
            self.watch.begun(seat)
        try:
            past = self._swap_if_due(seat, step)
            message = TakeTurn(step, self._remember(seat, observations), request, past)
            n_perceived = len(self.perceived[seat])
            while seat in self.refs:
                act = await self._answer_of_one(seat, message)
                if act is not None:
                    return act
                past = self._swap_if_due(seat, step)
                at_once, later = past[:n_perceived], past[n_perceived:]
                message = TakeTurn(step, (), request, at_once, later)
            return self._act_of_nobody(seat, request)
        finally:
            if self._turns[seat] is turn:  # else the seat was dropped, and is asked again already
                del self._turns[seat], self.acting[seat]

    async def _answer_of_one(self, seat: Seat, message: TakeTurn) -> Act | Wait | None:
        """What the one who has a seat does; None where somebody else is to be asked."""
        try:
            return await self._ask(seat, message)
        except _BrokenOff:
            return self._after_break(seat)
        except PERSON_GONE:
            if seat not in self._leases:
                raise
            assert message.request is not None, "it is an ask"
            return self._after_lease(seat, message.request)

    def _act_of_nobody(self, seat: Seat, request: ActionRequest) -> Act | Wait:
        """What becomes of a seat that nobody takes, unless somebody has said something there."""
        said_there = self._after_break(seat) if seat in self._broken_off else None
        if said_there is not None:
            return said_there
        return Act(default_of(seat, request)) if request.required else Wait()

    def _after_break(self, seat: Seat) -> Act | None:
        """What stands for an act that was broken off; None where somebody else is to be asked."""
        assert self.journal is not None, "it has broken off"
        self.journal.calls.let_act(seat)
        return self._broken_off.pop(seat)

    def _after_lease(self, seat: Seat, request: ActionRequest) -> Act | None:
        """What stands for an answer of a person who is gone; None where others are to be asked."""
        lease = self._leases.pop(seat)
        self.on_lease_over(seat)
        if lease.agent is not None:
            self._newcomers[seat] = lease.agent
            return None
        del self.refs[seat]
        return Act(default_of(seat, request), late=True) if request.required else None

    async def _ask(self, seat: Seat, message: TakeTurn) -> Act | Wait:
        assert message.request is not None, "it is an ask"
        request, before = message.request, self.tokens_of(seat)
        while len(request.refused) < ATTEMPTS:
            answer = None
            try:
                answer = await self._ask_once(seat, message)
                answer = admitted(seat, request, answer)
            except UnfitAnswerError as error:
                raw = error.raw if answer is None else as_json(seat, answer)
                refused = (*request.refused, Refusal(raw, placeless(error.message)))
                request = replace(request, refused=refused)
                message = TakeTurn(message.step, (), request)
            else:
                if isinstance(answer, Wait):
                    return answer
                return Act(answer, request.refused, tokens=self.tokens_of(seat) - before)
        return Act(
            default_of(seat, request),
            request.refused,
            invalid=True,
            tokens=self.tokens_of(seat) - before,
        )

    async def _ask_once(self, seat: Seat, message: TakeTurn) -> Any:
        """What whoever has the seat answers.

        Raises:
            _BrokenOff: It was broken off, and whatever came of it is wanted no more.
        """
        outcome = await outcome_of(self.refs[seat].ask(message))
        if outcome.error is not None and not isinstance(outcome.error, EpisodeError):
            raise outcome.error
        if self.watch is not None:
            await self.watch.settled(seat)
        self.n_answered[seat] = self.n_answered.get(seat, 0) + 1
        if self.watch is not None:
            self.watch.answered(seat)
        if seat in self._broken_off:
            raise _BrokenOff
        if outcome.error is not None:
            raise outcome.error
        return outcome.result

    def _swap_if_due(self, seat: Seat, step: int) -> tuple[Any, ...]:
        """Let a newcomer take a seat whose time has come; what that one is to be told first."""
        newcomer = None
        if self.swaps:
            due = {at for at in self.swaps if at[1] == seat and at[0] <= step} - self._swapped
            self._swapped |= due
            if due:
                newcomer = self.swaps[max(due)]
                self._leases.pop(seat, None)
        if self._newcomers:
            newcomer = self._newcomers.pop(seat, newcomer)
        if newcomer is None:
            return ()
        self.refs[seat] = newcomer()
        return tuple(self.perceived.get(seat, ()))

    def _remember(self, seat: Seat, observations: Iterable[Any]) -> tuple[Any, ...]:
        """What is told to a seat, kept for one who will take it over."""
        seen = tuple(observations)
        self.perceived.setdefault(seat, []).extend(seen)
        return seen
