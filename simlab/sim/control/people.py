"""The people who come while a run goes on: who has which seat or model, and what they are asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simlab.env.environment import Seat
from simlab.errors import ControlError
from simlab.sim.control.asked import Asked, Withdrawn
from simlab.sim.control.connection import Connection
from simlab.sim.control.leased import Leased

Place = tuple[int, Seat] | str
"""A seat of an episode, or a model."""


@dataclass(slots=True)
class _Holder:
    """Somebody with a place; `waits` is whether the lease of a seat is ordered, not in force."""

    who: str
    connection: Connection | None
    waits: bool = False


class People:
    """Who has taken which seats and models, on which connection, and the questions that wait.

    A lease belongs to a name: whoever comes by it again, on whatever connection, is asked. That of
    a seat is in force as long as its episode says so.
    """

    def __init__(self) -> None:
        self._holders: dict[Place, _Holder] = {}
        self._leases: dict[tuple[int, Seat], Leased] = {}
        self._open: dict[str, Asked] = {}

    @property
    def leases(self) -> list[Leased]:
        """Those that are in force."""
        return [lease for _, lease in sorted(self._leases.items())]

    def lease_of(self, episode: int, seat: Seat) -> Leased | None:
        """The lease of a seat that is in force."""
        return self._leases.get((episode, seat))

    def require_free(self, place: Place, who: str) -> None:
        """See that nobody else has a place.

        Raises:
            ControlError: Somebody has.
        """
        holder = self._holders.get(place)
        lease = self._leases.get(place) if isinstance(place, tuple) else None
        taken_by = lease.who if lease is not None else holder and holder.who
        if taken_by is not None and taken_by != who:
            raise ControlError(
                f"{_in_words(place)} is taken by {taken_by!r}, got {who!r}; wait until it is left"
            )

    def hold(self, place: Place, who: str, connection: Connection) -> Callable[[], None]:
        """Let somebody be asked on a connection, at once or as soon as a lease is in force.

        Returns:
            What lets whoever had the place before have it again.
        """
        before = self._holders.get(place)
        self._holders[place] = _Holder(who, connection, waits=True)

        def undo() -> None:
            self.let_go(place)
            if before is not None:
                self._holders[place] = before

        return undo

    def show(self, place: Place) -> None:
        """Show whoever has a place, from now on, the questions that wait there."""
        self._holders[place].waits = False
        for asked in self._open.values():
            if _place_of(asked) == place:
                self._show(asked)

    def let_go(self, place: Place) -> None:
        """Let nobody be asked for a place."""
        self._holders.pop(place, None)

    def take_lease(self, lease: Leased) -> None:
        """A lease is in force, or over, as the episode says."""
        if lease.who is None:
            self.lapse(lease.place)
        else:
            self._leases[lease.place] = lease
            holder = self._holders.get(lease.place)
            if holder is not None:
                holder.waits = False

    def lapse(self, place: tuple[int, Seat]) -> None:
        """Whoever had a seat is gone; anybody may take it, unless somebody is about to have it."""
        self._leases.pop(place, None)
        holder = self._holders.get(place)
        if holder is None or holder.waits:
            return
        del self._holders[place]
        if holder.connection is not None:
            holder.connection.send({"lapsed": {"episode": place[0], "seat": place[1]}})

    def ask(self, asked: Asked) -> None:
        """A question has come."""
        self._open[asked.id] = asked
        self._show(asked)

    def withdraw(self, withdrawn: Withdrawn) -> None:
        """A question waits no more."""
        asked = self._open.pop(withdrawn.id, None)
        for connection in self._asked_on(asked) if asked is not None else ():
            connection.send({"withdrawn": withdrawn.id})

    def question_of(self, question: str, connection: Connection) -> Asked:
        """A question that waits, and was asked on a connection.

        Raises:
            ControlError: There is none.
        """
        asked = self._open.get(question)
        if asked is None or connection not in self._asked_on(asked):
            raise ControlError(
                f"question {question!r} does not wait for an answer from here; take its seat or "
                "model first"
            )
        return asked

    def require_holder(self, place: Place, connection: Connection) -> None:
        """See that a place is held on a connection.

        Raises:
            ControlError: It is not.
        """
        holder = self._holders.get(place)
        if holder is None or holder.connection is not connection:
            raise ControlError(f"{_in_words(place)} was not taken from here; nothing is left")

    def forget_connection(self, connection: Connection) -> None:
        """A client is gone; who it was may come back. A model is anybody's again."""
        for place, holder in list(self._holders.items()):
            if holder.connection is connection:
                holder.connection = None
                if isinstance(place, str):
                    del self._holders[place]

    def forget_host(self, epoch: int) -> None:
        """A host has died, and with it what was asked there; that is asked again elsewhere."""
        for asked in [asked for n, asked in self._open.items() if n.startswith(f"{epoch}-")]:
            self.withdraw(Withdrawn(asked.id))

    def forget_episode(self, episode: int) -> None:
        """An episode has ended, or its host has died: elsewhere it tells what is in force."""
        self._leases = {p: lease for p, lease in self._leases.items() if p[0] != episode}

    def _show(self, asked: Asked) -> None:
        for connection in self._asked_on(asked):
            connection.send({"question": asked.as_dict()})

    def _asked_on(self, asked: Asked) -> Iterator[Connection]:
        holder = self._holders.get(_place_of(asked))
        if holder is not None and holder.connection is not None:
            yield holder.connection


def _place_of(asked: Asked) -> Place:
    return asked.model or (asked.episode, asked.seat)


def _in_words(place: Place) -> str:
    if isinstance(place, str):
        return f"model {place!r}"
    return f"seat {place[1]!r} of episode {place[0]}"
