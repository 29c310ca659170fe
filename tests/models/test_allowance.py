"""Calls begin while the budget lasts; those that have begun come back and are recorded."""

import asyncio

import pytest

from simlab.errors import BudgetSpentError, ModelError
from simlab.models.allowance import Allowance
from simlab.models.model import Completion, Usage
from tests.models.purses import BottomlessPurse, CountedPurse

DONE = Completion("done", usage=Usage(3, 4))


class Gate:
    """A call that comes back when it is opened."""

    def __init__(self):
        self.opened = asyncio.Event()
        self.n_begun = 0

    async def call(self):
        self.n_begun += 1
        await self.opened.wait()
        return DONE


async def settle():
    """Let all tasks go as far as they can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def at_once():
    return DONE


async def test_a_call_is_paid_for_when_it_has_come_back():
    purse = BottomlessPurse()

    assert await Allowance(purse).spend(at_once, priced=True) is DONE

    assert purse.paid == [DONE.usage]


async def test_a_result_that_does_not_say_what_it_cost_is_taken_for_free():
    purse = BottomlessPurse()

    async def score():
        return {"yes": -0.1}

    assert await Allowance(purse).spend(score, priced=True) == {"yes": -0.1}

    assert purse.paid == [Usage()]


async def test_a_call_that_fails_is_not_paid_for():
    purse = CountedPurse(1)
    allowance = Allowance(purse)

    async def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await allowance.spend(fail, priced=True)
    with pytest.raises(BudgetSpentError):  # and nothing is waited for
        await allowance.spend(at_once, priced=True)

    assert purse.paid == []


async def test_what_was_spent_in_vain_is_paid_for():
    purse = BottomlessPurse()

    async def fail():
        raise ModelError.of("no logprobs", Usage(3, 4, dollars=0.5))

    with pytest.raises(ModelError, match="no logprobs"):
        await Allowance(purse).spend(fail, priced=True)

    assert purse.paid == [Usage(3, 4, dollars=0.5)]


async def test_when_nothing_may_be_spent_nothing_begins():
    gate = Gate()

    with pytest.raises(BudgetSpentError, match="the run has spent its budget; raise it and go on"):
        await Allowance(CountedPurse(0)).spend(gate.call, priced=True)

    assert gate.n_begun == 0


async def test_the_end_waits_until_what_is_under_way_has_come_back():
    gate, allowance = Gate(), Allowance(CountedPurse(2))
    under_way = [asyncio.create_task(allowance.spend(gate.call, priced=True)) for _ in range(2)]
    refused = asyncio.create_task(allowance.spend(gate.call, priced=True))

    await settle()
    assert (gate.n_begun, refused.done()) == (2, False)
    gate.opened.set()

    assert await asyncio.gather(*under_way) == [DONE, DONE]
    with pytest.raises(BudgetSpentError):
        await refused


async def test_what_a_call_gives_is_taken_before_anyone_is_told_of_the_end():
    """So it is recorded before the episode is cancelled."""
    gate, allowance, order = Gate(), Allowance(CountedPurse(1)), []

    async def take():
        await allowance.spend(gate.call, priced=True)
        order.append("taken")

    async def be_refused():
        try:
            await allowance.spend(gate.call, priced=True)
        except BudgetSpentError:
            order.append("ended")

    taking, refused = asyncio.create_task(take()), asyncio.create_task(be_refused())
    await settle()
    gate.opened.set()
    await asyncio.gather(taking, refused)

    assert order == ["taken", "ended"]


async def test_the_end_does_not_wait_for_what_begins_later():
    """Free models go on where only money is spent."""
    first, second, allowance = Gate(), Gate(), Allowance(CountedPurse(1, money=True))
    under_way = asyncio.create_task(allowance.spend(first.call, priced=True))
    refused = asyncio.create_task(allowance.spend(first.call, priced=True))
    await settle()
    later = asyncio.create_task(allowance.spend(second.call, priced=False))
    await settle()

    first.opened.set()
    with pytest.raises(BudgetSpentError):
        await refused

    assert (under_way.done(), later.done()) == (True, False)
    second.opened.set()
    assert await later is DONE


async def test_the_end_does_not_wait_for_what_was_cancelled():
    gate, allowance = Gate(), Allowance(CountedPurse(1))
    under_way = asyncio.create_task(allowance.spend(gate.call, priced=True))
    refused = asyncio.create_task(allowance.spend(gate.call, priced=True))
    await settle()

    under_way.cancel()

    with pytest.raises(BudgetSpentError):
        await refused


async def test_what_has_come_back_is_not_kept():
    allowance = Allowance(BottomlessPurse())

    await asyncio.gather(*(allowance.spend(at_once, priced=True) for _ in range(5)))

    assert allowance._under_way == set()
