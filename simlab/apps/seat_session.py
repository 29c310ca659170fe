"""The session of a person at a seat: a connection to the run, and what the page of the seat shows.

All tabs of a link share one. It outlives them: the run keeps the seat by the person's name, and the
person comes back to it by the same link, also after the app or the run was started again.
"""

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Any, Final, Literal

from simlab.apps.links import Link
from simlab.apps.patience import answered
from simlab.apps.questions import Questions
from simlab.apps.reading import Reading
from simlab.apps.tails import Tails
from simlab.errors import ControlError, SimlabError
from simlab.sim.control.async_client import AsyncControlClient
from simlab.view.perceived import read_perceived

_AGAIN_S: Final = 1.0
"""How long after a failed try to reach the run the next one is made."""

_LOOK_S: Final = 10.0
"""How long the news of a run are waited for at once."""

_UNWATCHED_S: Final = 40.0
"""A page that has not asked for so long is closed."""

_BOOT: Final = secrets.token_hex(4)
"""Of this process: what a page has seen of another one does not count."""

_LOST: Final = {
    "agent": "its agent plays on",
    "default": "what is played there are defaults",
    "pause": "the episode stands still until somebody takes it",
}

State = Literal["connecting", "waiting", "turn", "refused", "away", "late", "left", "ended"]


