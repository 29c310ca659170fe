"""A language model in a seat: its prompt, its one attempt, its memory."""

import asyncio
import json
import tracemalloc
from dataclasses import replace

import pytest

from simlab.agents.agent import Agent
from simlab.agents.interviewee import Exchange
from simlab.agents.llm import LlmAgent
from simlab.agents.memory import ListMemory, TokenWindow
from simlab.agents.summary import SummarisingMemory
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Refusal, Utterance, Wait
from simlab.errors import ConfigError, ModelError, UnfitAnswerError
from simlab.models.model import ChatMessage, Sampling
from simlab.models.tool_call import ToolCall

ASK = ActionRequest(Offer, prompt="Your move.")
REPLY = 'Too dear.", "price": 7000}'


async def told(agent, *observations):
    for observation in observations:
        await agent.observe(observation)
    return agent


async def test_the_prompt_is_who_it_is_what_it_saw_and_what_is_asked(replying):
    model = replying(REPLY)
    agent = LlmAgent(
        model, persona="You are shy.", goal="Pay little.", seat="buyer", role="You buy a car."
    )
    await told(
        agent,
        "It is red.",
        Utterance("seller", "Hi."),
        Utterance("buyer", "Hello."),
        "It rains.",
    )

    assert await agent.act(ASK) == Offer("Too dear.", 7000)

    system, before, own, last, begun = model.prompts[0]
    assert system.text == "You are buyer. You buy a car. You are shy. Your goal: Pay little."
    assert before == ChatMessage("user", "It is red.\nseller: Hi.")
    assert own == ChatMessage("assistant", "Hello.")
    assert last.text.startswith("It rains.\n\nYour move.\nAnswer in JSON:\n- say: text")
    assert begun == ChatMessage("assistant", '{"say": "')


