"""A person in a seat: shown what there is, asked until it fits, recorded as one effect."""

import asyncio
import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest
from pydantic import AfterValidator, Field

from simlab.agents import human as human_file
from simlab.agents.agent import Agent
from simlab.agents.human import HumanAgent, HumanRequest
from simlab.agents.person import Choice, HumanAnswer, Question
from simlab.agents.terminal_person import TerminalPerson
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Refusal, Utterance, Wait
from simlab.errors import ConfigError, PersonLeftError
from simlab.models.answer_schema import answer_schema
from simlab.trace.journal import Journal
from simlab.trace.tracing import turn
from simlab.trace.writer import SegmentWriter
from tests.agents.people import Screen, Somebody


@pytest.fixture
def effects(monkeypatch):
    """What is recorded; what was recorded before is not asked for again."""
    recorded = {}

    async def effect(kind, request, call, *, returns):
        if (kind, request) not in recorded:
            recorded[kind, request] = await call(7)
        assert isinstance(recorded[kind, request], returns)
        return recorded[kind, request]

    monkeypatch.setattr(human_file, "effect", effect)
    return recorded


def seated(screen, **about):
    """Who sits at a screen, as an agent."""
    return HumanAgent(person=TerminalPerson(screen), **about)


async def test_a_person_sees_observations_and_request_and_answers_field_by_field():
    screen = Screen("Hello", "8000")
    person = seated(screen, seat="buyer", role="You want a car.")
    await person.observe(Utterance("seller", "Hi."))

    assert isinstance(person, Agent)
    assert await person.act(ActionRequest(Offer, prompt="Your move.")) == Offer("Hello", 8000)
    assert screen.shown.startswith(
        "You are buyer. You want a car.\nseller: Hi.\nYour move.\n  say: what you say"
    )


async def test_what_was_shown_is_not_shown_again():
    screen = Screen("a", "b")
    person = seated(screen)
    await person.observe("It rains.")

    await person.act(ActionRequest(str))
    await person.act(ActionRequest(str))

    assert screen.shown.count("It rains.") == 1


async def test_free_text_is_one_line():
    assert await seated(Screen("Just so.")).act(ActionRequest(str)) == "Just so."


async def test_legal_actions_are_a_menu():
    screen = Screen("4", "2")
    legal = [Offer("a", 1), Offer("b", 2)]

    assert await seated(screen).act(ActionRequest(Offer, legal=legal)) is legal[1]
    assert "expected answer (1 to 2), got '4'" in screen.shown


@dataclass(frozen=True)
class Even:
    number: Annotated[int, Field(ge=0)]

    def __post_init__(self):
        if self.number % 2:
            raise ValueError("it must be even")


Lower = Annotated[str, AfterValidator(str.lower), Field(max_length=5)]


async def test_interlab_38_what_does_not_fit_as_a_whole_is_asked_again_with_the_reason():
    screen = Screen("3", "4")

    assert await seated(screen).act(ActionRequest(Even)) == Even(4)
    assert "it must be even" in screen.shown


async def test_a_refusal_by_the_world_is_shown():
    screen = Screen("b")
    request = ActionRequest(str, refused=(Refusal("a", "a was taken"),))

    await seated(screen).act(request)

    assert "That was not taken: a was taken\n" in screen.shown


async def test_an_optional_request_may_be_left_alone():
    request = ActionRequest(str, required=False)

    assert await seated(Screen("no")).act(request) == Wait()
    assert await seated(Screen("yes", "Hi")).act(request) == "Hi"


async def test_the_answer_is_recorded_as_plain_data(effects):
    request = ActionRequest(Offer, prompt="Your move.")

    await seated(Screen("Hello", ""), seat="buyer").act(request)

    assert effects == {
        ("human", HumanRequest("buyer", "Your move.")): HumanAnswer({"say": "Hello", "price": None})
    }


