"""An agent that remembers everything goes on from its own dialogue, word for word."""

import itertools
from dataclasses import dataclass, replace

import pytest

from simlab.agents.dialogue import Dialogue
from simlab.agents.llm import LlmAgent
from simlab.agents.memory import MemoryItem
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Refusal, Utterance
from simlab.errors import UnfitAnswerError
from simlab.models.model import ChatMessage, Sampling
from simlab.models.transformers_model import TransformersModel

ASK = ActionRequest(Offer, prompt="Your move.")
FITS = 'Too dear.", "price": 7000}'


def own(words):
    return MemoryItem.of(Utterance("buyer", words), "buyer")


async def play(agent, n_turns):
    """Let an agent be told something and answer, as often as that, unfit answers too."""
    for turn in range(n_turns):
        await agent.observe(f"It is day {turn}.")
        request = ASK
        try:
            await agent.act(request)
        except UnfitAnswerError as error:
            refused = Refusal(error.raw, error.message)
            with pytest.raises(UnfitAnswerError):
                await agent.act(replace(request, refused=(refused,)))
        await agent.observe(Utterance("buyer", f"It is worth {turn}."))


async def test_train_2_each_prompt_is_the_one_before_its_reply_and_what_is_new(replying):
    model = replying(FITS, "nonsense", "more nonsense", FITS, FITS)
    agent = LlmAgent(model, seat="buyer", memory="list")

    await play(agent, 4)

    replies = [message for message in model.prompts[-1] if message.role == "assistant"]
    assert [reply.text for reply in replies[:-1]] == [
        '{"say": "' + said for said in (FITS, "nonsense", "more nonsense", FITS)
    ]
    for before, after in itertools.pairwise(model.prompts):
        *settled, begun = before
        assert after[: len(settled)] == settled
        assert after[len(settled)].text.startswith(begun.text)
        assert after[len(settled) + 1].role == "user"


async def test_what_was_told_since_the_last_reply_is_part_of_the_next_question(replying):
    model = replying(FITS, FITS)
    agent = LlmAgent(model, seat="buyer", memory="list")

    await play(agent, 2)

    questions = [message.text for message in model.prompts[-1] if message.role == "user"]
    assert questions[0].startswith("It is day 0.\n\nYour move.\nAnswer in JSON:")
    assert questions[1].startswith("It is day 1.\n\nYour move.\nAnswer in JSON:")


async def test_a_refused_answer_is_not_told_twice(replying):
    model = replying("nonsense", FITS)
    agent = LlmAgent(model, memory="list")
    with pytest.raises(UnfitAnswerError) as caught:
        await agent.act(ASK)

    refused = (Refusal(caught.value.raw, "no JSON"),)
    assert await agent.act(replace(ASK, refused=refused)) == Offer("Too dear.", 7000)

    asked, reply, reason, _ = model.prompts[1]
    assert asked.text.startswith("Your move.")
    assert reply.text == '{"say": "nonsense'
    assert reason == ChatMessage("user", "That was not taken: no JSON. Answer again.")


def test_own_words_that_somebody_else_has_put_in_are_a_turn():
    dialogue = Dialogue()
    dialogue.tell(MemoryItem("It is red."))
    dialogue.tell(own("I take it."))

    assert dialogue.ask("And now?") == [
        ChatMessage("user", "It is red."),
        ChatMessage("assistant", "I take it."),
        ChatMessage("user", "And now?"),
    ]


def test_own_words_that_open_the_dialogue_are_a_turn():
    dialogue = Dialogue()
    dialogue.tell(own("Hello."))
    dialogue.tell(MemoryItem("seller: Hi."))

    assert dialogue.ask("And now?") == [
        ChatMessage("assistant", "Hello."),
        ChatMessage("user", "seller: Hi.\n\nAnd now?"),
    ]


def test_own_words_after_an_answer_that_did_not_fit_are_told():
    dialogue = Dialogue()
    question = dialogue.ask("Your move.")[-1]
    dialogue.keep([question, ChatMessage("assistant", "nonsense")], fits=False)

    dialogue.tell(own("I offer nothing."))

    assert dialogue.ask("And now?")[-1].text == "buyer: I offer nothing.\n\nAnd now?"


def test_only_the_first_own_words_are_those_of_the_answer():
    dialogue = Dialogue()
    question = dialogue.ask("Your move.")[-1]
    dialogue.keep([question, ChatMessage("assistant", "I offer 5.")], fits=True)

    dialogue.tell(own("I offer 5."))
    dialogue.tell(own("I mean 6."))

    assert dialogue.ask("And now?")[-1].text == "buyer: I mean 6.\n\nAnd now?"


async def test_calls_of_tools_stay_in_the_dialogue(replying):
    def weather(town: str) -> str:
        return f"{town}: 21 degrees"

    call = '<tool_call>{"name": "weather", "arguments": {"town": "Rome"}}</tool_call>'
    model = replying(call, "It is warm.", "It is still warm.")
    agent = LlmAgent(model, memory="list", tools=[weather])
    await agent.act(ActionRequest(prompt="How is it?"))

    await agent.act(ActionRequest(prompt="And now?"))

    assert [message.role for message in model.prompts[-1]] == [
        *("user", "assistant", "tool", "assistant"),
        "user",
    ]


async def test_an_interview_goes_on_from_the_dialogue_and_leaves_it_alone(replying):
    model = replying(FITS, "Because.", FITS)
    agent = LlmAgent(model, memory="list")
    await agent.act(ASK)

    assert await agent.query("Why?") == "Because."
    await agent.act(ASK)

    assert model.prompts[1][:2] == model.prompts[2][:2]
    assert "Why?" not in [message.text for message in model.prompts[2]]


async def test_a_copy_goes_on_by_itself(replying):
    model = replying(FITS, FITS, FITS)
    agent = LlmAgent(model, memory="list")
    await agent.act(ASK)
    twin = agent.copy()

    await twin.act(ASK)
    await agent.act(ASK)

    assert model.prompts[1] == model.prompts[2]


@dataclass(frozen=True)
class Kept:
    """A model that keeps what it has answered."""

    model: TransformersModel
    completions: list

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        completion = await self.model.generate(prompt, sampling, session=session)
        self.completions.append(completion)
        return completion


@pytest.mark.model
async def test_train_2_over_10_turns_token_ids_are_read_as_they_were_drawn():
    model = Kept(TransformersModel("small", dtype="bfloat16"), [])
    sampling = Sampling(max_tokens=12, seed=3)
    agent = LlmAgent(model, seat="buyer", memory="list", sampling=sampling, session="buyer")

    await play(agent, 10)

    assert len(model.completions) >= 10
    for before, after in itertools.pairwise(model.completions):
        whole = before.prompt_ids + before.token_ids
        assert after.prompt_ids[: len(whole)] == whole
