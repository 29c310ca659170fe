"""A person in a seat: shown what there is, asked until it fits, recorded as one effect."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import AfterValidator, Field

from simlab.agents import human as human_file
from simlab.agents.agent import Agent
from simlab.agents.human import HumanAgent, HumanAnswer, HumanRequest
from simlab.agents.terminal import PersonLeftError
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Refusal, Utterance, Wait
from simlab.errors import ConfigError


class Screen:
    """A terminal at which a person types given lines, and then no more."""

    def __init__(self, *lines):
        self.lines = list(lines)
        self.shown = ""

    def show(self, text, *, end="\n"):
        self.shown += text + end

    async def read_line(self):
        if not self.lines:
            await asyncio.get_running_loop().create_future()
        line = self.lines.pop(0)
        if line is None:
            raise PersonLeftError("expected an answer, got the end of the terminal's input")
        self.show(line)
        return line

    @asynccontextmanager
    async def reserved(self):
        yield


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


async def test_a_person_sees_observations_and_request_and_answers_field_by_field():
    screen = Screen("Hello", "8000")
    person = HumanAgent(seat="buyer", role="You want a car.", terminal=screen)
    await person.observe(Utterance("seller", "Hi."))

    assert isinstance(person, Agent)
    assert await person.act(ActionRequest(Offer, prompt="Your move.")) == Offer("Hello", 8000)
    assert screen.shown.startswith(
        "You are buyer. You want a car.\nseller: Hi.\nYour move.\n  say: what you say"
    )


async def test_what_was_shown_is_not_shown_again():
    screen = Screen("a", "b")
    person = HumanAgent(terminal=screen)
    await person.observe("It rains.")

    await person.act(ActionRequest(str))
    await person.act(ActionRequest(str))

    assert screen.shown.count("It rains.") == 1


async def test_free_text_is_one_line():
    assert await HumanAgent(terminal=Screen("Just so.")).act(ActionRequest(str)) == "Just so."


async def test_legal_actions_are_a_menu():
    screen = Screen("4", "2")
    legal = [Offer("a", 1), Offer("b", 2)]

    assert await HumanAgent(terminal=screen).act(ActionRequest(Offer, legal=legal)) is legal[1]
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

    assert await HumanAgent(terminal=screen).act(ActionRequest(Even)) == Even(4)
    assert "it must be even" in screen.shown


async def test_a_refusal_by_the_world_is_shown():
    screen = Screen("b")
    request = ActionRequest(str, refused=(Refusal("a", "a was taken"),))

    await HumanAgent(terminal=screen).act(request)

    assert "That was not taken: a was taken\n" in screen.shown


async def test_an_optional_request_may_be_left_alone():
    request = ActionRequest(str, required=False)

    assert await HumanAgent(terminal=Screen("no")).act(request) == Wait()
    assert await HumanAgent(terminal=Screen("yes", "Hi")).act(request) == "Hi"


async def test_the_answer_is_recorded_as_plain_data(effects):
    request = ActionRequest(Offer, prompt="Your move.")

    await HumanAgent(seat="buyer", terminal=Screen("Hello", "")).act(request)

    assert effects == {
        ("human", HumanRequest("buyer", "Your move.")): HumanAnswer({"say": "Hello", "price": None})
    }


async def test_a_replay_needs_neither_person_nor_terminal_and_going_on_shows_all(effects):
    effects["human", HumanRequest("ann", "One?")] = HumanAnswer("first")
    screen = Screen("second")
    person = HumanAgent(seat="ann", terminal=screen)
    await person.observe("It rains.")

    assert await person.act(ActionRequest(str, prompt="One?")) == "first"
    assert screen.shown == ""
    assert await person.act(ActionRequest(str, prompt="Two?")) == "second"
    assert screen.shown.startswith("You are ann.\nIt rains.\nTwo?\n")


async def test_a_deadline_cancels_the_question():
    person = HumanAgent(terminal=Screen())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await person.act(ActionRequest(str))


async def test_the_end_of_input_is_passed_on():
    with pytest.raises(PersonLeftError):
        await HumanAgent(terminal=Screen(None)).act(ActionRequest(str))


async def test_no_terminal_is_a_configuration_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(ConfigError, match="run the command in a terminal, or cast another agent"):
        await HumanAgent().act(ActionRequest(str))
