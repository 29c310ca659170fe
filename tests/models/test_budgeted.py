import pytest

from simlab.errors import BudgetSpentError
from simlab.models.allowance import Allowance
from simlab.models.budgeted import BudgetedModel, is_priced
from simlab.models.endpoint import EndpointModel
from simlab.models.model import ChatMessage, Sampling
from simlab.models.scripted import ScriptedModel
from tests.models.purses import BottomlessPurse, CountedPurse

HELLO = [ChatMessage("user", "hello")]
URL = "http://127.0.0.1:8000/v1"


def test_only_a_price_makes_calls_cost_money():
    assert not is_priced(ScriptedModel("small"))
    assert not is_priced(EndpointModel("small", url=URL))
    assert is_priced(EndpointModel("small", url=URL, dollars_per_million_in=1.0))
    assert is_priced(EndpointModel("small", url=URL, dollars_per_million_out=1.0))


async def test_a_completion_is_paid_for():
    purse = BottomlessPurse()
    model = BudgetedModel(ScriptedModel("small"), Allowance(purse))

    completion = await model.generate(HELLO, Sampling(seed=1), session="s")

    assert completion == await model.inner.generate(HELLO, Sampling(seed=1))
    assert purse.paid == [completion.usage]


async def test_without_money_what_is_free_goes_on():
    allowance = Allowance(CountedPurse(0, money=True))
    inner = ScriptedModel("small")

    assert (await BudgetedModel(inner, allowance).generate(HELLO)).text
    with pytest.raises(BudgetSpentError):
        await BudgetedModel(inner, allowance, priced=True).generate(HELLO)


async def test_scored_choices_are_paid_for():
    purse = CountedPurse(1)
    model = BudgetedModel(ScriptedModel("small"), Allowance(purse))

    scored = await model.choice_logprobs(HELLO, ["yes", "no"])

    assert scored == await model.inner.choice_logprobs(HELLO, ["yes", "no"])
    assert purse.paid == [scored.usage]
    with pytest.raises(BudgetSpentError):
        await model.choice_logprobs(HELLO, ["yes", "no"])


def test_with_an_adapter_it_is_paid_for_alike():
    model = BudgetedModel(ScriptedModel("small"), Allowance(BottomlessPurse()), priced=True)

    adapted = model.with_adapter("/adapters/agent@7")

    assert (adapted.name, adapted.allowance) == ("small+agent@7", model.allowance)
    assert adapted.priced
