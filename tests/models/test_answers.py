"""Asking for a typed answer: one loop, several attempts, the reason told each time."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import Field

from simlab.errors import ModelError, UnfitAnswerError
from simlab.models.answers import FORMAT_MARK, ask
from simlab.models.model import ChatMessage, Sampling
from simlab.trace.directory import RunDirectory
from simlab.trace.log import Log
from simlab.trace.recording import recording
from simlab.trace.tree import read_tree
from tests.replying import Replying


@dataclass(frozen=True)
class Bid:
    say: str
    amount: Annotated[int, Field(ge=1, le=10)]


@pytest.fixture
def book(tmp_path, disk_that_never_waits):  # noqa: ARG001
    """A recording; what is asked inside of it is read by `attempts`."""
    return recording(tmp_path / "run")


def attempts(book):
    """What was recorded of each attempt: its span's name, state and error."""
    tree = read_tree(Log(RunDirectory.open(book.path)), 0)
    spans = tree.find(lambda node: node.kind == "attempt")
    return [(node.name, node.state, node.error and node.error.type) for node in spans]


async def test_an_answer_is_an_element_of_its_space():
    model = Replying('Fine.", "amount": 3}')

    assert await ask(model, "Your bid?", Bid) == Bid("Fine.", 3)


async def test_the_reply_is_begun_unless_that_is_turned_off():
    model = Replying('Fine.", "amount": 3}', '{"say": "Fine.", "amount": 3}')

    await ask(model, "Your bid?", Bid)
    await ask(model, "Your bid?", Bid, begin=False)

    assert model.prompts[0][-1] == ChatMessage("assistant", '{"say": "')
    assert model.prompts[1][-1].role == "user"


async def test_interlab_41_a_retry_shows_the_raw_reply_and_the_validation_error():
    """InterLab asks the very same again."""
    model = Replying('Ha!", "amount": 11}', 'Ok.", "amount": 9}')

    assert await ask(model, "Your bid?", Bid) == Bid("Ok.", 9)

    assert model.prompts[1][1:] == [
        ChatMessage("assistant", '{"say": "Ha!", "amount": 11}'),
        ChatMessage(
            "user",
            "That was not taken: amount must be at most 10, got 11. Answer again.",
        ),
        ChatMessage("assistant", '{"say": "'),
    ]


async def test_a_retry_extends_the_prompt_before_it():
    model = Replying("one", "two", "3")

    await ask(model, "How many?", int)

    first, second, third = model.prompts
    assert second[: len(first)] == first
    assert third[: len(second)] == second


async def test_interlab_25_each_attempt_is_a_span_and_a_failed_one_is_marked(book):
    """InterLab shows failed tries as finished."""
    model = Replying("one", "2")

    with book:
        await ask(model, "How many?", int, name="count")

    assert attempts(book) == [
        ("count: 1/3", "error", "UnfitAnswerError"),
        ("count: 2/3", "finished", None),
    ]


async def test_interlab_25_a_reply_that_cannot_be_read_is_asked_again_like_any_other(book):
    """InterLab's error of parsing is none of those that it repeats."""
    model = Replying('Ha!", "amount": ', 'Ok.", "amount": 9}')

    with book:
        assert await ask(model, "Your bid?", Bid) == Bid("Ok.", 9)

    assert [state for _, state, _ in attempts(book)] == ["error", "finished"]


async def test_interlab_25_only_unfit_answers_are_asked_again(book):
    model = Replying(ModelError("the model is down"), "2")

    with book, pytest.raises(ModelError, match="the model is down"):
        await ask(model, "How many?", int)

    assert attempts(book) == [("ask: 1/3", "error", "ModelError")]


async def test_interlab_25_after_the_last_attempt_a_summary_is_raised(book):
    model = Replying("one", "two")

    with (
        book,
        pytest.raises(
            UnfitAnswerError, match=r"count: no reply fitted in 2 attempts; the last: .* got 'two'"
        ) as caught,
    ):
        await ask(model, "How many?", int, name="count", attempts=2)

    assert caught.value.raw == "two"
    assert len(attempts(book)) == 2


