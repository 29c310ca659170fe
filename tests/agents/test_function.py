"""Any function or callable is an agent in one line."""

from typing import Literal

import pytest

from simlab.agents.agent import Agent
from simlab.agents.function import as_agent
from simlab.agents.scripted import ScriptedAgent
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest
from simlab.errors import UnfitAnswerError

MOVE = ActionRequest(Literal["cooperate", "defect"])


async def test_a_function_of_the_request_is_an_agent():
    agent = as_agent(lambda request: {"say": request.prompt, "price": 5})

    assert isinstance(agent, Agent)
    assert await agent.act(ActionRequest(Offer, prompt="Hm")) == Offer("Hm", 5)


async def test_a_function_of_observations_and_request_is_given_all_observations_so_far():
    agent = as_agent(lambda observations, _request: " ".join(observations))

    await agent.observe("a")
    await agent.observe("b")

    assert await agent.act(ActionRequest(str)) == "a b"


async def test_an_async_function_is_awaited():
    async def decide(_request):
        return "defect"

    assert await as_agent(decide).act(MOVE) == "defect"


async def test_any_callable_is_an_agent():
    class Grudge:
        def __call__(self, observations, _request):
            return "defect" if "betrayed" in observations else "cooperate"

    agent = as_agent(Grudge())
    assert await agent.act(MOVE) == "cooperate"

    await agent.observe("betrayed")
    assert await agent.act(MOVE) == "defect"


async def test_what_a_function_returns_is_checked():
    with pytest.raises(UnfitAnswerError, match="must be 'cooperate' or 'defect'") as caught:
        await as_agent(lambda _request: "run").act(MOVE)

    assert caught.value.raw == "run"


async def test_errors_of_a_function_are_passed_on():
    with pytest.raises(ZeroDivisionError):
        await as_agent(lambda _request: 1 / 0).act(MOVE)


def test_an_agent_is_returned_as_it_is():
    agent = ScriptedAgent(["a"])

    assert as_agent(agent) is agent


@pytest.mark.parametrize("wrong", [lambda: 1, lambda _a, _b, _c: 1, 5])
def test_what_takes_other_arguments_is_refused(wrong):
    with pytest.raises(TypeError, match=r"expected (a function of|an agent or a function)"):
        as_agent(wrong)
