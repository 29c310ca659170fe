"""Things that are done at once end together."""

import asyncio

import pytest

from simlab.sim.together import all_of


async def test_the_first_error_ends_the_others_and_is_raised_itself():
    ended = []

    async def wait():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waiting")

    async def fail():
        await all_of([fail_inside()])

    async def fail_inside():
        await asyncio.sleep(0)
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await all_of([wait(), fail()])
    assert ended == ["waiting"]