async def test_no_attempt_is_no_way_to_ask():
    with pytest.raises(ValueError, match="attempts must be at least 1, got 0"):
        await ask(Replying(), "How many?", int, attempts=0)


async def test_interlab_23_the_form_is_told_at_the_mark_or_after_the_last_word():
    model = Replying("1", "2")

    await ask(model, f"First. {FORMAT_MARK} Last.", int)
    await ask(model, "First.", int)

    assert model.prompts[0][0].text == "First. Answer with a whole number. Last."
    assert model.prompts[1][0].text == "First.\n\nAnswer with a whole number."


async def test_interlab_23_two_marks_are_a_value_error():
    with pytest.raises(ValueError, match="at most once in the prompt, got 2"):
        await ask(Replying(), FORMAT_MARK * 2, int)


async def test_interlab_23_other_braces_in_a_prompt_are_left_alone():
    model = Replying("1")

    await ask(model, "What is {x} in {{y}} or {0}?", int)

    assert model.prompts[0][0].text.startswith("What is {x} in {{y}} or {0}?")


class Sourced(str):
    """A text that knows where its parts come from, as a user's prompt may."""

    def __new__(cls, text, sources):
        made = super().__new__(cls, text)
        made.sources = sources
        return made


async def test_interlab_23_a_prompt_may_be_a_text_that_knows_where_it_comes_from():
    model = Replying("1")

    await ask(model, Sourced(f"How many? {FORMAT_MARK}", sources=["me"]), int)

    assert model.prompts[0][0].text == "How many? Answer with a whole number."


async def test_a_mark_in_what_agents_said_is_left_alone():
    model = Replying("1")
    chat = [ChatMessage("user", f"They said {FORMAT_MARK} {FORMAT_MARK}. How many?")]

    await ask(model, chat, int)

    assert model.prompts[0][0].text.startswith(chat[0].text)


async def test_a_chat_keeps_its_earlier_turns_as_they_are():
    model = Replying("1")
    chat = [ChatMessage("system", "Be brief."), ChatMessage("user", "How many?")]

    await ask(model, chat, int)

    assert model.prompts[0][0] is chat[0]


async def test_a_chat_that_does_not_end_with_the_user_is_refused():
    with pytest.raises(ValueError, match="ends with the user, got 'assistant' at its end"):
        await ask(Replying(), [ChatMessage("assistant", "Well,")], int)


async def test_legal_choices_are_told_and_checked():
    model = Replying('carol"', 'bob"')

    assert await ask(model, "Who?", str, legal=["ann", "bob"]) == "bob"
    assert model.prompts[0][0].text == 'Who?\n\nAnswer with "ann" or "bob".'


async def test_interlab_23_examples_are_shown():
    model = Replying('No.", "amount": 3}')

    await ask(model, "Your bid?", Bid, examples=[Bid("Hm.", 2)])

    assert model.prompts[0][0].text.endswith('For example:\n{"say": "Hm.", "amount": 2}')


async def test_sampling_is_passed_on():
    model = Replying("1")

    await ask(model, "How many?", int, sampling=Sampling(max_tokens=7, temperature=0))

    assert model.samplings == [Sampling(max_tokens=7, temperature=0)]


async def test_an_empty_reply_is_shown_as_such():
    model = Replying("", "Hello")

    await ask(model, "Say something.", str)

    assert ChatMessage("assistant", "(nothing)") in model.prompts[1]


async def test_a_constrained_answer_is_held_to_its_schema_on_each_attempt():
    model = Replying("{", '{"say": "Fine.", "amount": 3}')

    assert await ask(model, "Your bid?", Bid, constrain=True) == Bid("Fine.", 3)

    assert [sampling.schema["required"] for sampling in model.samplings] == [["say", "amount"]] * 2


async def test_reasons_have_no_place_in_a_constrained_answer():
    with pytest.raises(ValueError, match=r"constrain .* reason has no place"):
        await ask(Replying(), "Your bid?", Bid, constrain=True, reason=True)
