"""The stagehand of an episode: records orders and carries them out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simlab.agents.person import Person
from simlab.env.environment import ActionRequest, Seat, TimeStep
from simlab.errors import ConfigError, ControlError
from simlab.sim.absent import AbsentPerson
from simlab.sim.act import Act, said
from simlab.sim.cast import Cast, Lease
from simlab.sim.control.board import Board
from simlab.sim.control.leased import Leased
from simlab.sim.control.order import ACTOR, BEFORE, DURING, Order
from simlab.sim.control.seat_person import SeatPerson, Terms
from simlab.sim.seating import Seating
from simlab.trace.journal import Journal
from simlab.trace.tracing import effect, note, turn


class Stagehand:
    """Records orders and carries them out, new ones and those that a replay meets, in one way.

    Args:
        journal: Of the episode.
        seating: Seats whoever takes a seat over.
        cast: Who plays.
        board: Where people are asked; None in a replay, in which nobody is.
    """

    def __init__(
        self, journal: Journal, seating: Seating, cast: Cast, board: Board | None = None
    ) -> None:
        self.cast = cast
        self._journal = journal
        self._seating = seating
        self._board = board
        if board is not None:
            board.begin(journal.episode, cast.acting)
            cast.on_lease_over = self._tell_lease_over
        self._untold: dict[Seat, Leased] = {}
        self._n_recorded = 0
        self._n_noted = 0
        self._step = 0

    def leave(self) -> None:
        """Go, as the episode is over."""
        if self._board is not None:
            self._board.end(self._journal.episode)

    def open(self, step: int) -> None:
        """Begin a step; where a branch leaves its parent, the people whom that had are gone."""
        if self._seating.is_fork(step):
            self.cast.end_leases(step, lambda seat: self._seating.agent(seat, step))

    def tell_leases(self) -> None:
        """Tell the driver, once a replay has met all there is, what became of the leases in it."""
        while self._untold:
            _, leased = self._untold.popitem()
            assert self._board is not None, "there is somebody to tell"
            self._board.tell_soon(leased)

    async def carry_out(self, order: Order, at: str, step: int, timestep: TimeStep) -> None:
        """Record a new order, which has been checked, and let it take effect.

        Nothing is awaited here that could let anything else happen.
        """
        if order.seat in self.cast.acting and (at == DURING or order.kind == "lease"):
            order = replace(order, nth=self.cast.n_answered.get(order.seat, 0) + 1)
        recorded = await self.record(at, step, order)
        self.apply(recorded, at, step, timestep)

    async def record(self, at: str, step: int, order: Order | None = None) -> Order:
        """Record an order, or meet the one that the record has next; then it waits for its turn."""
        self._begin(step)
        part = f"{at} {self._n_recorded}"
        self._n_recorded += 1
        with turn(self._journal, ACTOR, step, part):
            given: Any = await effect(ACTOR, at, lambda _seed: order and order.as_dict())
        return Order.of(given)

    def note(self, step: int, kind: str, data: Mapping[str, Any] | None = None) -> None:
        """Write what changes nothing into the record, where no digest covers it."""
        self._begin(step)
        self._n_noted += 1
        with turn(self._journal, ACTOR, step, f"note {self._n_noted}"):
            note(ACTOR, {"kind": kind, **(data or {})})

    def apply(self, order: Order, at: str, step: int, timestep: TimeStep) -> None:
        """Let an order take effect that is recorded."""
        match order.kind:
            case "say":
                self._say(order, at, timestep)
            case "edit":
                self._edit(order, step)
            case "lease":
                self._lease(order, step)

    def require_seat(self, order: Order) -> None:
        """See that an order can be carried out in its seat at some time.

        Raises:
            ControlError: It cannot.
        """
        self._seating.require(order.seat, lasting=order.kind == "say")

    def require_fitting(self, order: Order, request: ActionRequest) -> None:
        """See that what a seat is to say is an action of what it is asked.

        Raises:
            ControlError: It is not.
        """
        try:
            said(order.seat, request, order.args["text"])
        except ConfigError as error:
            raise ControlError(error.message) from error

    def _say(self, order: Order, at: str, timestep: TimeStep) -> None:
        seat = order.seat
        request = self.cast.acting[seat] if at == DURING else timestep.requests[seat]
        act = Act(said(seat, request, order.args["text"]), edited=True, live=True)
        if at == BEFORE:
            self.cast.put[seat] = act
        else:
            self.cast.break_off(seat, act)

    def _edit(self, order: Order, step: int) -> None:
        for name, spec in order.args.get("models", {}).items():
            self._seating.add_model(name, spec)
        self._seating.edit(order.seat, step, order.args["options"])
        agent = self._seating.agent(order.seat, step)
        if agent is not None and not self.cast.is_leased(order.seat):
            self.cast.take_over(order.seat, agent)

    def _lease(self, order: Order, step: int) -> None:
        seat, args = order.seat, order.args
        terms = Terms(args["lapse"], args["after_s"])
        agent = self._seating.agent(seat, step) if terms.lapse == "agent" else None
        if self._board is not None:
            place = self._journal.episode, seat
            leased = Leased(*place, args["who"], terms.lapse, terms.after_s, order.id)
            self._tell(leased)
        newcomer = self._seating.person(seat, self._person(order, terms))
        self.cast.lease(seat, newcomer, Lease(agent))

    def _person(self, order: Order, terms: Terms) -> Person:
        if self._board is None:
            return AbsentPerson()
        self._board.take(self._journal.episode, order.seat, order.id)
        return SeatPerson(self._board, self._journal.episode, order.seat, terms)

    def _tell_lease_over(self, seat: Seat) -> None:
        self._tell(Leased(self._journal.episode, seat))

    def _tell(self, leased: Leased) -> None:
        """Tell the driver of a lease; see `tell_leases` for one that a replay meets."""
        assert self._board is not None, "there is somebody to tell"
        if self._journal.is_live:
            self._untold.pop(leased.seat, None)
            self._board.tell_soon(leased)
        else:
            self._untold[leased.seat] = leased

    def _begin(self, step: int) -> None:
        """Count what is recorded in each step anew."""
        if step != self._step:
            self._step, self._n_recorded, self._n_noted = step, 0, 0
