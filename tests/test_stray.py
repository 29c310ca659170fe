"""What users' code raises by itself, and what stops it from outside."""

import asyncio

import pytest

from simlab.stray import in_words, is_stop


class MuteError(Exception):
    """Cannot say its message."""

    def __str__(self):
        raise LookupError


async def caught_from(work):
    """What some work raised, and whether it was a stop, both seen where it was raised."""
    try:
        await work
    except BaseException as error:
        return error, is_stop(error)


async def cancel_and_await_another():
    other = asyncio.ensure_future(asyncio.Event().wait())
    other.cancel()
    await other


async def test_a_cancellation_of_this_task_is_a_stop():
    seen = []

    async def wait():
        seen.append(await caught_from(asyncio.Event().wait()))

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    task.cancel()
    await task

    assert isinstance(seen[0][0], asyncio.CancelledError)
    assert seen[0][1]


async def test_a_deadline_is_a_stop():
    async with asyncio.timeout(0):
        _, stops = await caught_from(asyncio.Event().wait())

    assert stops


async def test_a_cancellation_of_another_task_that_is_awaited_is_no_stop():
    error, stops = await caught_from(cancel_and_await_another())

    assert isinstance(error, asyncio.CancelledError)
    assert not stops


@pytest.mark.parametrize(
    ("error", "stops"),
    [
        (KeyboardInterrupt(), True),
        (SystemExit(1), False),
        (GeneratorExit(), False),
        (BaseException("all of it"), False),
        (KeyError("a"), False),
    ],
)
async def test_ctrl_c_is_a_stop_and_nothing_else_is(error, stops):
    assert is_stop(error) is stops


def test_a_cancellation_in_a_thread_that_nobody_can_cancel_is_no_stop():
    assert not is_stop(asyncio.CancelledError())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("a"), "KeyError: 'a'"),
        (asyncio.CancelledError(), "CancelledError"),
        (MuteError(), "MuteError: its message cannot be had: str() raised LookupError"),
    ],
)
def test_an_error_in_words_is_its_class_and_its_message_if_it_has_one(error, words):
    assert in_words(error) == words