async def test_turns_alternate_for_templates_that_insist_on_it(replying):
    model = replying("Yes.")
    agent = LlmAgent(model, seat="ann", persona="You are kind.")
    await told(agent, "a", "b", Utterance("ann", "c"), Utterance("ann", "d"), "e")

    await agent.act(ActionRequest(refused=(Refusal("No.", "too short"),)))

    roles = [message.role for message in model.prompts[0]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


async def test_nothing_known_of_an_agent_is_no_system_turn(replying):
    model = replying("Yes.")

    await LlmAgent(model).act(ActionRequest(str))

    assert model.prompts[0] == [ChatMessage("user", "What do you do?")]


async def test_turns_before_the_last_are_the_objects_of_the_prompt_before(replying):
    model = replying("One.", "Two.")
    agent = LlmAgent(model, seat="ann", role="You talk.")
    await told(agent, "Begin.", Utterance("ann", "Zero."), "Go on.")

    await agent.act(ActionRequest(prompt="Speak."))
    await told(agent, Utterance("ann", "One."), "Go on.")
    await agent.act(ActionRequest(prompt="Speak."))

    first, second = model.prompts
    assert [kept is old for kept, old in zip(second[:3], first, strict=False)] == [True] * 3


async def test_interlab_16_asking_writes_no_memory_and_observing_does(replying):
    model = replying(REPLY, " I like it. ")
    agent = LlmAgent(model)
    await told(agent, "It is red.")

    await agent.act(ASK)
    assert await agent.query("Do you like it?") == "I like it."
    assert model.prompts[-1] == [ChatMessage("user", "It is red.\n\nDo you like it?")]
    assert agent.memory.recall() == "It is red."

    await told(agent, "It is old.")
    assert agent.memory.recall() == "It is red.\nIt is old."


async def test_one_attempt_is_made_and_the_whole_reply_is_in_the_refusal(replying):
    model = replying('Ha!", "price": 0}', "unused")

    with pytest.raises(UnfitAnswerError, match="price must be more than 0, got 0") as caught:
        await LlmAgent(model).act(ASK)

    assert caught.value.raw == '{"say": "Ha!", "price": 0}'
    assert len(model.prompts) == 1


async def test_interlab_41_asked_again_it_is_shown_its_refused_replies(replying):
    model = replying("", REPLY)
    agent = LlmAgent(model)
    with pytest.raises(UnfitAnswerError):
        await agent.act(ASK)

    refused = ActionRequest(Offer, prompt="Your move.", refused=(Refusal("Ha!", "no JSON"),))
    await agent.act(refused)

    first, second = model.prompts
    assert second == [
        first[0],
        ChatMessage("assistant", "Ha!"),
        ChatMessage("user", "That was not taken: no JSON. Answer again."),
        first[1],
    ]


async def test_an_optional_request_may_be_answered_by_waiting(replying):
    agent = LlmAgent(replying("WAIT UNTIL 90"))

    assert await agent.act(ActionRequest(Offer, required=False)) == Wait(90.0)


async def test_it_may_reason_first(replying):
    model = replying('The price is high. Answer: {"say": "No", "price": 5}')

    assert await LlmAgent(model, reason=True).act(ASK) == Offer("No", 5)
    assert model.prompts[0][-1].role == "user"


async def test_beginning_the_reply_can_be_turned_off(replying):
    model = replying('{"say": "No"}')

    assert await LlmAgent(model, begin=False).act(ASK) == Offer("No")
    assert model.prompts[0][-1].role == "user"


async def test_errors_of_the_model_are_passed_on(replying):
    with pytest.raises(ModelError, match="down"):
        await LlmAgent(replying(ModelError("down"))).act(ASK)


async def test_tags_and_braces_of_others_are_shown_verbatim(replying):
    """InterLab formats what others said once more, and raises KeyError."""
    model = replying("Yes.")
    agent = await told(LlmAgent(model), "<b>{answer_format}</b> {0}")

    await agent.act(ActionRequest(prompt="Well?"))

    assert model.prompts[0][0].text == "<b>{answer_format}</b> {0}\n\nWell?"


async def test_interlab_17_a_copy_goes_its_own_way(replying):
    agent = await told(LlmAgent(replying()), "a")
    twin = agent.copy()

    await told(agent, "b")
    await told(twin, "c")

    assert (agent.memory.recall(), twin.memory.recall()) == ("a\nb", "a\nc")


async def test_interlab_39_a_copy_keeps_its_class_and_its_style(replying):
    """InterLab's `copy` returns the base class."""

    class Poet(LlmAgent):
        pass

    poet = Poet(replying(), seat="poet", sampling={"temperature": 0.3})
    poet.metre = "iambic"

    twin = poet.copy()

    assert type(twin) is Poet
    assert (twin.metre, twin.seat, twin.sampling) == ("iambic", "poet", Sampling(temperature=0.3))


class Large:
    """What must not be copied, be it as a whole or in part."""

    def __str__(self):
        return "a large thing"

    def _refuse(self, *_):
        raise AssertionError("it was copied")

    __copy__ = __deepcopy__ = __reduce_ex__ = _refuse


async def test_interlab_28_a_copy_shares_all_that_an_agent_holds_and_guards_against_nothing(
    replying,
):
    """InterLab copies deeply, needs a guard against it, and stops the user's own tracemalloc."""
    held = Large()
    agent = LlmAgent(replying(), memory="list")
    agent.map = held
    await agent.observe(held)
    tracemalloc.start()

    try:
        twin = agent.copy()
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()

    assert twin.map is held
    assert twin.memory.items[0].data is held
    assert twin.model is agent.model


@pytest.mark.parametrize(
    ("spec", "kind", "limits"),
    [
        (None, TokenWindow, {"max_tokens": 512}),
        ("list", ListMemory, {}),
        ({"kind": "window", "max_tokens": 9, "count": "words"}, TokenWindow, {"max_tokens": 9}),
        ({"max_tokens": 9}, TokenWindow, {"max_tokens": 9}),
        (
            {"kind": "summary", "max_tokens": 9, "max_summary_tokens": 3},
            SummarisingMemory,
            {"max_tokens": 9, "max_summary_tokens": 3},
        ),
    ],
)
def test_a_run_file_names_the_memory_and_its_limits(replying, spec, kind, limits):
    memory = LlmAgent(replying(), memory=spec).memory

    assert type(memory) is kind
    assert {name: getattr(memory, name) for name in limits} == limits


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("elephant", "memory must be one of .* got 'elephant'"),
        (3, "memory must be one of .* or a mapping, got 3"),
        ({"max_tokens": True}, "memory 'window' .* max_tokens must be a whole number, got True"),
        ({"kind": "list", "max_tokens": 9}, "memory 'list' does not take {'max_tokens': 9}"),
        ({"count": "gpt"}, "token counter must be one of"),
    ],
)
def test_a_memory_that_there_is_not_is_refused(replying, spec, message):
    with pytest.raises(ValueError, match=message):
        LlmAgent(replying(), memory=spec)


