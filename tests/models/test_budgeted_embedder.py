import pytest

from simlab.errors import BudgetSpentError
from simlab.models.allowance import Allowance
from simlab.models.budgeted_embedder import BudgetedEmbedder
from simlab.models.embedder import embedding_of
from simlab.models.meter import metered
from simlab.models.scripted_embedder import ScriptedEmbedder
from tests.models.purses import BottomlessPurse, CountedPurse

NEAR = ScriptedEmbedder("near")
TEXTS = ["a car", "a boat"]


async def test_what_is_embedded_is_paid_for_and_still_charged():
    purse = BottomlessPurse()
    budgeted = BudgetedEmbedder(NEAR, Allowance(purse))

    with metered() as meter:
        vectors = await budgeted.embed(TEXTS)

    expected = await embedding_of(NEAR, TEXTS)
    assert budgeted.name == "near"
    assert (vectors == expected.vectors).all()
    assert purse.paid == [expected.usage] == [meter.usage]


async def test_without_money_what_is_free_goes_on():
    allowance = Allowance(CountedPurse(0, money=True))

    assert len(await BudgetedEmbedder(NEAR, allowance).embed(TEXTS)) == 2
    with pytest.raises(BudgetSpentError):
        await BudgetedEmbedder(NEAR, allowance, priced=True).embed(TEXTS)
