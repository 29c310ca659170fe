import asyncio
import gc
import logging
import tracemalloc

import pytest

from simlab.actors import Actor, ActorRef, Host
from simlab.errors import ActorError, ActorStoppedError
from tests.actors.players import (
    AsyncLiving,
    Diary,
    Echo,
    Failing,
    Gate,
    Living,
    Recorder,
    Say,
    Stillborn,
    actor_of,
    turns,
)


async def test_unnamed_actors_are_numbered_by_class(host):
    assert host.spawn(Echo).name == "Echo/0.0"
    assert host.spawn(Echo).name == "Echo/0.1"


async def test_a_name_in_use_is_refused_and_free_again_after_a_stop(host):
    ref = host.spawn(Echo, name="me")

    with pytest.raises(ValueError, match="'here' has an actor 'me' already"):
        host.spawn(Echo, name="me")

    await host.stop("me")
    assert host.spawn(Echo, name="me") == ref


async def test_a_mailbox_that_holds_nothing_is_refused(host):
    with pytest.raises(ValueError, match="at least 1 message, got 0"):
        host.spawn(Echo, mailbox=0)


class Child(Actor):
    """Knows what it was made with."""

    def __init__(self, *args: int, **kwargs: int) -> None:
        self._made_with = (args, kwargs)

    def receive(self, _message: object) -> object:
        return self._made_with


class Parent(Actor):
    """Spawns beside itself."""

    async def receive(self, message: int) -> object:
        return await self.host.spawn(Child, message, twice=2 * message).ask("what?")


async def test_an_actor_spawns_others_beside_itself(host):
    assert await host.spawn(Parent).ask(4) == ((4,), {"twice": 8})


@pytest.mark.parametrize("kind", [Living, AsyncLiving])
async def test_an_actor_starts_before_its_first_message_and_stops_after_its_last(host, kind):
    diary = Diary()
    ref = host.spawn(kind, diary, name="Ada")

    await ref.tell("a letter")
    await ref.ask("another")
    await host.stop("Ada")

    assert diary.entries == ["Ada started", "Ada got a letter", "Ada got another", "Ada stopped"]


async def test_start_waits_until_an_actor_has_started(host):
    diary = Diary()

    await host.start(AsyncLiving, diary, name="Ada")

    assert diary.entries == ["Ada started"]


async def test_an_actor_that_fails_to_start_is_none(host):
    with pytest.raises(RuntimeError, match="cannot start"):
        host.spawn(Stillborn, later=False, name="s")
    with pytest.raises(RuntimeError, match="cannot start"):
        await host.start(Stillborn, later=True, name="s")

    assert host.statistics().n_actors == 0


async def test_what_waits_for_an_actor_that_fails_to_start_is_refused(new_host):
    failures = []
    host = new_host(on_failure=lambda ref, error: failures.append((ref, str(error))))
    ref = host.spawn(Stillborn, later=True)
    await ref.tell("in vain")

    with pytest.raises(ActorStoppedError, match=r"Stillborn/0\.0"):
        await ref.ask("in vain")
    await turns(1)

    assert failures == [(ref, "cannot start")]
    assert host.statistics().n_dead_letters == 1


async def test_asking_an_actor_that_never_was_names_it(host):
    with pytest.raises(ActorStoppedError, match="'nobody' of host 'here' has stopped or never was"):
        await host.ref("nobody").ask("hello")


async def test_messages_to_actors_that_have_stopped_are_counted(host):
    await host.ref("nobody").tell("hello")

    assert host.statistics().n_dead_letters == 1


async def test_stopping_sees_the_current_message_through_and_refuses_what_waits(host):
    ref = host.spawn(Gate)
    gate = actor_of(host, ref)
    current, queued = (asyncio.create_task(ref.ask(number)) for number in range(2))
    await gate.busy.wait()
    await ref.tell("queued")

    stopping = asyncio.create_task(host.stop(ref.name))
    await turns(3)
    gate.open.release()
    await stopping

    assert await current == 0
    with pytest.raises(ActorStoppedError):
        await queued
    assert gate.entered == [0]
    assert host.statistics().n_dead_letters == 1


async def test_cancelling_a_stop_cancels_what_the_actor_is_at(host):
    ref = host.spawn(Gate)
    current = asyncio.create_task(ref.ask("never"))
    gate = actor_of(host, ref)
    await gate.busy.wait()

    stopping = asyncio.create_task(host.stop(ref.name))
    await turns(2)
    stopping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await stopping
    with pytest.raises(ActorStoppedError):
        await current
    assert gate.cancelled == ["never"]


class StopsItsAsker(Actor):
    """Stops whoever waits for it."""

    async def receive(self, message: str) -> str:
        await self.host.stop(message)
        return "done"


class AsksToBeStopped(Actor):
    """Asks another to stop it."""

    async def receive(self, message: ActorRef) -> str:
        answer: str = await message.ask(self.ref.name)
        return answer


async def test_an_actor_may_be_stopped_by_the_one_it_waits_for(host):
    tired, helper = host.spawn(AsksToBeStopped), host.spawn(StopsItsAsker)

    assert await tired.ask(helper) == "done"
    with pytest.raises(ActorStoppedError):
        await tired.ask(helper)


class Quits(Living):
    """Stops itself."""

    async def receive(self, message: str) -> str:
        super().receive(message)
        await self.host.stop(self.ref.name)
        return "gone"


