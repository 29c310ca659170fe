"""Two and more hosts that talk over a network which delays, repeats, reorders and fails."""

import asyncio
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.actors import Host, outbox
from simlab.actors.envelope import carried
from simlab.actors.memory import MemoryTransport
from simlab.actors.parcel import WINDOW, Batch, encode_batch
from simlab.errors import (
    ActorError,
    ActorStoppedError,
    AskCycleError,
    EpisodeError,
    HostDiedError,
    StaleEpochError,
    UnfitAnswerError,
)
from tests.actors.players import (
    Ask,
    Asker,
    AsyncRecorder,
    Bearer,
    Echo,
    Failing,
    Flood,
    Flooder,
    Gate,
    Promising,
    Recall,
    Recorder,
    Say,
    actor_of,
    turns,
)

FATES = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), max_size=60)
"""For each batch, after how many turns of the event loop each of its copies arrives."""


def join(transport, *names, **kwargs):
    """Hosts of one new system on a transport."""
    system = uuid.uuid4().hex
    hosts = [Host(system, name, transport=transport, **kwargs) for name in names]
    transport.connect(*hosts)
    return hosts


@pytest.fixture
async def transport():
    return MemoryTransport()


@pytest.fixture
async def hosts(transport):
    """Two hosts that reach each other."""
    hosts = join(transport, "a", "b")
    yield hosts
    for host in hosts:
        host.abort()
    await turns(3)


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


async def test_a_message_that_cannot_be_pickled_raises_at_the_sender(hosts):
    a, b = hosts
    ref = b.spawn(Echo)

    for send in (a.tell, a.ask):
        with pytest.raises((TypeError, AttributeError), match="pickle"):
            await send(ref, lambda: None)

    assert await a.ask(ref, "still fine") == "still fine"


class Unpicklable:
    """Cannot be sent."""

    def __reduce__(self) -> str:
        raise TypeError("not for sending")


class AnswersUnpicklable(Echo):
    """Answers what cannot be sent."""

    def receive(self, _message: object) -> object:
        return Unpicklable()


async def test_an_answer_that_cannot_be_pickled_fails_the_ask(hosts):
    a, b = hosts

    with pytest.raises(
        ActorError, match=r"AnswersUnpicklable/0.0' cannot be pickled: .*not for sending"
    ):
        await a.ask(b.spawn(AnswersUnpicklable), None)


class Unreadable:
    """Can be sent and not be read."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return int, ("not a number",)


async def test_a_message_that_cannot_be_read_fails_the_ask_and_reports_the_tell(transport):
    failures = []
    a, b = join(transport, "a", "b", on_failure=lambda _ref, error: failures.append(str(error)))
    ref = b.spawn(Echo)

    with pytest.raises(ActorError, match=r"a message for 'Echo/0.0' cannot be read in host 'b'"):
        await a.ask(ref, Unreadable())
    await a.tell(ref, Unreadable())

    assert await a.ask(ref, "still fine") == "still fine"
    assert len(failures) == 1
    for host in (a, b):
        await host.close()


async def test_an_error_reaches_the_asker_as_the_same_type_with_its_traceback(hosts):
    a, b = hosts
    ref = b.spawn(Failing)

    with pytest.raises(UnfitAnswerError, match="too long") as caught:
        await a.ask(ref, UnfitAnswerError.of("bla bla", "too long"))

    assert caught.value.raw == "bla bla"
    assert isinstance(caught.value, EpisodeError)
    assert "raised in host 'b'" in caught.value.__notes__[0]
    assert "players.py" in caught.value.__notes__[0]


class PickyError(Exception):
    """Does not survive pickling, as its `__init__` wants more than one argument."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


class Picky(Echo):
    """Raises what cannot be sent."""

    def receive(self, _message: object) -> object:
        raise PickyError("no", "because")


async def test_an_error_that_does_not_survive_pickling_reaches_the_asker_as_an_actor_error(hosts):
    a, b = hosts

    with pytest.raises(ActorError, match=r"PickyError \(which cannot be pickled\): no: because"):
        await a.ask(b.spawn(Picky), None)


async def test_asking_an_actor_that_is_not_there_names_it(hosts):
    a, b = hosts

    with pytest.raises(ActorStoppedError, match="'nobody' of host 'b'"):
        await a.ask(b.ref("nobody"), "hello")


async def test_messages_to_actors_that_are_not_there_are_counted_by_their_host(hosts):
    a, b = hosts

    for _ in range(WINDOW + 1):
        await a.tell(b.ref("nobody"), "hello")
    await a.ask(b.spawn(Echo), "all have arrived")

    assert b.statistics().n_dead_letters == WINDOW + 1


async def test_a_host_that_nobody_knows_is_named(hosts):
    a, _ = hosts
    stranger = Host(a.system, "stranger")

    with pytest.raises(
        ActorStoppedError, match=r"'a' knows no host 'stranger', expected one of \['b'\]"
    ):
        await a.tell(stranger.ref("x"), "hello")

    stranger.abort()


async def test_an_ask_that_would_wait_on_itself_raises_across_hosts(hosts):
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
