"""Who waits for whom through asks, and what travels beside a message."""

import asyncio

import pytest

from simlab.actors import Actor
from simlab.actors.envelope import carried
from simlab.errors import AskCycleError
from tests.actors.players import (
    Ask,
    Asker,
    Bearer,
    actor_of,
)


@pytest.mark.parametrize("n_actors", [1, 2, 3])
async def test_an_ask_that_would_wait_on_itself_raises_and_names_the_chain(host, n_actors):
    refs = [host.spawn(Asker, name=f"Peer/{number}") for number in range(n_actors)]
    chain = " -> ".join(str(ref) for ref in (*refs, refs[0]))

    with pytest.raises(AskCycleError, match=f"^{chain}: every actor here waits for the next"):
        await refs[0].ask(Ask((*refs[1:], refs[0])))


async def test_a_cycle_is_named_without_those_who_only_lead_to_it(host):
    first, second, third = (host.spawn(Asker) for _ in range(3))

    with pytest.raises(AskCycleError, match=r"^Asker/0.1 -> Asker/0.2 -> Asker/0.1: "):
        await first.ask(Ask((second, third, second)))


async def test_two_askers_may_ask_the_same_actor(host):
    a, b, shared = (host.spawn(Asker) for _ in range(3))

    asks = asyncio.gather(a.ask(Ask((shared,))), b.ask(Ask((shared,))))

    assert await asks == ["Asker/0.2", "Asker/0.2"]


class Starter(Actor):
    """Leaves a task running that asks later."""

    def __init__(self) -> None:
        self.answer: asyncio.Task[str] | None = None

    async def receive(self, message: Ask) -> str:
        if message.route:
            self.answer = asyncio.create_task(message.route[0].ask(Ask(message.route[1:])))
        return "done"


async def test_what_an_actor_leaves_running_may_ask_it(host):
    starter, asker = host.spawn(Starter), host.spawn(Asker)
    await starter.ask(Ask((asker, starter)))

    answer = actor_of(host, starter).answer

    assert await answer == "done"


class TellsBack(Actor):
    """Tells the one who asked, more than its mailbox holds."""

    async def receive(self, message: tuple[object, int]) -> None:
        target, n = message
        for number in range(n):
            await target.tell(Ask(()))
            del number


async def test_a_tell_that_waits_for_room_at_one_who_waits_for_it_raises(host):
    asker = host.spawn(AsksWith, mailbox=2)
    teller = host.spawn(TellsBack)

    with pytest.raises(AskCycleError, match=r"^AsksWith/0.0 -> TellsBack/0.1 -> AsksWith/0.0: "):
        await asker.ask((teller, 3))


async def test_a_tell_to_one_who_waits_is_fine_while_there_is_room(host):
    asker = host.spawn(AsksWith, mailbox=2)
    teller = host.spawn(TellsBack)

    await asker.ask((teller, 2))


class AsksWith(Actor):
    """Asks a teller to tell it back."""

    async def receive(self, message: object) -> None:
        if isinstance(message, tuple):
            teller, n = message
            await teller.ask((self.ref, n))


async def test_what_is_carried_reaches_the_receiver_and_goes_no_further(host):
    bearer, asker = host.spawn(Bearer), host.spawn(Asker)
    thing = object()

    token = carried.set(thing)
    assert await bearer.ask(None) is thing
    carried.reset(token)

    assert await bearer.ask(None) is None
    assert await asker.ask(Ask((bearer,))) is None
