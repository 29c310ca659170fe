"""Answers of every kind of space are asked for in words and read from careless replies."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Wait
from simlab.errors import UnfitAnswerError
from simlab.models.answer_form import answer_form


class Mood(Enum):
    CALM = "calm"
    ANGRY = "angry"


@dataclass(frozen=True)
class Move:
    move: Literal["cooperate", "defect"]
    times: int = 1


class Coded(BaseModel):
    code: str = Field(pattern="^[A-Z]{3}$")


Choice = Literal["cooperate", "defect"]


def read(space, reply, *, reason=False, **request):
    return answer_form(space, reason=reason).read(reply, ActionRequest(space, **request))


def words_for(space, *, reason=False, **request):
    return answer_form(space, reason=reason).ask_for(ActionRequest(space, **request))


def begun_for(space, *, reason=False, **request):
    return answer_form(space, reason=reason).begin(ActionRequest(space, **request))


def test_a_typed_answer_is_asked_for_by_fields_and_an_example():
    """InterLab prints the schema as Python's repr."""
    assert words_for(Move) == (
        "Answer in JSON:\n"
        '- move: "cooperate" or "defect"\n'
        "- times: a whole number (may be left out)\n"
        "For example:\n"
        '{"move": "cooperate", "times": 1}'
    )


def test_free_text_needs_no_words_about_its_form():
    assert words_for(str) == ""
    assert words_for(Annotated[str, Field(max_length=9)]) == (
        "Answer with text of at most 9 characters."
    )


def test_a_union_lists_its_members():
    assert words_for(Move | list[int]).startswith(
        'Answer in JSON with an object with move: "cooperate" or "defect"; times: a whole number\n'
        "or a list, each a whole number.\n"
    )


def test_legal_choices_take_the_place_of_the_spaces_own():
    assert words_for(str, legal=["ann", "bob"]) == 'Answer with "ann" or "bob".'
    assert words_for(Mood, legal=[Mood.CALM]) == 'Answer with "calm".'


def test_legal_objects_are_listed_as_json_beside_the_form():
    words = words_for(Move, legal=[Move("defect"), Move("cooperate", 2)])

    assert words.startswith(
        'Choose one of these:\n{"move": "defect", "times": 1}\n{"move": "cooperate", "times": 2}\n'
        "Answer in JSON:\n"
    )


def test_reasoning_comes_first_and_ends_with_a_mark():
    assert words_for(int, reason=True).startswith("First reason in one or two sentences. Then")


@pytest.mark.parametrize(
    ("space", "begun"),
    [
        (Offer, '{"say": "'),
        (Move, '{"move": "'),
        (list[Move], '[{"move": "'),
        (dict[str, int], "{"),
        (Choice, '"'),
        (Mood, '"'),
        (Literal[1, 2], ""),
        (int, ""),
        (str, ""),
        (Move | Offer, ""),
    ],
)
def test_a_reply_is_begun_as_far_as_the_space_settles_it(space, begun):
    assert begun_for(space) == begun


def test_a_number_as_first_field_begins_without_a_blank_that_tokenizers_would_trip_over():
    @dataclass
    class Bid:
        amount: int

    assert begun_for(Bid) == '{"amount":'


def test_a_reply_is_not_begun_for_reasoning_or_where_it_may_be_to_wait():
    assert begun_for(Offer, reason=True) == ""
    assert begun_for(Offer, required=False) == ""


def test_a_reply_to_legal_words_begins_with_a_quote_and_one_to_numbers_does_not():
    assert begun_for(str, legal=["ann"]) == '"'
    assert begun_for(int, legal=[3, 5]) == ""


@pytest.mark.parametrize(
    ("space", "reply", "answer"),
    [
        (str, ' "Hello there." ', "Hello there."),
        (str, 'He said "hi" and left.', 'He said "hi" and left.'),
        (Move, "Sure: {'move': 'Defect', 'times': '2',}", Move("defect", 2)),
        (Move, '{"times": 2, "move": "defect"', Move("defect", 2)),
        (Move, '{"move": "run"} or rather {"move": "defect"}', Move("defect")),
        (Offer, '{"say": "Deal", "price": "$8,500"}', Offer("Deal", 8500)),
        (Choice, "I will cooperate.", "cooperate"),
        (Choice, '"cooperate", since you would defect', "cooperate"),
        (Choice, '"Defect', "defect"),
        (Literal["deal", "no deal"], "There is NO DEAL today", "no deal"),
        (Literal["speaker_1", "speaker_10"], "speaker_10 next", "speaker_10"),
        (Literal[1, 2, 3], "2.", 2),
        (Mood, "ANGRY!", Mood.ANGRY),
        (int, "I bid $8,500, no more.", 8500),
        (float, "-3.5 degrees", -3.5),
        (bool, "Yes, of course", True),
        (bool, "0", False),
        (int | None, "null", None),
        (int | Literal["pass"], "I pass", "pass"),
        (list[int], "[1, 2, 3] it is", [1, 2, 3]),
        (Move | list[int], "[4]", [4]),
    ],
)  # fmt: skip
def test_a_reply_is_read_as_what_it_plainly_means(space, reply, answer):
    assert read(space, reply) == answer


