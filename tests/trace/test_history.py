"""What was committed is met again in its order, or the replay has parted from it."""

import asyncio
import threading
import time

import pytest

from simlab.errors import ReplayDivergence
from simlab.trace import history as history_module
from simlab.trace.events import (
    Acted,
    Cancelled,
    Effect,
    Fault,
    Outcome,
    SteppedCore,
)
from simlab.trace.history import History
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.tracing import effect, turn
from tests.trace.society import (
    never,
    one_step,
    open_writer,
    record,
    replaying,
    resume,
)


async def test_effects_come_in_recorded_order_also_within_one_agent(directory):
    async def race(calls):
        arrived = []

        async def one(name):
            arrived.append(await effect("tool", name, calls[name]))

        await asyncio.gather(one("slow"), one("fast"), one("middle"))
        return arrived

    gates = {name: asyncio.Event() for name in ("slow", "fast", "middle")}

    def call(name, opens):
        async def wait(_):
            if name != "fast":
                await gates[name].wait()
            if opens:
                gates[opens].set()
            return name

        return wait

    live = {
        "slow": call("slow", None), "fast": call("fast", "middle"), "middle": call("middle", "slow")
    }  # fmt: skip
    arrived, digest = await record(directory, lambda: race(live))
    assert arrived == ["fast", "middle", "slow"]

    assert await one_step(
        replaying(directory), lambda: race(dict.fromkeys(gates, never))
    ) == (arrived, digest)  # fmt: skip


class Watched(History):
    """Says when an effect has begun to wait for its turn."""

    def __init__(self, events, content):
        super().__init__(events, content)
        self.waits = threading.Event()

    async def release(self, kept):
        asyncio.get_running_loop().call_soon(self.waits.set)  # runs once this waits
        await super().release(kept)


@pytest.mark.parametrize("waits_in_thread", [True, False], ids=["thread", "loop"])
async def test_an_effect_in_another_thread_comes_in_its_turn_at_once(
    directory, monkeypatch, waits_in_thread
):
    """A loop that nobody wakes goes on when the patience is at an end."""
    monkeypatch.setattr(history_module, "PATIENCE_S", 5.0)

    async def in_loop(name):
        return await effect("tool", name, lambda _: name)

    async def in_thread(name):
        return await asyncio.to_thread(lambda: asyncio.run(in_loop(name)))

    one, other = (in_loop, in_thread) if waits_in_thread else (in_thread, in_loop)

    async def in_order():
        return [await one("first"), await other("second")]

    async def out_of_order():
        late = asyncio.ensure_future(other("second"))
        await asyncio.to_thread(history.waits.wait)
        return [await one("first"), await late]

    live = await record(directory, in_order)
    log = Log(directory)
    history = Watched(log.events(0), log.content_of)
    start = time.perf_counter()

    assert await one_step(Journal(0, seed=5, writer=None, history=history), out_of_order) == live
    assert time.perf_counter() - start < 5.0


async def test_equal_calls_are_told_apart_by_how_manieth_they_are(directory):
    answers = iter("abc")

    async def ask():
        return [await effect("tool", "again", lambda _: next(answers)) for _ in range(3)]

    asked, _ = await record(directory, ask)
    assert asked == ["a", "b", "c"]
    assert (await one_step(replaying(directory), ask))[0] == asked


async def test_turns_of_one_name_in_one_step_are_told_apart(directory):
    answers = iter("abc")

    async def turns(journal):
        await journal.begin({})
        said = []
        for step in range(2):
            for _ in range(1 + step):
                with turn(journal, "buyer", step, "act"):
                    said.append(await effect("tool", "again", lambda _: next(answers)))
            await journal.step(SteppedCore(step, 0.0, [], {}))
        return said

    writer = open_writer(directory)
    said = await turns(Journal(0, seed=5, writer=writer))
    writer.close()

    assert said == await turns(replaying(directory)) == ["a", "b", "c"]
    events = list(Log(directory).events(0, (Effect,)))
    assert [event.part for event in events] == ["act", "act", "act (2)"]


async def test_equal_requests_of_two_kinds_are_two_calls(directory):
    async def ask(kinds):
        calls = [effect(kind, None, lambda _, kind=kind: kind) for kind in kinds]
        return sorted(await asyncio.gather(*calls))

    asked, digest = await record(directory, lambda: ask(["clock", "tool"]))
    again = await one_step(replaying(directory), lambda: ask(["tool", "clock"]))

    assert again == (asked, digest)


