import asyncio
import time

import pytest

from simlab.actors import Actor, cells
from simlab.actors.host import Host
from simlab.errors import ActorError, ActorStoppedError
from tests.actors.players import (
    AsyncRecorder,
    Echo,
    Gate,
    Recall,
    Recorder,
    Say,
    actor_of,
    turns,
)


async def test_sim_12_a_second_message_never_begins_while_the_first_waits(host):
    ref = host.spawn(Gate)
    gate = actor_of(host, ref)
    asks = [asyncio.create_task(ref.ask(number)) for number in range(3)]

    await turns(5)
    assert gate.entered == [0]

    gate.open.release()
    await turns(5)
    assert gate.entered == [0, 1]
    gate.open.release()
    gate.open.release()
    assert await asyncio.gather(*asks) == [0, 1, 2]


@pytest.mark.parametrize("kind", [Recorder, AsyncRecorder])
async def test_messages_of_one_sender_are_handled_in_order(host, kind):
    ref = host.spawn(kind)

    for number in range(2_500):
        await ref.tell(Say(number))

    assert await ref.ask(Recall()) == list(range(2_500))


@pytest.mark.parametrize("kind", [Echo, Gate])
async def test_an_idle_actor_has_no_task_and_no_mailbox(host, kind):
    n_tasks = len(asyncio.all_tasks())
    ref = host.spawn(kind)
    if kind is Gate:
        actor_of(host, ref).open.release()

    assert await ref.ask("hello") == "hello"
    await turns(2)

    assert len(asyncio.all_tasks()) == n_tasks
    assert host.cell(ref.name)._mailbox is None


async def test_cancelling_an_ask_cancels_the_handling_of_that_message_and_no_other(host):
    ref = host.spawn(Gate)
    gate = actor_of(host, ref)
    first, second = (asyncio.create_task(ref.ask(number)) for number in range(2))
    await gate.busy.wait()

    first.cancel()
    gate.open.release()

    assert await second == 1
    assert gate.cancelled == [0]
    assert gate.left == [1]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_message_whose_asker_has_given_up_is_skipped(host):
    ref = host.spawn(Gate)
    gate = actor_of(host, ref)
    asks = [asyncio.create_task(ref.ask(number)) for number in range(3)]
    await gate.busy.wait()

    asks[1].cancel()
    for _ in range(2):
        gate.open.release()

    assert await asks[2] == 2
    assert gate.entered == [0, 2]


class Stubborn(Actor):
    """Catches the first cancellation and answers nevertheless."""

    def __init__(self) -> None:
        self.caught = 0
        self.busy = asyncio.Event()

    async def receive(self, message: str) -> str:
        if message == "first":
            self.busy.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.caught += 1
        await asyncio.sleep(0)
        return message


async def test_a_cancellation_that_an_actor_catches_does_not_reach_its_next_message(host):
    ref = host.spawn(Stubborn)
    first = asyncio.create_task(ref.ask("first"))
    await actor_of(host, ref).busy.wait()

    first.cancel()

    assert await ref.ask("second") == "second"
    assert actor_of(host, ref).caught == 1


class CancelsItself(Gate):
    """Raises a cancellation that nobody asked for."""

    async def receive(self, message: str) -> str:
        if message == "cancel":
            raise asyncio.CancelledError
        if message == "wait":
            await super().receive(message)
        return message


async def test_an_actor_that_cancels_itself_fails_that_ask_and_lives_on(host):
    ref = host.spawn(CancelsItself)

    with pytest.raises(ActorError, match="has cancelled itself"):
        await ref.ask("cancel")

    assert await ref.ask("go on") == "go on"


async def test_an_asker_who_gave_up_is_not_taken_for_the_cause_of_a_later_cancellation(host):
    ref = host.spawn(CancelsItself)
    waiting, cancelling = (asyncio.create_task(ref.ask(what)) for what in ("wait", "cancel"))
    await actor_of(host, ref).busy.wait()

    waiting.cancel()

    with pytest.raises(ActorError, match="has cancelled itself"):
        await cancelling
    assert await ref.ask("go on") == "go on"


class Slow(Actor):
    """Works for a while on each message, without waiting."""

    def receive(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass


class AsyncSlow(Slow):
    """The same, as a coroutine that never waits."""

    async def receive(self, seconds: float) -> None:
        super().receive(seconds)


@pytest.mark.parametrize("kind", [Slow, AsyncSlow])
async def test_sim_21_a_long_burst_gives_others_a_turn_of_the_event_loop(host, kind, monkeypatch):
    monkeypatch.setattr(cells, "SLICE_S", 0.0005)
    ref = host.spawn(kind)
    for _ in range(100):
        await ref.tell(0.0002)

    n_turns = 0
    while host.cell(ref.name)._mailbox is not None:
        await asyncio.sleep(0)
        n_turns += 1

    assert n_turns > 10


class Raises(Actor):
    """Raises something for each kind of message."""

    def receive(self, message: str) -> None:
        raise {"stop": StopIteration("no more"), "key": KeyError("missing")}[message]


async def test_an_error_reaches_the_asker_as_it_was_raised(host):
    ref = host.spawn(Raises)

    with pytest.raises(KeyError, match="missing"):
        await ref.ask("key")


async def test_stop_iteration_reaches_the_asker_as_in_any_coroutine(host):
    ref = host.spawn(Raises)

    with pytest.raises(RuntimeError, match="raised StopIteration"):
        await ref.ask("stop")


class RaisesAll(Actor):
    """Raises what it is sent."""

    def receive(self, message: BaseException) -> None:
        raise message


class AsyncRaisesAll(Actor):
    """The same, as a coroutine."""

    async def receive(self, message: BaseException) -> None:
        raise message


@pytest.mark.parametrize("error", [BaseException("all of it"), GeneratorExit("all of it")])
@pytest.mark.parametrize("kind", [RaisesAll, AsyncRaisesAll])
async def test_what_is_no_exception_fails_the_ask_and_the_actor_lives_on(host, kind, error):
    ref = host.spawn(kind, name="wild")

    with pytest.raises(ActorError, match=rf"wild' raised {type(error).__name__}: all of it") as e:
        await ref.ask(error)

    assert e.value.__cause__ is error
    with pytest.raises(KeyError, match="next"):
        await ref.ask(KeyError("next"))


async def test_what_is_handled_when_the_event_loop_ends_does_not_keep_it_alive(host):
    ref = host.spawn(Gate)
    ask = asyncio.create_task(ref.ask("never"))
    await actor_of(host, ref).busy.wait()

    host.cell(ref.name)._task.cancel()  # as asyncio.run() does with all tasks that are left

    with pytest.raises(ActorStoppedError):
        await ask


async def test_what_is_cancelled_before_it_is_begun_does_not_keep_its_host_open(host):
    ref = host.spawn(Gate)
    ask = asyncio.create_task(ref.ask("never"))
    await asyncio.sleep(0)
    host.cell(ref.name)._task.cancel()  # as asyncio.run() does when it ends

    async with asyncio.timeout(5):
        await host.close()

    with pytest.raises(ActorStoppedError):
        await ask


class Leaver(Actor):
    """Ends the process, as a terminal's library does when the pipe that it writes to is closed."""

    def receive(self, message):  # noqa: ARG002
        raise SystemExit(1)


def test_an_actor_that_ends_the_process_holds_up_nothing():
    async def run():
        host = Host("test", "here")
        try:
            await host.spawn(Leaver, name="leaver").ask("leave")
        finally:
            await host.close()

    with pytest.raises(SystemExit):
        asyncio.run(run())
