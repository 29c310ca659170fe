"""Who waits is seen."""

import asyncio

from simlab.actors import Actor
from tests.actors.players import (
    Ask,
    Asker,
    Gate,
    actor_of,
    turns,
)


async def test_sim_13_a_full_mailbox_makes_the_sender_wait_and_statistics_show_it(host):
    ref = host.spawn(Gate, mailbox=2)
    gate = actor_of(host, ref)
    await ref.tell("current")
    await gate.busy.wait()
    for text in ("first", "second"):
        await ref.tell(text)

    late = asyncio.create_task(ref.tell("third"))
    await turns(3)

    assert not late.done()
    (waiting,) = host.statistics().waiting
    assert (waiting.waiter, waiting.target, waiting.reason) == (None, ref, "room")
    assert host.statistics().n_senders == 1
    for _ in range(4):
        gate.open.release()
    await late
    await turns(8)
    assert gate.left == ["current", "first", "second", "third"]
    assert host.statistics().waiting == ()


async def test_sim_14_statistics_show_who_waits_for_whom_through_asks(host):
    gate, asker = host.spawn(Gate), host.spawn(Asker)
    ask = asyncio.create_task(asker.ask(Ask((gate,))))
    await actor_of(host, gate).busy.wait()

    outer, inner = host.statistics().waiting

    assert (outer.waiter, outer.target, outer.chain) == (None, asker, ())
    assert (inner.waiter, inner.target, inner.chain) == (asker, gate, (asker,))
    assert outer.age_s >= inner.age_s >= 0
    assert str(inner).startswith("Asker/0.1 -> Gate/0.0: for an answer, 0.")
    assert host.statistics().n_asks == 2
    ask.cancel()


class TellsEach(Actor):
    """Tells another more than its mailbox holds, and is told as much."""

    def __init__(self, n: int) -> None:
        self._n = n

    async def receive(self, message: object) -> None:
        if message is not None:
            for _ in range(self._n):
                await message.tell(None)  # type: ignore[attr-defined]


async def test_sim_14_two_full_mailboxes_that_tell_each_other_are_seen_in_statistics(host):
    a, b = host.spawn(TellsEach, 3, mailbox=1), host.spawn(TellsEach, 3, mailbox=1)
    await a.tell(b)
    await b.tell(a)

    await turns(5)

    waits = {(wait.waiter, wait.target, wait.reason) for wait in host.statistics().waiting}
    assert waits == {(a, b, "room"), (b, a, "room")}
