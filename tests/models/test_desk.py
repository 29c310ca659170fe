"""The desk of a replica, asked as a courier asks it."""

import asyncio
import pickle

import pytest

from simlab.actors.parcel import pickle_5, unpack_error
from simlab.models.calls import Generate
from simlab.models.desk import RECEIVED, Desk, Parcel
from simlab.models.model import ChatMessage, Completion, Sampling


class Slow:
    """A model that answers nobody whose seed is 0."""

    name = "slow"

    def __init__(self):
        self.n_asked = 0

    async def generate(self, _prompt, sampling=Sampling(), *, session=None):
        self.n_asked += 1
        if sampling.seed == 0:
            await asyncio.Event().wait()
        if sampling.seed == 2:
            raise asyncio.CancelledError
        return Completion(str(session))


def parcel(*seeds):
    hello = [ChatMessage("user", "hello")]
    calls = [(number, Generate(hello, Sampling(seed=seed))) for number, seed in enumerate(seeds)]
    return pickle_5(Parcel("me", calls))


def drop(*numbers):
    return pickle_5(("me", numbers))


@pytest.fixture
def desk():
    return Desk(Slow())


async def rest_of(parts):
    """The answers by number, once the stream has ended."""
    async with asyncio.timeout(5):
        return {answer.number: answer async for part in parts for answer in pickle.loads(part)}


async def test_train_12_a_call_dropped_before_its_first_step_ends_and_its_stream_with_it(desk):
    parts = desk.answer(parcel(0, 1))
    assert await anext(parts) == RECEIVED

    desk.drop(drop(0))
    answers = await rest_of(parts)

    assert answers.keys() == {0, 1}
    assert answers[1].result == Completion("None")
    assert desk.n_running == 0


async def test_train_12_a_call_dropped_in_the_middle_ends_and_its_stream_with_it(desk):
    parts = desk.answer(parcel(0, 1))
    assert await anext(parts) == RECEIVED
    first = [answer.number for answer in pickle.loads(await anext(parts))]

    desk.drop(drop(0))

    assert first == [1]
    assert (await rest_of(parts)).keys() == {0}
    assert desk.n_running == 0


async def test_a_call_that_nobody_dropped_and_the_model_cancelled_is_told_as_an_error(desk):
    parts = desk.answer(parcel(2))
    await anext(parts)

    [answer] = (await rest_of(parts)).values()

    error = unpack_error(pickle.loads(answer.error), "a replica")
    assert "cancelled" in error.message


async def test_whoever_leaves_early_cancels_what_is_left(desk):
    parts = desk.answer(parcel(0, 0, 0))
    await anext(parts)

    await parts.aclose()

    assert desk.n_running == 0


async def test_a_number_that_is_not_there_is_dropped_without_a_word(desk):
    desk.drop(drop(7))

    assert desk.n_running == 0
