"""The control plane of a run, in its driver: takes requests, and lets the episodes hear of them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

import msgspec
from msgspec import to_builtins

from simlab.actors import Actor, ActorRef
from simlab.agents.person import HumanAnswer
from simlab.env.environment import Seat
from simlab.errors import ActorError, ControlError, SimlabError
from simlab.sim.control.asked import Asked, Lapsed, Withdrawn
from simlab.sim.control.attempts import Attempts
from simlab.sim.control.checks import Checks
from simlab.sim.control.connection import Connection
from simlab.sim.control.leased import Leased
from simlab.sim.control.messages import (
    AllowSteps,
    LeaveSeat,
    PauseEpisode,
    TakeAnswer,
    TakeBackLeases,
    TellStatus,
)
from simlab.sim.control.order import Order, OrderKind
from simlab.sim.control.order_file import OrderFile
from simlab.sim.control.pauses import Pauses
from simlab.sim.control.people import People
from simlab.sim.control.request import (
    AnswerQuestion,
    Edit,
    Hello,
    Leave,
    Narrate,
    Pause,
    Request,
    Resume,
    Say,
    Step,
    Stop,
    Swap,
    TakeModel,
    TakeSeat,
)
from simlab.sim.control.status import EpisodeStatus
from simlab.sim.staging import PlayEpisode

NARRATOR = "narrator"
"""The seat in which `Narrate` speaks."""

Answer = dict[str, Any]


class ControlPlane:
    """Takes the requests of all clients, and keeps what must outlive a host.

    That is: which episodes are paused, the orders that wait for a step, and who has taken which
    seat. An episode that is resumed on another host is told all of it again.

    Args:
        checks: Of orders, before any episode is told.
        orders: All that were given, also to a driver before this one.
        about: What `Hello` tells of the run.
        n_episodes: How many it has.
        stop: Ends the run.
    """

    def __init__(
        self,
        checks: Checks,
        orders: OrderFile,
        *,
        about: Mapping[str, Any],
        n_episodes: int,
        stop: Callable[[], None],
    ) -> None:
        self.people = People()
        self._checks = checks
        self._orders = orders
        self._about = about
        self._attempts = Attempts(n_episodes)
        self._stop = stop
        self._pauses = Pauses()
        self._stages: Mapping[str, ActorRef] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_paused(self) -> bool:
        """Whether any episode is."""
        return bool(self._pauses)

    def begin_run(self, stages: Mapping[str, ActorRef], ended: Iterable[int]) -> None:
        """Begin with a run.

        Args:
            stages: By host.
            ended: The episodes that have ended before.
        """
        self._stages = stages
        for episode in ended:
            self._attempts.close(episode)

    def begin(self, message: PlayEpisode, stage: ActorRef) -> PlayEpisode:
        """Take note that an episode is about to be played, and say what it is to be told."""
        episode = message.episode
        self._attempts.begin(episode, stage)
        paused, orders = self._pauses.holds_of(episode), self._orders.of(episode)
        return replace(message, orders=orders, paused=paused)

    def end(self, episode: int) -> None:
        """Take note that an episode is played no more where it was: it has ended, or its host."""
        self.people.forget_episode(episode)
        self._attempts.end(episode)

    def close(self, episode: int) -> None:
        """Take note that an episode has ended."""
        self._attempts.close(episode)

    def hear(self, told: Asked | Withdrawn | Lapsed | Leased) -> None:
        """Hear what episodes tell."""
        match told:
            case Asked():
                self.people.ask(told)
            case Withdrawn():
                self.people.withdraw(told)
            case Leased():
                self._take_lease(told)
            case Lapsed(episode, seat):
                lease = self.people.lease_of(episode, seat)
                if lease is not None:
                    self._orders.leave(lease.order)
                self.people.lapse((episode, seat))
                self._begin(self._pause(Pause(kind="pause", episode=episode)))

    async def answer(self, connection: Connection, request: Request) -> Answer:
        """Carry a request out, and say what came of it.

        Raises:
            ControlError: It cannot be carried out, and has changed nothing.
        """
        match request:
            case TakeSeat() | TakeModel() | AnswerQuestion() | Leave():
                return await self._answer_person(connection, request)
            case Hello():
                return await self._tell_status()
            case Pause() | Resume() | Step():
                return await self._pause(request)
            case Say() | Narrate():
                return await self._say(request)
            case Edit() | Swap():
                return await self._change(request)
            case Stop():
                asyncio.get_running_loop().call_soon(self._stop)
        return {}

    async def _answer_person(
        self, connection: Connection, request: TakeSeat | TakeModel | AnswerQuestion | Leave
    ) -> Answer:
        """Let somebody come, answer or go."""
        match request:
            case TakeSeat():
                return await self._take_seat(connection, request)
            case TakeModel():
                self._take_model(connection, request)
            case AnswerQuestion():
                await self._answer_question(connection, request)
            case Leave():
                await self._leave(connection, request)
        return {}

    async def _tell_status(self) -> Answer:
        asks = [stage.ask(TellStatus()) for stage in self._stages.values()]
        told = await asyncio.gather(*asks, return_exceptions=True)
        found: list[EpisodeStatus] = [each for one in told if isinstance(one, list) for each in one]
        return {
            **self._about,
            "seats": self._checks.seats,
            "paused": self.is_paused,
            "episodes": to_builtins(sorted(found, key=lambda each: each.episode)),
            "ended": self._attempts.n_ended,
            "leases": to_builtins(self.people.leases),
        }

    async def _pause(self, request: Pause | Resume | Step) -> Answer:
        """Pause, let go on or let take steps: an episode or all, those too that begin later."""
        episode = self._episode_of(request.episode)
        self._pauses.set(episode, paused=not isinstance(request, Resume))

        def message_to(live: int) -> PauseEpisode | AllowSteps:
            if isinstance(request, Step):
                return AllowSteps(live, request.n)
            return PauseEpisode(live, isinstance(request, Pause))

        if episode is None:
            await self._attempts.tell_all(message_to)
        else:
            await self._attempts.tell(episode, message_to(episode))
        return {}

    async def _say(self, request: Say | Narrate) -> Answer:
        seat = NARRATOR if isinstance(request, Narrate) else request.seat
        self._checks.require_seat(seat)
        self._attempts.require_to_come(request.episode)
        self._attempts.require_begun(request.episode)
        return await self._order("say", request.episode, seat, {"text": request.text})

    async def _change(self, request: Edit | Swap) -> Answer:
        """Change what holds of a seat, from the next step on."""
        episode = self._episode_of(request.episode)
        episodes = [None, *self._attempts.live] if episode is None else [episode]
        found = [self._orders.edits_of(each, request.seat) for each in episodes]
        edits = {tuple([order.id for order in each]): each for each in found}.values()
        if isinstance(request, Swap):
            changes = self._checks.swapped_model(request.seat, request.model, edits)
        else:
            self._checks.require_options(request.seat, request.options, edits)
            changes = {"options": request.options, "models": {}}
        return await self._order("edit", episode, request.seat, changes)

    async def _take_seat(self, connection: Connection, request: TakeSeat) -> Answer:
        self._checks.require_changeable(request.seat)
        self._attempts.require_to_come(request.episode)
        place = (request.episode, request.seat)
        self.people.require_free(place, request.who)
        undo = self.people.hold(place, request.who, connection)
        lease = Leased(*place, request.who, request.lapse, request.after_s)
        if self.people.lease_of(*place) == lease:
            self.people.show(place)
            return {"order": None, "recorded": True, "step": None}
        terms = {"who": request.who, "lapse": request.lapse, "after_s": request.after_s}
        try:
            return await self._order("lease", request.episode, request.seat, terms)
        except SimlabError:
            undo()
            raise

    def _take_lease(self, lease: Leased) -> None:
        """A lease is in force, or over; one whose person has left before is to be over."""
        if lease.who is None or not self._orders.is_left(lease.order):
            self.people.take_lease(lease)
        elif lease.lapse != "pause":
            self._begin(self._attempts.tell(lease.episode, LeaveSeat(*lease.place, lease.order)))

    def _take_model(self, connection: Connection, request: TakeModel) -> None:
        if request.model not in self._checks.person_models(self._orders.models):
            raise ControlError(
                f"model {request.model!r} is no person; run with --model {request.model}=person"
            )
        self.people.require_free(request.model, request.who)
        self.people.hold(request.model, request.who, connection)
        self.people.show(request.model)

    async def _answer_question(self, connection: Connection, request: AnswerQuestion) -> None:
        asked = self.people.question_of(request.question, connection)
        answer = HumanAnswer(request.action, request.wait, request.until)
        try:
            await self._stages[asked.host].ask(TakeAnswer(asked.id, answer))
        except ActorError as error:
            raise ControlError(
                f"question {asked.id!r} is gone with its host; it is asked again elsewhere"
            ) from error

    async def _leave(self, connection: Connection, request: Leave) -> None:
        if request.model:
            self.people.require_holder(request.model, connection)
            self.people.let_go(request.model)
            return
        if request.episode is None or not request.seat:
            raise ControlError("leave takes a model, or an episode and a seat; say which is left")
        await self._leave_seat(connection, request.episode, request.seat)

    async def _leave_seat(self, connection: Connection, episode: int, seat: Seat) -> None:
        """Let a person leave; the seat is free before anything is awaited."""
        place = (episode, seat)
        self.people.require_holder(place, connection)
        lease, orders = self.people.lease_of(*place), self._orders.leases_of(*place)
        for order in orders:
            self._orders.leave(order)
        self.people.let_go(place)
        self.people.lapse(place)
        if lease is not None and lease.lapse == "pause":
            self._begin(self._pause(Pause(kind="pause", episode=episode)))
        elif lease is not None:
            await self._attempts.tell(episode, LeaveSeat(*place, lease.order))
        await self._attempts.tell(episode, TakeBackLeases(episode, tuple(orders)))

    def _begin(self, call: Coroutine[Any, Any, Answer | None]) -> None:
        """Let something be done that nobody waits for, unless its episode ends before."""

        async def attempt() -> None:
            with suppress(ControlError):
                await call

        task = asyncio.create_task(attempt())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _order(
        self, kind: OrderKind, episode: int | None, seat: str, args: Mapping[str, Any]
    ) -> Answer:
        """Give an order to an episode, or to all that are live or begin later."""
        order = Order(self._orders.next_id(), kind, seat, args)
        _require_plain(order)
        self._orders.add(order, episode, holds=kind != "say")
        if episode is None:
            steps = {live: await self._deliver_if_live(live, order) for live in self._attempts.live}
            return {"order": order.id, "episodes": steps}
        try:
            step = await self._attempts.deliver(episode, order)
        except ControlError:
            self._orders.refuse(order)
            raise
        if step is None and kind == "say":
            self._orders.add(order, episode, holds=True)
        return {"order": order.id, "recorded": step is not None, "step": step}

    async def _deliver_if_live(self, episode: int, order: Order) -> int | None:
        """Give an order to one of all episodes, which may have ended meanwhile."""
        try:
            return await self._attempts.deliver(episode, order)
        except ControlError:
            return None

    def _episode_of(self, episodes: int | Literal["all"]) -> int | None:
        """An episode that is live or will be; None for all.

        Raises:
            ControlError: It has ended, or there is none.
        """
        if episodes == "all":
            return None
        self._attempts.require_to_come(episodes)
        return episodes


class PlaneActor(Actor):
    """Hears in the driver what stages tell of people.

    Args:
        plane: Of the run.
    """

    __slots__ = ("_plane",)

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def receive(self, message: Asked | Withdrawn | Lapsed | Leased) -> None:
        """Let the plane hear it."""
        self._plane.hear(message)


def _require_plain(order: Order) -> None:
    """See that the log takes an order as it is.

    Raises:
        ControlError: It has numbers of more than 64 bits, or texts that are none.
    """
    try:
        msgspec.msgpack.encode(order.as_dict())
    except (OverflowError, UnicodeEncodeError, RecursionError, TypeError) as error:
        raise ControlError(f"the log does not take what is ordered: {error}") from error