def weather(city: str) -> str:
    """Says how the weather is.

    Args:
        city: Its name.
    """
    return f"{city}: 21 degrees"


def tell(seat: str) -> str:
    raise LookupError(seat)


def call(name, **arguments):
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


async def test_tools_are_called_until_the_model_answers(replying):
    model = replying(
        f"I look. {call('weather', city='Rome')}",
        call("weather", city="Oslo"),
        f'{{"say": "{REPLY}',
    )
    agent = LlmAgent(model, tools=[weather], seat="buyer")

    assert await agent.act(ASK) == Offer("Too dear.", 7000)

    first, second, third = model.prompts
    assert [spec.name for spec in model.samplings[0].tools] == ["weather"]
    assert [message.role for message in first] == ["system", "user"]
    assert second[:2] == first
    called = ToolCall("weather", '{"city": "Rome"}', "call00001")
    assert second[2:] == [
        ChatMessage("assistant", "I look.", calls=(called,)),
        ChatMessage("tool", "Rome: 21 degrees", calls=(called,)),
    ]
    assert [message.text for message in third[4:]] == ["", "Oslo: 21 degrees"]
    assert third[:4] == second


async def test_calls_of_one_reply_are_made_in_their_order(replying):
    made = []

    async def note(n: int) -> int:
        made.append(n)
        await asyncio.sleep(0)
        made.append(n)
        return n

    model = replying(call("note", n=1) + call("note", n=2), "Done.")

    assert await LlmAgent(model, tools=[note]).act(ActionRequest()) == "Done."
    assert made == [1, 1, 2, 2]
    assert [message.text for message in model.prompts[1][-2:]] == ["1", "2"]
    assert [message.calls[0].id for message in model.prompts[1][-2:]] == ["call00001", "call00002"]


async def test_what_goes_wrong_with_a_tool_is_what_the_model_is_told(replying):
    model = replying(
        call("tell", seat="bob"),
        call("wether", city="Rome"),
        call("weather", town="Rome"),
        "<tool_call>weather Rome</tool_call>",
        "I do not know.",
    )
    agent = LlmAgent(model, tools=[weather, tell], max_tool_calls=5)

    assert await agent.act(ActionRequest()) == "I do not know."

    told = [message.text for message in model.prompts[-1] if message.role == "tool"]
    assert told == [
        "Error: LookupError: bob",
        "Error: there is no tool 'wether'; did you mean weather?",
        "Error: city is missing; town is not asked for",
        "Error: the call cannot be read; expected a name and arguments in JSON, got 'weather Rome'",
    ]


async def test_after_its_calls_a_model_has_to_answer(replying):
    model = replying(call("weather", city="Rome"), call("weather", city="Oslo") * 3, REPLY)
    agent = LlmAgent(model, tools=[weather], max_tool_calls=2)

    assert await agent.act(ASK) == Offer("Too dear.", 7000)

    assert [bool(sampling.tools) for sampling in model.samplings] == [True, True, False]
    *_, last, too_many, still_more, begun = model.prompts[-1]
    assert last.text == "Oslo: 21 degrees"
    assert too_many.text == still_more.text == "Error: not called; 2 calls were made, answer now"
    assert begun == ChatMessage("assistant", '{"say": "')


async def test_once_refused_an_answer_is_asked_for_without_tools_and_with_their_results(replying):
    model = replying(call("weather", city="Rome"), "Hm.", 'x", "price": 0}', REPLY)
    agent = LlmAgent(model, tools=[weather])
    request = ASK
    for n_refused in range(2):
        with pytest.raises(UnfitAnswerError) as caught:
            await agent.act(request)
        assert len(model.prompts) == 2 + n_refused
        refusal = Refusal(caught.value.raw, caught.value.message)
        request = replace(request, refused=(*request.refused, refusal))

    assert await agent.act(request) == Offer("Too dear.", 7000)

    asked, called, result, first, reason, second, _, begun = model.prompts[-1]
    assert asked.text.startswith("Your move.")
    assert called.calls[0].name == "weather"
    assert (result.text, first.text) == ("Rome: 21 degrees", "Hm.")
    assert reason.text.startswith("That was not taken: expected a JSON object")
    assert (second.text, begun.text) == ('{"say": "x", "price": 0}', '{"say": "')
    assert [bool(sampling.tools) for sampling in model.samplings] == [True, True, False, False]


