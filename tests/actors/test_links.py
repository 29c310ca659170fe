"""Hosts that die, are replaced, and come back."""

import asyncio

import pytest

from simlab.actors import Host
from simlab.actors.parcel import Batch, encode_batch
from simlab.errors import (
    ActorStoppedError,
    HostDiedError,
    StaleEpochError,
)
from tests.actors.players import (
    Echo,
    Gate,
    Recall,
    Recorder,
    actor_of,
    join,
    turns,
)


async def test_a_host_that_nobody_knows_is_named(hosts):
    a, _ = hosts
    stranger = Host(a.system, "stranger")

    with pytest.raises(
        ActorStoppedError, match=r"'a' knows no host 'stranger', expected one of \['b'\]"
    ):
        await a.tell(stranger.ref("x"), "hello")

    stranger.abort()


async def test_asks_to_a_host_that_is_lost_fail_and_asks_from_it_are_cancelled(hosts, transport):
    a, b = hosts
    there, here = b.spawn(Gate), a.spawn(Gate)
    ask = asyncio.create_task(a.ask(there, "hello"))
    asked = asyncio.create_task(b.ask(here, "hello"))
    gate = actor_of(a, here)
    await gate.busy.wait()

    transport.cut("b")
    a.links.lose("b", b.epoch)
    await turns(5)

    with pytest.raises(HostDiedError, match="epoch 0 of host 'b' has died"):
        await ask
    assert gate.cancelled == ["hello"]
    asked.cancel()


async def test_a_host_that_cannot_be_reached_is_lost_unless_somebody_else_decides(transport):
    unreachable = []
    a, b = join(transport, "a", "b")
    c = Host(
        a.system,
        "c",
        transport=transport,
        on_unreachable=lambda host, epoch: unreachable.append((host, epoch)),
    )
    transport.connect(c)
    there = b.spawn(Echo)
    transport.cut("b")

    with pytest.raises(HostDiedError):
        await a.ask(there, "hello")
    ask = asyncio.create_task(c.ask(there, "hello"))
    await turns(5)

    assert unreachable == [("b", 0)]
    assert not ask.done()
    ask.cancel()
    for host in (a, b, c):
        host.abort()


async def test_what_is_sent_to_a_lost_host_waits_for_its_successor(hosts, transport):
    a, b = hosts
    ref = b.spawn(Recorder, name="r")
    transport.cut("b")
    a.links.lose("b", b.epoch)
    ask = asyncio.create_task(a.ask(ref, Recall()))
    await turns(5)
    assert not ask.done()
    assert {wait.reason for wait in a.statistics().waiting} == {"answer", "room"}

    successor = Host(a.system, "b", epoch=b.epoch + 1, transport=transport)
    successor.spawn(Recorder, name="r")
    transport.connect(successor)

    assert await ask == []
    successor.abort()


async def test_what_is_sent_to_a_host_that_is_gone_for_good_fails(hosts):
    a, b = hosts
    ref = b.spawn(Echo)
    a.links.lose("b", b.epoch)
    waiting = asyncio.create_task(a.ask(ref, "hello"))
    await turns(2)

    a.links.forget("b")

    for ask in (waiting, a.ask(ref, "hello")):
        with pytest.raises(ActorStoppedError, match="knows no host 'b'"):
            await ask


async def test_sim_9_a_host_that_was_replaced_is_refused_and_stops_naming_both_epochs(
    transport, caplog
):
    stale = []
    (a,) = join(transport, "a")
    old = Host(a.system, "b", epoch=3, transport=transport, on_stale=stale.append)
    new = Host(a.system, "b", epoch=7, transport=transport)
    transport.connect(old)
    recorder = a.spawn(Recorder)
    gate = actor_of(old, old.spawn(Gate, name="gate"))
    ask = asyncio.create_task(old.ask(old.ref("gate"), "hello"))
    await gate.busy.wait()
    transport.connect(new)

    await old.tell(recorder, "from the past")
    await turns(5)

    assert [str(error) for error in stale] == [
        "host 'b' speaks as epoch 3, which was replaced; host 'a' listens to epoch 7 and later"
    ]
    assert "host 'b' of epoch 3 stops" in caplog.text
    assert await a.ask(recorder, Recall()) == []
    assert gate.cancelled == ["hello"]
    with pytest.raises(ActorStoppedError):
        await ask
    for host in (a, new):
        host.abort()


async def test_who_has_heard_a_successor_listens_to_its_predecessor_no_more(hosts):
    a, b = hosts
    successor = Host(a.system, "b", epoch=b.epoch + 1)

    a.links.receive(empty_batch(successor, a))

    with pytest.raises(StaleEpochError, match=r"epoch 0, which was replaced; host 'a' .* epoch 1"):
        a.links.receive(empty_batch(b, a))
    successor.abort()


def empty_batch(sender, receiver):
    """A batch as a host sends it."""
    return encode_batch(
        Batch(sender.system, sender.name, sender.epoch, receiver.name, receiver.epoch, 0, [])
    )


async def test_a_batch_for_another_incarnation_is_refused_and_its_sender_not_blamed(hosts):
    a, b = hosts
    successor = Host(b.system, "b", epoch=9)

    with pytest.raises(HostDiedError, match=r"for epoch 0 of host 'b' .* came to epoch 9"):
        successor.links.receive(empty_batch(a, b))

    successor.abort()