async def test_a_replay_needs_neither_person_nor_terminal_and_going_on_shows_all(effects):
    effects["human", HumanRequest("ann", "One?")] = HumanAnswer("first")
    screen = Screen("second")
    person = seated(screen, seat="ann")
    await person.observe("It rains.")

    assert await person.act(ActionRequest(str, prompt="One?")) == "first"
    assert screen.shown == ""
    assert await person.act(ActionRequest(str, prompt="Two?")) == "second"
    assert screen.shown.startswith("You are ann.\nIt rains.\nTwo?\n")


async def test_a_question_is_plain_data_and_holds_what_is_new():
    somebody = Somebody({"say": "Hello", "price": 8000}, {"say": "", "price": None})
    agent = HumanAgent(seat="buyer", person=somebody)
    await agent.observe(Utterance("seller", "Hi."))

    await agent.act(ActionRequest(Offer, prompt="Your move."))
    await agent.observe("It rains.")
    await agent.act(ActionRequest(Offer, required=False, refused=(Refusal("", "too dear"),)))

    first, second = somebody.asked
    schema = answer_schema(Offer)
    assert first == Question("buyer", "Your move.", schema, news=("You are buyer.", "seller: Hi."))
    assert second == Question(
        "buyer",
        "It is your turn.",
        schema,
        may_wait=True,
        news=("It rains.",),
        n_known=2,
        refusal="too dear",
    )
    assert json.loads(json.dumps(dataclasses.asdict(first)))["schema"] == schema


async def test_legal_actions_are_asked_as_choices_with_their_plain_data():
    somebody = Somebody({"say": "b", "price": 2.0})
    legal = [Offer("a", 1), Offer("b", 2)]

    assert await HumanAgent(person=somebody).act(ActionRequest(Offer, legal=legal)) is legal[1]
    (question,) = somebody.asked
    assert question.choices == (
        Choice(str(legal[0]), {"say": "a", "price": 1}),
        Choice(str(legal[1]), {"say": "b", "price": 2}),
    )


async def test_legal_numbers_of_numpy_are_choices_as_well():
    somebody = Somebody(2)

    await HumanAgent(person=somebody).act(ActionRequest(int, legal=np.arange(3)))

    assert somebody.asked[0].choices == (Choice("0", 0), Choice("1", 1), Choice("2", 2))


async def test_what_does_not_fit_is_recorded_once_it_does(effects):
    somebody = Somebody({"number": 3}, HumanAnswer(waits=True), {"number": 4})

    await HumanAgent(person=somebody).act(ActionRequest(Even))

    assert list(effects.values()) == [HumanAnswer({"number": 4})]
    assert [question.refusal for question in somebody.asked] == [
        "",
        "the answer is wrong: it must be even, got {'number': 3}",
        "this seat must act now, it cannot wait",
    ]


async def test_what_was_new_in_a_question_that_was_taken_back_is_in_the_next():
    somebody = Somebody(None, "yes")
    agent = HumanAgent(seat="ann", person=somebody)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await agent.act(ActionRequest(str))
    await agent.observe("It rains.")

    await agent.act(ActionRequest(str))

    assert somebody.cancelled == 1
    assert [question.news for question in somebody.asked] == [
        ("You are ann.",),
        ("You are ann.", "It rains."),
    ]


async def test_in_a_run_who_asks_is_told_with_the_episode(tmp_path):
    writer = SegmentWriter(tmp_path / "1.log")
    somebody = Somebody("yes")
    with turn(Journal(3, seed=0, writer=writer), "ann", 0, "act"):
        await HumanAgent(seat="ann", person=somebody).act(ActionRequest(str))
    writer.close()

    assert somebody.asked[0].asker == "ann of episode 3"


async def test_a_deadline_cancels_the_question():
    person = seated(Screen())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await person.act(ActionRequest(str))


async def test_the_end_of_input_is_passed_on():
    with pytest.raises(PersonLeftError):
        await seated(Screen(None)).act(ActionRequest(str))


async def test_no_terminal_is_a_configuration_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(ConfigError, match="run the command in a terminal, or cast another agent"):
        await HumanAgent().act(ActionRequest(str))
