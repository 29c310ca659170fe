"""Scripted agents play what was written down."""

import pytest

from simlab.agents.agent import Agent
from simlab.agents.scripted import ScriptedAgent
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Wait
from simlab.errors import EpisodeError, UnfitAnswerError

ASK = ActionRequest(Offer)


async def test_actions_are_played_in_order_as_elements_of_the_space():
    agent = ScriptedAgent([{"say": "a", "price": "$8,000"}, Offer("b")])

    assert isinstance(agent, Agent)
    assert [await agent.act(ASK), await agent.act(ASK)] == [Offer("a", 8000), Offer("b")]


async def test_a_script_that_is_over_says_so():
    agent = ScriptedAgent([Offer("a")])
    await agent.act(ASK)

    with pytest.raises(EpisodeError, match="the script has 1 actions, all are played; give it"):
        await agent.act(ASK)


async def test_a_script_may_begin_anew():
    agent = ScriptedAgent(["a", "b"], repeat=True)

    assert [await agent.act(ActionRequest(str)) for _ in range(5)] == ["a", "b", "a", "b", "a"]


async def test_waiting_is_played_where_it_is_allowed():
    agent = ScriptedAgent([Wait(5.0)], repeat=True)

    assert await agent.act(ActionRequest(Offer, required=False)) == Wait(5.0)
    with pytest.raises(UnfitAnswerError, match="cannot wait") as caught:
        await agent.act(ASK)
    assert caught.value.raw == "Wait(until=5.0)"


async def test_an_action_that_does_not_fit_is_refused():
    with pytest.raises(UnfitAnswerError, match="expected one of 'b', got 'a'"):
        await ScriptedAgent(["a"]).act(ActionRequest(str, legal=["b"]))


@pytest.mark.parametrize("given", ["abc", {"price": 3}])
def test_a_text_or_a_mapping_is_no_list_of_actions(given):
    with pytest.raises(TypeError, match=f"actions must be a list, got {given!r}"):
        ScriptedAgent(given)


def test_an_empty_script_is_refused():
    with pytest.raises(ValueError, match="at least one action, got none"):
        ScriptedAgent([])