@pytest.mark.parametrize(
    ("space", "reply", "reason"),
    [
        (str, ' "" ', "expected some words, got an empty reply"),
        (Offer, '{"say": "Hi", "price": 99000}', "price must be at most 50000, got 99000"),
        (Move, '{"move": "run"}', "move must be 'cooperate' or 'defect', got 'run'"),
        (Move, "I cooperate", "expected a JSON object, got no readable one"),
        (Move, '{"move": "defect"', "the reply ended before its last fields"),
        (Move, '{"move": "def', "the JSON is cut off"),
        (Choice, "cooperate or defect", "expected exactly one answer, got cooperate and defect"),
        (Choice, "hm", "must be 'cooperate' or 'defect', got 'hm'"),
        (int, "8 or 9", "expected exactly one answer, got 8 and 9"),
        (int, "none", "must be a whole number, got 'none'"),
        (list[int], "[1, 2", "cut off"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason_and_the_whole_reply(space, reply, reason):
    with pytest.raises(UnfitAnswerError, match=reason) as caught:
        read(space, reply)

    assert caught.value.raw == reply


def test_interlab_23_lax_coercion_and_default_fields_are_taken():
    class Switch(BaseModel):
        on: bool
        level: int = 7

    assert read(Switch, '{"on": "0"}') == Switch(on=False, level=7)


def test_legal_choices_are_checked():
    assert read(str, '"Bob"', legal=["ann", "bob"]) == "bob"
    assert read(int, "It is 5", legal=[3, 5]) == 5
    assert read(Move, '{"move": "defect"}', legal=[Move("defect")]) == Move("defect")
    with pytest.raises(UnfitAnswerError, match="expected one of 'ann', 'bob', got 'carol'"):
        read(str, "carol", legal=["ann", "bob"])
    with pytest.raises(UnfitAnswerError, match="expected one of Move"):
        read(Move, '{"move": "cooperate"}', legal=[Move("defect")])


def test_an_optional_request_may_be_answered_by_waiting():
    assert "write WAIT" in words_for(Move, required=False)
    assert read(Move, " Wait. ", required=False) == Wait()
    assert read(Move, "WAIT UNTIL 3600", required=False) == Wait(3600.0)
    assert read(Move, '{"move": "defect"}', required=False) == Move("defect")
    with pytest.raises(UnfitAnswerError, match="expected a JSON object"):
        read(Move, "WAIT")


@pytest.mark.parametrize(
    ("space", "reply", "answer"),
    [
        (Move, 'Trust {"move": "defect"}? No.\nAnswer: {"move": "cooperate"}', Move("cooperate")),
        (int, "9 is too much, 7 too little.\n**Answer:** 8", 8),
        (str, "She is kind. Answer: Hello!", "Hello!"),
    ],
)
def test_after_reasoning_the_answer_is_what_follows_the_mark(space, reply, answer):
    assert read(space, reply, reason=True) == answer


def test_reasoning_without_an_answer_is_refused():
    with pytest.raises(UnfitAnswerError, match="expected 'Answer:' before the answer, got none"):
        read(int, "I think 8", reason=True)


def test_interlab_23_an_example_may_be_given_by_instance():
    words = words_for(Offer, examples=(Offer("Too dear!", 6000),))

    assert words.endswith('For example:\n{"say": "Too dear!", "price": 6000}')


def test_an_example_that_does_not_fit_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"does not fit: price .*; give the request examples, or"):
        words_for(Offer, examples=({"say": "", "price": -1},))


def test_a_space_without_a_fitting_example_needs_one_from_the_request():
    with pytest.raises(ValueError, match=r"the example .*some words.* does not fit: code must"):
        words_for(Coded)
    assert words_for(Coded, examples=(Coded(code="ABC"),)).endswith('For example:\n{"code": "ABC"}')


def test_examples_of_the_request_are_shown_in_place_of_the_spaces_own():
    words = words_for(Move, examples=(Move("defect", 2), Move("cooperate")))

    assert words.endswith(
        'For example:\n{"move": "defect", "times": 2}\nor\n{"move": "cooperate", "times": 1}'
    )
    assert words_for(str, examples=("Hi.", "Hello.")) == "For example:\nHi.\nor\nHello."
    assert words_for(int, examples=(7,)).endswith("For example:\n7")


def test_a_form_is_made_once_for_each_space():
    assert answer_form(Move) is answer_form(Move)
    assert answer_form(Move) is not answer_form(Move, reason=True)