async def test_interlab_16_a_question_goes_on_from_those_before_it_in_the_interview(replying):
    model = replying("Red.", "Blue.")
    agent = await told(LlmAgent(model), "It is red.")

    earlier = (Exchange("What colour?", await agent.query("What colour?")),)
    assert await agent.query("Sure?", earlier) == "Blue."

    assert model.prompts[1] == [
        ChatMessage("user", "It is red.\n\nWhat colour?"),
        ChatMessage("assistant", "Red."),
        ChatMessage("user", "Sure?"),
    ]
    assert agent.memory.recall() == "It is red."


async def test_calls_of_a_turn_are_forgotten_after_it(replying):
    model = replying(call("weather", city="Rome"), "One.", "Two.", "Three.")
    agent = LlmAgent(model, tools=[weather])

    await agent.act(ActionRequest(prompt="First?"))
    await agent.act(ActionRequest(prompt="Then?"))
    assert await agent.query("What now?") == "Three."

    assert model.prompts[2] == [ChatMessage("user", "Then?")]
    assert agent.memory.messages() == []
    assert model.samplings[3].tools == ()


async def test_a_copy_has_turns_of_its_own(replying):
    model = replying(call("weather", city="Rome"), "", "Hm.")
    agent = LlmAgent(model, tools=[weather])
    with pytest.raises(UnfitAnswerError):
        await agent.act(ActionRequest(str))

    await agent.copy().act(ActionRequest(str, refused=(Refusal("", "nothing said"),)))

    assert [message.role for message in model.prompts[-1]] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tools": [weather, weather]}, ValueError, r"own, got \['weather', 'weather'\]"),
        ({"tools": [weather], "max_tool_calls": 0}, ValueError, "max_tool_calls .* got 0"),
        ({"tools": ["nowhere.py:weather"]}, ConfigError, "there is no file nowhere.py"),
        ({"tools": [3]}, TypeError, "a tool must be a function, got 3"),
    ],
)
def test_tools_that_there_are_not_are_refused(replying, options, error, message):
    with pytest.raises(error, match=message):
        LlmAgent(replying(), **options)


def test_it_is_an_agent(replying):
    assert isinstance(LlmAgent(replying()), Agent)


async def test_a_constrained_reply_is_held_to_the_schema_and_not_begun(replying):
    model = replying('{"say": "Hi.", "price": 7000}')
    agent = LlmAgent(model, constrain=True, sampling=Sampling(max_tokens=50, stop=("Hi",)))

    assert await agent.act(ASK) == Offer("Hi.", 7000)

    assert [message.role for message in model.prompts[0]] == ["user"]
    fields = model.samplings[0].schema["properties"]
    assert list(fields) == ["say", "price"]
    assert fields["say"]["maxLength"] == 100
    assert model.samplings[0].stop == ()


async def test_a_constrained_reply_is_one_of_what_is_legal_or_waits(replying):
    model = replying('{"say": "Hi.", "price": 7000}', '"WAIT"', "Anything.")
    agent = LlmAgent(model, constrain=True)
    legal = replace(ASK, legal=(Offer("Hi.", 7000),), required=False)

    assert await agent.act(legal) == Offer("Hi.", 7000)
    assert await agent.act(legal) == Wait()
    assert await agent.act(ActionRequest()) == "Anything."

    choice = {"enum": [{"say": "Hi.", "price": 7000}]}
    assert model.samplings[0].schema == {"anyOf": [choice, {"const": "WAIT"}]}
    assert model.samplings[2].schema is None


@pytest.mark.parametrize("other", [{"reason": True}, {"tools": [weather]}])
def test_what_lets_a_reply_be_more_than_its_answer_is_refused_beside_constrain(replying, other):
    with pytest.raises(ValueError, match=f"constrain .* and {next(iter(other))} lets it"):
        LlmAgent(replying(), constrain=True, **other)