async def test_an_actor_that_stops_itself_answers_first(host):
    diary = Diary()
    ref = host.spawn(Quits, diary, name="Ada")

    assert await ref.ask("go") == "gone"
    await turns(2)

    assert diary.entries == ["Ada started", "Ada got go", "Ada stopped"]
    with pytest.raises(ActorStoppedError):
        await ref.ask("go")


async def test_stopping_what_is_not_there_is_an_error(host):
    with pytest.raises(ActorStoppedError, match="'nobody'"):
        await host.stop("nobody")


async def test_an_error_that_nobody_waits_for_is_reported_and_the_actor_lives_on(new_host):
    failures = []
    host = new_host(on_failure=lambda ref, error: failures.append((ref, error)))
    ref = host.spawn(Failing)
    error = ValueError("for nobody")

    await ref.tell(error)
    with pytest.raises(KeyError):
        await ref.ask(KeyError("for the asker"))

    assert failures == [(ref, error)]


async def test_an_error_in_reporting_an_error_stops_nobody(new_host, caplog):
    host = new_host(on_failure=lambda _ref, _error: 1 / 0)
    ref = host.spawn(Failing)

    await ref.tell(ValueError("for nobody"))
    with pytest.raises(KeyError):
        await ref.ask(KeyError("for the asker"))

    assert "on_failure() failed" in caplog.text


class Undecided(Actor):
    """Is plain, and returns a coroutine."""

    def receive(self, _message: object) -> object:
        return asyncio.sleep(0)


async def test_a_plain_receive_that_returns_a_coroutine_is_told_to_be_async(host):
    with pytest.raises(TypeError, match=r"Undecided\.receive\(\) is plain .* 'async def'"):
        await host.spawn(Undecided).ask(None)


async def test_an_error_that_nobody_waits_for_is_logged_with_its_traceback(host, caplog):
    ref = host.spawn(Failing)

    with caplog.at_level(logging.ERROR):
        await ref.tell(ValueError("for nobody"))
        await turns(2)

    assert "'Failing/0.0' of host 'here' failed" in caplog.text
    assert "players.py" in caplog.text


async def test_a_flood_of_tells_gives_others_a_turn_of_the_event_loop(host):
    refs = [host.spawn(Recorder) for _ in range(30)]
    n_turns = 0

    async def count() -> None:
        nonlocal n_turns
        while True:
            n_turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    for number in range(5_000):
        await refs[number % len(refs)].tell(Say(number))
    counting.cancel()

    assert n_turns >= 5


async def test_sim_16_closing_cancels_what_runs_and_leaves_no_task(new_host):
    n_tasks = len(asyncio.all_tasks())
    host = new_host()
    diary = Diary()
    host.spawn(AsyncLiving, diary, name="Ada")
    ref = host.spawn(Gate)
    gate = actor_of(host, ref)
    current, queued = (asyncio.create_task(ref.ask(number)) for number in range(2))
    await gate.busy.wait()

    await host.close()

    assert diary.entries == ["Ada started", "Ada stopped"]
    assert gate.cancelled == [0]
    for ask in (current, queued):
        with pytest.raises(ActorStoppedError):
            await ask
    assert len(asyncio.all_tasks()) == n_tasks


class NeverStarts(Actor):
    """Starts forever."""

    async def started(self) -> None:
        await asyncio.Event().wait()

    def receive(self, message: object) -> object:
        return message

    def stopped(self) -> None:
        raise AssertionError("it has never started")


async def test_closing_ends_an_actor_that_is_still_starting(new_host):
    host = new_host()
    starting = asyncio.create_task(host.start(NeverStarts))
    await turns(2)

    await host.close()

    with pytest.raises(ActorStoppedError, match=r"NeverStarts/0\.0"):
        await starting


class FailsToStop(Actor):
    """Raises as it stops."""

    def receive(self, message: object) -> object:
        return message

    def stopped(self) -> None:
        raise RuntimeError("cannot stop")


async def test_an_error_on_stopping_reaches_who_stops_and_is_reported_on_closing(new_host):
    failures = []
    host = new_host(on_failure=lambda ref, error: failures.append((ref, str(error))))
    first, second = host.spawn(FailsToStop), host.spawn(FailsToStop)

    with pytest.raises(RuntimeError, match="cannot stop"):
        await host.stop(first.name)
    await host.close()

    assert failures == [(second, "cannot stop")]


async def test_a_closed_host_takes_no_actors_and_its_references_lead_nowhere(new_host):
    host = new_host()
    ref = host.spawn(Echo)
    await host.close()

    with pytest.raises(ActorError, match="has closed and takes no actor 'late'"):
        host.spawn(Echo, name="late")
    with pytest.raises(ActorError, match="no host of actor system"):
        await ref.ask("hello")


async def test_several_systems_live_side_by_side_in_a_process(host):
    other = Host("other", "here")
    mine, yours = host.spawn(Echo), other.spawn(Echo)

    assert mine != yours
    assert [await mine.ask(1), await yours.ask(2)] == [1, 2]
    assert [host.statistics().n_handled, other.statistics().n_handled] == [1, 1]
    await other.close()


async def test_an_idle_actor_costs_less_than_700_bytes(host):
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(500):
        host.spawn(Recorder)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (after - before) / 500 < 700


async def test_a_host_that_closes_before_an_actors_start_has_begun_does_not_wait_for_it(host):
    class Slow(Actor):
        async def started(self) -> None:
            await asyncio.Event().wait()

        def receive(self, message: str) -> None: ...

    host.spawn(Slow)

    async with asyncio.timeout(10):
        await host.close()
