import asyncio

import pytest

from simlab.errors import ActorError, ActorStoppedError
from tests.actors.players import Promising, actor_of, turns


async def ask_many(host, n):
    """A promising actor, its asks, and the promises it has made for them."""
    ref = host.spawn(Promising)
    asks = [asyncio.create_task(ref.ask(number)) for number in range(n)]
    await turns(3)
    return ref, asks, actor_of(host, ref).promised


async def test_an_actor_that_promises_answers_serves_many_asks_at_once(host):
    _, asks, promised = await ask_many(host, 3)
    assert len(promised) == 3

    for number in (2, 0, 1):
        promised[number].set_result(number * 10)

    assert await asyncio.gather(*asks) == [0, 10, 20]


async def test_an_asker_who_gives_up_cancels_what_was_promised_to_it_alone(host):
    _, asks, promised = await ask_many(host, 2)

    asks[0].cancel()
    await turns(3)

    assert [answer.cancelled() for answer in promised] == [True, False]
    promised[1].set_result("fine")
    assert await asks[1] == "fine"


async def test_an_error_in_a_promised_answer_reaches_the_asker(host):
    _, (ask,), (promised,) = await ask_many(host, 1)

    promised.set_exception(LookupError("lost"))

    with pytest.raises(LookupError, match="lost"):
        await ask


async def test_what_is_no_exception_reaches_the_asker_as_an_error(host):
    _, (ask,), (promised,) = await ask_many(host, 1)

    promised.set_exception(BaseException("all of it"))

    with pytest.raises(ActorError, match="raised BaseException: all of it"):
        await ask


async def test_an_actor_that_breaks_a_promise_fails_the_ask(host):
    _, (ask,), (promised,) = await ask_many(host, 1)

    promised.cancel()

    with pytest.raises(ActorError, match="has cancelled the answer that it had promised"):
        await ask


async def test_an_error_that_was_promised_to_nobody_is_reported(new_host):
    failures = []
    host = new_host(on_failure=lambda ref, error: failures.append((ref, error)))
    ref = host.spawn(Promising)
    await ref.tell("hello")
    await turns(2)
    error = LookupError("lost")

    actor_of(host, ref).promised[0].set_exception(error)
    await turns(2)

    assert failures == [(ref, error)]


async def test_stopping_sees_promised_answers_through(host):
    ref, (ask,), (promised,) = await ask_many(host, 1)
    stopping = asyncio.create_task(host.stop(ref.name))
    await turns(3)
    assert not stopping.done()

    promised.set_result("kept")
    await stopping

    assert await ask == "kept"


async def test_sim_16_closing_cancels_what_was_promised(host):
    _, (ask,), (promised,) = await ask_many(host, 1)

    await host.close()

    assert promised.cancelled()
    with pytest.raises(ActorStoppedError):
        await ask
