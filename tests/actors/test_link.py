"""Two and more hosts that talk over a network which delays, repeats, reorders and fails."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.actors import outbox
from simlab.actors.envelope import carried
from simlab.actors.memory import MemoryTransport
from simlab.actors.parcel import WINDOW
from simlab.errors import (
    AskCycleError,
)
from tests.actors.players import (
    Ask,
    Asker,
    AsyncRecorder,
    Bearer,
    Echo,
    Flood,
    Flooder,
    Gate,
    Promising,
    Recall,
    Recorder,
    Say,
    actor_of,
    join,
    turns,
)

FATES = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), max_size=60)
"""For each batch, after how many turns of the event loop each of its copies arrives."""


async def four_to_four(fates):
    """What each of four receivers on a host got from four senders on another."""
    transport = MemoryTransport(fates)
    a, b = join(transport, "a", "b")
    receivers = [b.spawn(kind, mailbox=7) for kind in (Recorder, AsyncRecorder) * 2]
    senders = [a.spawn(Flooder) for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            for receiver in receivers:
                group.create_task(sender.ask(Flood(receiver, 9)))
    recorded = [await a.ask(receiver, Recall()) for receiver in receivers]
    await transport.wait_until_quiet()
    for host in (a, b):
        await host.close()
    return [
        {sender.name: [n for mark, n in record if mark == sender.name] for sender in senders}
        for record in recorded
    ]


@settings(max_examples=20, deadline=None)
@given(FATES)
def test_sim_11_each_receiver_gets_each_senders_messages_once_and_in_order(fates):
    got = asyncio.run(four_to_four(fates))

    assert got == [{f"Flooder/0.{n}": list(range(9)) for n in range(4)}] * 4


async def test_an_ask_goes_to_another_host_and_back(hosts):
    a, b = hosts
    far, near = b.spawn(Echo), a.spawn(Echo)

    assert await a.ask(far, {"x": [1, 2]}) == {"x": [1, 2]}
    assert await b.ask(near, (3,)) == (3,)


async def test_what_reaches_another_host_is_a_copy(hosts):
    a, b = hosts
    message = [1]

    answer = await a.ask(b.spawn(Echo), message)

    assert answer == message
    assert answer is not message


async def test_a_message_is_pickled_when_it_is_told(hosts):
    a, b = hosts
    ref = b.spawn(Recorder)
    what = [1]

    await a.tell(ref, Say(what))
    what.append(2)

    assert await a.ask(ref, Recall()) == [[1]]


async def test_sim_14_an_ask_that_would_wait_on_itself_raises_at_once_across_hosts(hosts):
    a, b = hosts
    first, second = a.spawn(Asker, name="Peer/0"), b.spawn(Asker, name="Peer/1")

    with pytest.raises(AskCycleError, match=r"^Peer/0 -> Peer/1 -> Peer/0: "):
        await first.ask(Ask((second, first)))


async def test_cancelling_an_ask_cancels_its_handling_in_the_other_host_and_nothing_else(hosts):
    a, b = hosts
    ref = b.spawn(Gate)
    gate = actor_of(b, ref)
    first, second = (asyncio.create_task(a.ask(ref, number)) for number in range(2))
    await gate.busy.wait()

    first.cancel()
    await turns(8)
    gate.open.release()

    assert await second == 1
    assert gate.cancelled == [0]


async def test_cancelling_an_ask_cancels_what_was_promised_to_it_in_the_other_host(hosts):
    a, b = hosts
    ref = b.spawn(Promising)
    ask = asyncio.create_task(a.ask(ref, None))
    await turns(6)

    ask.cancel()
    await turns(6)

    assert actor_of(b, ref).promised[0].cancelled()


async def test_what_is_carried_is_copied_to_the_other_host(hosts):
    a, b = hosts
    bearer = b.spawn(Bearer)

    token = carried.set({"span": 3})
    assert await a.ask(bearer, None) == {"span": 3}
    carried.reset(token)

    assert await a.ask(bearer, None) is None


async def test_sim_13_a_slow_actor_holds_up_its_senders_and_what_waits_stays_bounded(hosts):
    a, b = hosts
    slow, quick = b.spawn(Gate, mailbox=5), b.spawn(Echo)
    gate = actor_of(b, slow)
    flooder = a.spawn(Flooder)
    flood = asyncio.create_task(flooder.ask(Flood(slow, 200)))
    await gate.busy.wait()
    await turns(50)

    assert await a.ask(quick, "hello") == "hello"
    assert len(b.cell(slow.name)._mailbox) <= 5
    n_there = len(b.cell(slow.name)._mailbox.clear())
    assert n_there <= WINDOW
    (waiting,) = [wait for wait in a.statistics().waiting if wait.reason == "room"]
    assert (waiting.waiter, waiting.target) == (flooder, slow)
    flood.cancel()


async def test_sim_13_nothing_is_dropped_on_the_way_to_a_slow_actor(hosts):
    a, b = hosts
    slow = b.spawn(Gate, mailbox=5)
    gate = actor_of(b, slow)
    for _ in range(200):
        gate.open.release()

    await a.spawn(Flooder).ask(Flood(slow, 200, mark="x"))
    await a.ask(b.spawn(Echo), "all have arrived")
    await turns(600)

    assert [message.what for message in gate.left] == [("x", number) for number in range(200)]


async def test_answers_pass_by_a_full_mailbox(hosts):
    a, b = hosts
    slow = b.spawn(Gate, mailbox=1)
    asker = b.spawn(Asker)
    near = a.spawn(Asker)
    flood = asyncio.create_task(a.spawn(Flooder).ask(Flood(slow, 200)))
    await actor_of(b, slow).busy.wait()
    await turns(20)

    assert await b.ask(asker, Ask((near,))) == near.name

    flood.cancel()


async def test_a_tell_held_up_by_one_who_waits_for_its_sender_raises(hosts):
    a, b = hosts
    asker, flooder = a.spawn(Waiter, mailbox=2), b.spawn(Flooder)

    with pytest.raises(AskCycleError, match=r"^Waiter/0.0 -> Flooder/0.0 -> Waiter/0.0: "):
        await asker.ask(flooder)


class Waiter(Asker):
    """Asks a flooder to flood it."""

    async def receive(self, message: object) -> object:
        return await message.ask(Flood(self.ref, 200))  # type: ignore[attr-defined]


async def test_senders_wait_while_the_network_takes_nothing(transport, monkeypatch):
    monkeypatch.setattr(outbox, "FULL_PARCELS", 50)
    a, b = join(transport, "a", "b")
    refs = [b.spawn(Recorder) for _ in range(10)]
    transport.hold()

    async def flood() -> None:
        for _ in range(WINDOW):
            for ref in refs:
                await a.tell(ref, "x")

    flooding = asyncio.create_task(flood())
    await turns(100)

    assert not flooding.done()
    assert a.links._links["b"]._outbox.full
    transport.release()
    await flooding
    for host in (a, b):
        await host.close()