async def test_a_call_that_was_cut_off_waits_in_a_replay_until_it_is_again(directory):
    async def hurry(call):
        asking = asyncio.ensure_future(effect("tool", "slow", call))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        return [asking.cancelled(), await effect("tool", "next", lambda _: "done")]

    async def slow(_):
        await asyncio.Event().wait()

    live, digest = await record(directory, lambda: hurry(slow))

    assert live == [True, "done"]
    assert any(isinstance(event, Cancelled) for event in Log(directory).events(0))
    assert await one_step(replaying(directory), lambda: hurry(never)) == (live, digest)


async def test_a_call_under_way_when_the_record_ends_is_made_again_where_calls_overlap_steps(
    directory,
):
    gate = asyncio.Event()

    async def slow(_):
        await gate.wait()
        return "slow"

    async def act(journal):
        with turn(journal, "buyer", 0, "act"):
            return await effect("tool", "slow", slow)

    async def overlapping(journal):
        journal.overlapping = True
        await journal.begin({})
        asking = asyncio.ensure_future(act(journal))
        await asyncio.sleep(0)
        await journal.step(SteppedCore(0, 0.0, [], {}))
        return asking

    writer = open_writer(directory)
    asking = await overlapping(Journal(0, seed=5, writer=writer))
    writer.close()
    asking.cancel()
    await asyncio.wait([asking])

    journal, writer = resume(directory)
    asking = await overlapping(journal)
    gate.set()
    assert await asking == "slow"
    writer.close()


async def test_a_call_that_is_missing_in_the_replay_diverges(directory):
    async def two():
        return [await effect("tool", name, lambda _: 1) for name in ("a", "b")]

    async def one():
        return [await effect("tool", "a", never)]

    await record(directory, two)

    with pytest.raises(ReplayDivergence, match="the record holds a call of kind 'tool' by 'buyer'"):
        await one_step(replaying(directory), one)


async def test_a_call_whose_predecessor_is_never_asked_for_diverges(directory, monkeypatch):
    monkeypatch.setattr(history_module, "PATIENCE_S", 0.01)

    async def two():
        return [await effect("tool", name, lambda _: 1) for name in ("a", "b")]

    await record(directory, two)

    with pytest.raises(ReplayDivergence, match=r"waits for a call of kind 'tool' by 'buyer'"):
        await one_step(replaying(directory), lambda: effect("tool", "b", never))


async def test_a_failed_step_is_played_anew_when_it_is_tried_again(directory):
    async def play_failing(journal, answers):
        await journal.begin({})
        for step in range(2):
            with turn(journal, "buyer", step, "act"):
                first = await effect("tool", "first", lambda _: answers.pop(0))
                try:
                    said = await effect("tool", "second", lambda _: answers.pop(0) / 1)
                except TypeError:
                    return await journal.end(Outcome(step, {}, {}, {}, _FAULT))
            await journal.step(SteppedCore(step, 0.0, [Acted("buyer", [first, said])], {}))
        return await journal.end(Outcome(2, {}, {}, {}))

    writer = open_writer(directory)
    await play_failing(Journal(0, seed=5, writer=writer), [1, 2, 3, "unfit"])
    writer.close()
    assert Log(directory).failed() == {0}

    history = Log(directory).history(0)
    assert history.end is not None
    writer = open_writer(directory)
    again = Journal(0, seed=5, writer=writer, history=history.without_end())
    answers = [5, 6]
    digest = await play_failing(again, answers)
    writer.close()

    log = Log(directory)
    assert (log.failed(), log.ended(), answers) == (set(), {0}, [])
    assert await play_failing(replaying(directory), []) == digest


async def test_an_episode_that_is_tried_again_goes_on_until_it_ends(directory):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    await journal.begin({})
    await journal.end(Outcome(0, {}, {}, {}, _FAULT))
    again = Journal(
        0, seed=5, writer=writer, history=Log(directory).history(0).without_end()
    )  # fmt: skip
    await again.begin({})
    with turn(again, "buyer", 0, "act"):
        await effect("tool", "?", lambda _: 1)

    log = Log(directory)
    assert (log.end(0), log.ended(), log.failed()) == (None, set(), set())


_FAULT = Fault("ModelError", "overloaded", "model")
