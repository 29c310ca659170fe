"""What the calls of embedders cost, told beside what they give."""

import asyncio

from simlab.models.meter import charge, metered
from simlab.models.model import Usage


def test_a_meter_adds_up_what_is_charged_while_its_block_runs():
    charge(Usage(1))
    with metered() as meter:
        charge(Usage(2, model_s=0.5, attempts=2))
        charge(Usage(4, model_s=0.25, attempts=3))
    charge(Usage(8))

    assert meter.usage == Usage(6, model_s=0.75, attempts=4)


def test_what_one_meter_counts_no_other_does():
    with metered() as outer:
        charge(Usage(1))
        with metered() as inner:
            charge(Usage(2))
        charge(Usage(4))

    assert (inner.usage, outer.usage) == (Usage(2), Usage(5))


async def test_tasks_begun_in_the_block_are_counted_and_those_beside_it_are_not():
    async def call(n_tokens):
        await asyncio.sleep(0)
        charge(Usage(n_tokens))

    beside = asyncio.create_task(call(1))
    with metered() as meter:
        await asyncio.gather(call(2), call(4))
        await beside

    assert meter.usage == Usage(6)