class SeatSession:
    """Holds a seat, or stands for a model, for the person that a link names.

    Args:
        link: Of the seat.
        reading: Of the runs.
        tails: Wake it when its run has news.
    """

    def __init__(self, link: Link, reading: Reading, tails: Tails) -> None:
        self.questions = Questions()
        self._link = link
        self._reading = reading
        self._tails = tails
        self._client: AsyncControlClient | None = None
        self._state: State = "connecting"
        self._why = ""
        self._is_seated = False
        self._is_own = False
        self._seen: list[Any] = []
        self._moment = 0
        self._due_s: float | None = None
        self._n_changes = 0
        self._changed = asyncio.Event()
        self._has_ended = False
        self._asked_s = time.monotonic()
        self._holding: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def come(self) -> None:
        """Take the seat, unless it is held already; also one that was left, or lost."""
        if self._holding is None or self._holding.done():
            if self._state != "ended":
                self._put("connecting")
            self._asked_s = time.monotonic()
            self._holding = asyncio.create_task(self._hold())

    async def standing(self, version: str, start: int, *, wait_s: float) -> dict[str, Any]:
        """What the page shows, at once or as soon as that is something else.

        Args:
            version: Of what it shows now; empty for nothing, as where it is opened: then the seat
                is taken, also if it was left or lost.
            start: How many of the things that the seat has perceived it has.
            wait_s: How long to wait where nothing has changed, in seconds.
        """
        if not version or not self._is_over:
            self.come()
        self._look()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while version == self._version and not self._has_ended:
                    self._changed.clear()
                    await self._changed.wait()
        self._asked_s = time.monotonic()
        return self._told(start if version.startswith(_BOOT) else 0)

    async def answer(self, key: str, action: Any) -> None:
        """Answer what is asked; what is refused is kept, and the page tells why.

        Args:
            key: Of the question that was answered.
            action: Its plain data.
        """
        await self._send(key, action=action)

    async def wait(self, key: str) -> None:
        """Do nothing for now, where that may be; see `answer`."""
        await self._send(key, wait=True)

    def refuse(self, key: str, why: str) -> None:
        """Let the page tell why an answer is none."""
        self.questions.refuse(key, why)
        self._change()

    async def leave(self) -> None:
        """Leave the seat, which goes to whom the link says.

        Raises:
            ControlError: The run does not let go of it.
        """
        if self._client is None:
            raise ControlError("the run is not reached now, so nothing can be left; try again")
        if self._link.model:
            leaving = self._client.leave_model(self._link.model)
        else:
            leaving = self._client.leave(self._link.episode, self._link.seat)
        await answered(leaving, "leave")
        self._is_seated = self._is_own = False
        self._put("left", f"You have left; {self._whose_turn}.")

    def end(self) -> None:
        """Let no page wait any more: all that do are answered."""
        self._has_ended = True
        self._changed.set()

    async def close(self) -> None:
        """Go, and let the run keep the seat for the person."""
        self.end()
        tasks = [task for task in (self._holding, self._looking) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)  # what one has failed of is told by asyncio
        self._put("connecting")

    @property
    def _version(self) -> str:
        return f"{_BOOT}.{self._n_changes}"

    @property
    def _whose_turn(self) -> str:
        return "whoever comes stands for the model" if self._link.model else _LOST[self._link.lapse]

    @property
    def _is_watched(self) -> bool:
        return time.monotonic() < self._asked_s + _UNWATCHED_S

    @property
    def _may_see(self) -> bool:
        """Whether the seat is this person's now, or was when its episode ended.

        That somebody had it is known to the app that was there: one started later tells nobody.
        """
        return self._is_seated or (self._is_own and self._state == "ended")

    @property
    def _is_over(self) -> bool:
        return self._state in ("late", "left", "ended")

    async def _hold(self) -> None:
        """Be connected to the run as long as the seat is held, and again when it is resumed.

        A run that is not reached is tried again as long as a page asks.
        """
        path = await self._reading.path_of(self._link.run)
        while self._is_watched and not self._is_over:
            try:
                self._client = await AsyncControlClient.connect(path)
            except ControlError as error:
                self._put("away", error.message)
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                await self._sit(self._client)
            finally:
                client, self._client = self._client, None
                self._is_seated = False
                await client.close()
                self.questions.take(())

    async def _sit(self, client: AsyncControlClient) -> None:
        """Take the place on a connection, and hear what is asked until it is over."""
        client.on_change = self._hear
        try:
            await self._take(client)
        except ControlError as error:
            if not client.has_ended:
                self._is_own = False
                self._put("refused", error.message)
                await asyncio.sleep(_AGAIN_S)
            return
        self._is_seated = self._is_own = True
        self._put("waiting")
        self._hear()
        while not (client.has_ended or self._is_over):
            await self._next_change()

    async def _take(self, client: AsyncControlClient) -> None:
        link = self._link
        if link.model:
            taking = client.take_model(link.model, link.who)
        else:
            terms: dict[str, Any] = {"lapse": link.lapse, "after_s": link.after_s}
            taking = client.lease(link.episode, link.seat, link.who, **terms)
        await answered(taking, "take")

    def _hear(self) -> None:
        """Take in what is asked, and whether the seat is lost."""
        if self._client is None:
            return  # it is being closed
        self.questions.take(self._client.open_questions)
        if (self._link.episode, self._link.seat) in self._client.lapsed and not self._is_over:
            self._is_seated = self._is_own = False
            self._put("late", f"You gave no answer in time; {self._whose_turn}.")
        self._change()

    async def _send(self, key: str, **answer: Any) -> None:
        question = self.questions.current
        if question is None or question.key != key or self._client is None:
            self.refuse(key, "This is not asked any more; see what is.")
            return
        try:
            asked = self._client.call("answer", question=question.id, **answer)
            await answered(asked, "answer")
        except ControlError as error:
            self.questions.refuse(key, error.message)
        else:
            self.questions.settle(question)
        self._change()

    def _look(self) -> None:
        """Follow what is committed of the run, as long as a page asks."""
        self._asked_s = time.monotonic()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        cursor = ""
        while self._state != "ended" and self._is_watched and not self._has_ended:
            try:
                await self._read_on()
                news = await self._tails.news(self._link.run, cursor, wait_s=_LOOK_S)
            except SimlabError as error:
                self._why = error.message
                self._change()
                await asyncio.sleep(_AGAIN_S)
            else:
                cursor = news["cursor"]

    async def _read_on(self) -> None:
        """Read what the seat has perceived since, and how its episode stands."""
        link, more = self._link, True
        while more:
            told = await self._reading.of_run(
                link.run, read_perceived, link.episode, link.seat, self._moment
            )
            if told["to"] > self._moment:
                self._moment, self._due_s = told["to"], told["due_s"]
                self._seen += told["seen"]
                self._change()
            more = told["more"]
        if told["state"] != "unfinished" or told["run"] == "finished":
            self._put("ended", "" if told["state"] != "failed" else "The episode has failed.")

    def _told(self, start: int) -> dict[str, Any]:
        link, question = self._link, self.questions.current
        state = "turn" if self._state == "waiting" and question is not None else self._state
        return {
            "version": self._version,
            "boot": _BOOT,
            "who": link.who,
            "run": link.run,
            "episode": link.episode,
            "seat": link.seat,
            "model": link.model,
            "state": state,
            "why": self._why,
            "from": start,
            "seen": self._seen[start:] if self._may_see else [],
            "question": question and question.told(self._due_s),
            "n_waiting": self.questions.n_waiting,
        }

    def _put(self, state: State, why: str = "") -> None:
        if (state, why) != (self._state, self._why):
            self._state, self._why = state, why
            self._change()

    def _change(self) -> None:
        self._n_changes += 1
        self._changed.set()

    async def _next_change(self) -> None:
        n_changes = self._n_changes
        while n_changes == self._n_changes:
            self._changed.clear()
            await self._changed.wait()
