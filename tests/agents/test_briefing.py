"""A language agent in a dialogue of two: briefed by the world, and asked without a question."""

import pytest

from simlab.agents.llm import LlmAgent
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Briefing, Utterance
from simlab.models.model import ChatMessage


async def told(agent, *observations):
    for observation in observations:
        await agent.observe(observation)


@pytest.mark.parametrize("memory", ["list", "window"])
async def test_the_latest_briefing_ends_the_system_turn_and_is_no_memory(replying, memory):
    model = replying("Yes.")
    agent = LlmAgent(model, persona="You are kind.", memory=memory)
    await told(agent, Briefing("You are Ann."), "It rains.", Briefing("You are Bob."))

    await agent.copy().act(ActionRequest(prompt="Speak."))

    assert model.prompts[0] == [
        ChatMessage("system", "You are kind.\n\nYou are Bob."),
        ChatMessage("user", "It rains.\n\nSpeak."),
    ]


@pytest.mark.parametrize("memory", ["list", "window"])
async def test_a_dialogue_of_two_has_turns_without_names_and_questions(replying, memory):
    model = replying("Hello.", "Fine.")
    agent = LlmAgent(model, seat="ann", memory=memory, name_speakers=False)
    await told(agent, Briefing("You are kind."), Utterance("bob", "Hi."))
    assert await agent.act(ActionRequest(prompt="")) == "Hello."
    await told(agent, Utterance("ann", "Hello."), Utterance("bob", "How are you?"))

    assert await agent.act(ActionRequest(prompt="")) == "Fine."

    assert [(message.role, message.text) for message in model.prompts[1]] == [
        ("system", "You are kind."),
        ("user", "Hi."),
        ("assistant", "Hello."),
        ("user", "How are you?"),
    ]


@pytest.mark.parametrize("memory", ["list", "window"])
async def test_an_empty_prompt_after_own_words_is_an_empty_turn_of_the_user(replying, memory):
    model = replying("Yes.", "Again.")
    agent = LlmAgent(model, seat="ann", memory=memory)
    await agent.act(ActionRequest(prompt="Speak."))
    await told(agent, Utterance("ann", "Yes."))

    await agent.act(ActionRequest(prompt=""))

    assert model.prompts[1][-1] == ChatMessage("user", "")


async def test_the_form_of_the_answer_is_told_without_a_question(replying):
    model = replying('Too dear.", "price": 7000}')

    await LlmAgent(model).act(ActionRequest(Offer, prompt=""))

    assert model.prompts[0][0].text.startswith("Answer in JSON:")
