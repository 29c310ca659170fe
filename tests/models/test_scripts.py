"""Ready-made scripts answer in the form that is asked for, deterministically."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from simlab.env.environment import ActionRequest, Refusal
from simlab.models.answer_form import answer_form
from simlab.models.answers import refusal_messages
from simlab.models.model import ChatMessage, Sampling
from simlab.models.scripts import echo, sensible
from simlab.models.tool_call import ToolCall, ToolSpec
from simlab.models.tool_reading import read_spoken
from tests.models.tool_templates import CHAT, WEATHER


class Mood(Enum):
    CALM = "calm"
    ANGRY = "angry"


class Report(BaseModel):
    title: str
    pages: Annotated[int, Field(ge=1, le=9)]
    mood: Mood


@dataclass(frozen=True)
class Point:
    x: int
    y: int


def answered(request, seed=0, *, begin=True, reason=False):
    """The script's answer to a request of no world that it knows."""
    form = answer_form(request.space, reason=reason)
    chat = [ChatMessage("user", f"Well?\n{form.ask_for(request)}")]
    chat += refusal_messages(request.refused)
    begun = form.begin(request) if begin else ""
    if begun:
        chat.append(ChatMessage("assistant", begun))
    return form.read(begun + sensible(chat, Sampling(seed=seed)), request)


class Level(IntEnum):
    LOW = -1
    HIGH = 5


@dataclass(frozen=True)
class Bid:
    price: int | None
    level: Level | None = None


REQUESTS = {
    "text": ActionRequest(str),
    "fields": ActionRequest(Report),
    "list": ActionRequest(list[Report]),
    "union": ActionRequest(Report | Point),
    "choice": ActionRequest(Literal["a", "b", 'the "c"']),
    "enum": ActionRequest(Mood),
    "truth": ActionRequest(bool),
    "whole enum": ActionRequest(Level),
    "whole choice": ActionRequest(Literal[1, 2]),
    "mixed choice": ActionRequest(Literal["a", 2] | None),
    "nothing": ActionRequest(None),
    "level or nothing": ActionRequest(Level | None),
    "mood or nothing": ActionRequest(Mood | None),
    "truth or nothing": ActionRequest(bool | None),
    "number or nothing": ActionRequest(Annotated[int, Field(ge=3, le=5)] | None),
    "text or nothing": ActionRequest(str | None),
    "short text or nothing": ActionRequest(Annotated[str, Field(max_length=3)] | None),
    "fields of nothing": ActionRequest(Bid),
    "fields or nothing": ActionRequest(Bid | None),
    "legal levels": ActionRequest(Level | None, legal=[Level.HIGH, None]),
    "number": ActionRequest(int),
    "bounded": ActionRequest(Annotated[int, Field(ge=3, le=5)]),
    "open": ActionRequest(Annotated[int, Field(gt=-5, lt=-2)]),
    "above": ActionRequest(Annotated[int, Field(gt=100)]),
    "below": ActionRequest(Annotated[int, Field(le=-100)]),
    "real": ActionRequest(Annotated[float, Field(ge=0, le=1)]),
    "legal": ActionRequest(str, legal=["ann", "bob"]),
    "legal objects": ActionRequest(Point, legal=[Point(1, 2), Point(3, 4)]),
    "optional": ActionRequest(Point, required=False),
}


@pytest.mark.parametrize("begin", [True, False])
@pytest.mark.parametrize("reason", [True, False])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_any_request_is_answered_in_the_form_that_it_asks_for(request_, begin, reason):
    for seed in range(8):
        answered(request_, seed, begin=begin, reason=reason)


@pytest.mark.parametrize(
    ("space", "answers"),
    [
        (Level, set(Level)),
        (Level | None, {*Level, None}),
        (Literal["a", 2] | None, {"a", 2, None}),
        (bool | None, {True, False, None}),
        (Annotated[str, Field(max_length=3)] | None, {None}),
    ],
)
def test_every_choice_is_taken_by_some_seed(space, answers):
    assert {answered(ActionRequest(space), seed) for seed in range(64)} == answers


def test_the_same_seed_says_the_same_and_other_seeds_say_other_things():
    request = REQUESTS["legal"]
    answers = [answered(request, seed) for seed in range(16)]

    assert answers == [answered(request, seed) for seed in range(16)]
    assert set(answers) == {"ann", "bob"}


def test_a_refused_answer_is_not_given_again_for_ever():
    request = ActionRequest(Literal[tuple("abcdefghij")])
    answers = set()
    for n_refused in range(20):
        refused = (Refusal("x", "no"),) * n_refused
        answers.add(answered(ActionRequest(request.space, refused=refused)))

    assert len(answers) > 5


def test_a_begun_reply_is_continued_and_not_repeated():
    form = answer_form(Report)
    chat = [
        ChatMessage("user", form.ask_for(ActionRequest(Report))),
        ChatMessage("assistant", form.begun),
    ]

    assert sensible(chat, Sampling()) == 'some words", "pages": 5, "mood": "calm"}'


def test_a_summary_is_as_short_as_is_asked():
    chat = [
        ChatMessage("user", "Summarise this in at most 3 words. Only it.\n\none two three four")
    ]

    assert sensible(chat, Sampling()) == "one two three"


def test_each_tool_is_called_once_before_a_request_is_answered():
    chat = list(CHAT)
    now = ToolSpec("now", "", {"type": "object", "properties": {}})
    offering = Sampling(tools=(WEATHER, now))

    said = []
    while not said or said[-1].calls:
        said.append(read_spoken(sensible(chat, offering), offering.tools))
        chat.append(ChatMessage("assistant", said[-1].words, calls=said[-1].calls))
        chat += [ChatMessage("tool", "21", calls=(call,)) for call in said[-1].calls]

    assert [spoken.calls for spoken in said] == [
        (ToolCall("weather", '{"city": "some words"}'),),
        (ToolCall("now", "{}"),),
        (),
    ]
    assert said[-1].words == sensible(CHAT, Sampling())


def test_echo_says_what_the_last_user_said():
    chat = [
        ChatMessage("user", "One."),
        ChatMessage("user", "Two."),
        ChatMessage("assistant", "Well,"),
    ]

    assert echo(chat, Sampling()) == "Two."
    assert echo(chat[2:], Sampling()) == ""


@pytest.mark.parametrize("script", [sensible, echo])
@pytest.mark.parametrize("prompt", [[1, 2, 3], []])
def test_token_ids_are_not_words(script, prompt):
    with pytest.raises(TypeError, match="expected a chat with at least one message, got"):
        script(prompt, Sampling())
