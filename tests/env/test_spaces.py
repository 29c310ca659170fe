import math
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from simlab.env.environment import PASS, UNSET, ActionRequest, Wait
from simlab.env.spaces import admit, default_text_field, fit, is_legal, json_schema, sample
from simlab.errors import UnfitAnswerError


@dataclass(frozen=True, slots=True)
class Offer:
    say: str
    price: Annotated[int, Field(gt=0, le=9000)] | None = None
    accept: bool = False


class Bid(BaseModel):
    amount: Annotated[int, Field(ge=0, le=9000)]


@dataclass(frozen=True)
class Plan:
    title: str
    offers: list[Offer]
    parts: tuple["Plan", ...] = ()


class Move(Enum):
    COOPERATE = "cooperate"
    DEFECT = "defect"


Stars = Annotated[float, Field(ge=0, le=5)]
SPACES = [
    Offer,
    Bid,
    Plan,
    Move,
    Stars,
    Literal["a", "b"],
    Literal[1, 2, 3],
    Offer | Bid,
    int,
    float,
    bool,
    str,
    list[Bid],
    dict[str, int],
    Annotated[int, Field(gt=3, lt=20, multiple_of=5)],
    Annotated[str, Field(min_length=5, max_length=8)],
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_what_is_drawn_is_of_the_space_and_fits_unchanged(space):
    rng = np.random.default_rng(7)

    for _ in range(20):
        action = sample(space, rng)

        assert fit(space, action) is action or fit(space, action) == action


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_draws_follow_from_the_generator_alone(space):
    one, other = np.random.default_rng(3), np.random.default_rng(3)

    assert [sample(space, one) for _ in range(5)] == [sample(space, other) for _ in range(5)]


def test_a_draw_takes_one_of_what_is_legal_as_it_is():
    legal = [Offer("yes"), Offer("no")]

    drawn = [sample(Offer, np.random.default_rng(seed), legal) for seed in range(10)]

    assert {offer.say for offer in drawn} == {"yes", "no"}
    assert all(any(offer is choice for choice in legal) for offer in drawn)


def test_a_space_that_no_draw_can_meet_is_refused_by_name():
    class Impossible(BaseModel):
        text: Annotated[str, Field(pattern="^[0-9]{9}$")]

    with pytest.raises(ValueError, match=r"100 draws gave no action of .*Impossible"):
        sample(Impossible, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("space", "data", "action"),
    [
        (Offer, {"say": "hm", "price": 8500}, Offer("hm", 8500)),
        (Offer, {"say": "hm", "price": "$8,500", "accept": "0"}, Offer("hm", 8500)),
        (Offer, {"Say": "hm", "price": "8500 dollars", "accept": " No. "}, Offer("hm", 8500)),
        (Offer, {"say": "hm", "price": "8,500.00"}, Offer("hm", 8500)),
        (Offer, {"say": "hm", "price": None, "accept": "yes"}, Offer("hm", accept=True)),
        (Plan, {"title": "t", "offers": [{"say": "x", "price": "€5"}]}, Plan("t", [Offer("x", 5)])),
        (Plan, {"title": "t", "offers": [], "parts": []}, Plan("t", [])),
        (Bid, {"amount": "12"}, Bid(amount=12)),
        (Offer | Bid, {"amount": "$ 12"}, Bid(amount=12)),
        (Move, "defect", Move.DEFECT),
        (Move, ' "Defect". ', Move.DEFECT),
        (Literal["yes", "no"], "YES!", "yes"),
        (Literal[1, 2, 3], "2", 2),
        (Stars, "4.5", 4.5),
        (bool, "0", False),
        (int, "7", 7),
        (int, "-1,234", -1234),
        (str, "$8,500", "$8,500"),
        (list[int], ("1", "2 points"), [1, 2]),
    ],
    ids=str,
)
def test_interlab_23_plain_data_becomes_the_action_that_was_plainly_meant(space, data, action):
    assert fit(space, data) == action


@pytest.mark.parametrize(
    ("space", "data", "reason"),
    [
        (Bid, {"amount": 12000}, "amount must be at most 9000, got 12000"),
        (Bid, {"amount": "$12,000"}, "amount must be at most 9000, got 12000"),
        (Offer, {"say": "x", "price": -5}, "price must be more than 0, got -5"),
        (Offer, {"price": 5}, "say is missing"),
        (Offer, {"say": 5}, "say must be text, got 5"),
        (Offer, "hm", "the answer must be an object with say, price, accept, got 'hm'"),
        (Offer, {"say": "x", "price": "lots"}, "price must be a whole number, got 'lots'"),
        (Offer, {"say": "x", "price": "8 or 9"}, "price must be a whole number, got '8 or 9'"),
        (Offer, {"say": "x", "price": 7.5}, "price must be a whole number, got 7.5"),
        (
            Offer,
            {"say": "x", "price": "?", "accept": "perhaps"},
            "price must be a whole number, got '?'; accept must be true or false, got 'perhaps'",
        ),
        (
            Plan,
            {"title": "t", "offers": [{"say": "x"}, {"say": "y", "price": 0}]},
            "offers.1.price must be more than 0, got 0",
        ),
        (Offer | Bid, {"amount": 9001}, "amount must be at most 9000, got 9001"),
        (Offer | Bid, {"say": "x", "price": 0}, "price must be more than 0, got 0"),
        (Move, "cheat", "the answer must be 'cooperate' or 'defect', got 'cheat'"),
        (Literal["yes", "no"], "yes or no", "the answer must be 'yes' or 'no', got 'yes or no'"),
        (Literal["Yes", "YES"], "yes", "the answer must be 'Yes' or 'YES', got 'yes'"),
        (Stars, 6, "the answer must be at most 5.0, got 6"),
        (bool, "perhaps", "the answer must be true or false, got 'perhaps'"),
        (str, 5, "the answer must be text, got 5"),
        (Annotated[str, Field(max_length=3)], "long", "at most 3 characters, got 'long'"),
        (list[int], [1, "x"], "1 must be a whole number, got 'x'"),
        (Bid, None, "the answer must be an object with amount, got None"),
    ],
    ids=str,
)
def test_env_13_what_does_not_fit_is_refused_with_a_plain_reason(space, data, reason):
    with pytest.raises(UnfitAnswerError) as caught:
        fit(space, data)

    assert reason in caught.value.message


def test_an_action_of_the_space_is_returned_unchanged():
    offer, plan = Offer("hm", 5), Plan("t", [Offer("x", 5)])

    assert fit(Offer, offer) is offer
    assert fit(Plan, plan) is plan


def test_a_dataclass_that_was_made_with_a_wrong_value_is_refused():
    with pytest.raises(UnfitAnswerError, match="price must be more than 0, got -5"):
        fit(Offer, Offer("hm", -5))
    with pytest.raises(UnfitAnswerError, match=r"offers.0.price must be more than 0, got -5"):
        fit(Plan, Plan("t", [Offer("hm", -5)]))


def test_a_dataclass_with_a_value_of_nearly_the_right_kind_is_put_right():
    assert fit(Offer, Offer("hm", "$8,500")) == Offer("hm", 8500)


def test_an_instance_of_another_class_is_refused():
    with pytest.raises(UnfitAnswerError, match="the answer must be an object"):
        fit(Offer, Plan("t", []))


def test_a_space_that_is_none_is_refused_with_its_value():
    with pytest.raises(TypeError, match=r"space must be a model, dataclass, .*, got <object"):
        fit(object(), 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["say", "price", "accept", "amount", "x"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=10, deadline=None)
@given(data=JSON)
def test_env_13_any_json_at_all_gives_an_action_or_a_reason(data):
    for space in (Offer | Bid, Move, int, list[Plan]):
        with suppress(UnfitAnswerError):
            action = fit(space, data)

            assert fit(space, action) == action


@pytest.mark.parametrize("answer", ["stop", "", {}, [], "←↑", [{"say": "a"}, {"say": "b"}], None])
def test_env_13_what_crashed_langgym_is_unfit_and_no_crash(answer):
    request = ActionRequest(Literal["left", "right"], legal=["left"], default="left")

    assert not is_legal(request, answer)
    with pytest.raises(UnfitAnswerError):
        admit(request, answer)


def test_only_what_is_legal_now_is_admitted():
    request = ActionRequest(Literal["left", "right"], legal=["left"])

    assert is_legal(request, "left")
    assert not is_legal(request, "right")
    with pytest.raises(UnfitAnswerError, match="expected one of 'left', got 'right'"):
        admit(request, "right")


def test_words_that_plainly_name_a_legal_choice_are_that_choice():
    request = ActionRequest(str, legal=["speaker_1", "speaker_2"])

    assert admit(request, " Speaker_2.") == "speaker_2"


def test_a_long_list_of_legal_actions_is_cut_in_the_reason():
    request = ActionRequest(int, legal=list(range(500)))

    with pytest.raises(UnfitAnswerError, match=r"0, 1, .*, 19, \.\.\. \(500 in all\), got 777"):
        admit(request, 777)


def test_waiting_is_an_answer_to_an_optional_request_only():
    wait = Wait(until=5.0)

    assert admit(ActionRequest(str, required=False), wait) is wait
    with pytest.raises(UnfitAnswerError, match="must act now, it cannot wait"):
        admit(ActionRequest(str), wait)


@pytest.mark.parametrize("until", [None, 5, np.float32(0.5), math.inf])
def test_a_wait_lasts_until_a_time(until):
    assert admit(ActionRequest(required=False), Wait(until)) == Wait(until)


@pytest.mark.parametrize("until", ["soon", math.nan, -math.inf, 10**400, [1.0]])
def test_a_wait_until_what_is_no_time_is_refused(until):
    with pytest.raises(UnfitAnswerError, match=re.escape(f"in seconds, got {until!r}")):
        admit(ActionRequest(required=False), Wait(until))


def test_passing_is_an_answer_only_where_it_is_the_default():
    assert admit(ActionRequest(Bid, default=PASS), PASS) is PASS
    with pytest.raises(UnfitAnswerError, match="must act now, it cannot pass"):
        admit(ActionRequest(Bid), PASS)


def test_the_mark_of_no_default_is_no_answer():
    assert not is_legal(ActionRequest(Bid, default=UNSET), UNSET)


@pytest.mark.parametrize(
    ("space", "field"),
    [(Offer, "say"), (Plan, "title"), (Bid | Offer, "say"), (Bid, None), (str, None), (Move, None)],
    ids=str,
)
def test_free_words_go_into_the_field_that_holds_text(space, field):
    assert default_text_field(space) == field


def test_a_text_field_named_for_speech_comes_before_an_earlier_one():
    @dataclass
    class Post:
        title: str
        text: str | None

    assert default_text_field(Post) == "text"


def test_the_schema_is_a_copy_that_may_be_changed():
    json_schema(Bid)["properties"]["amount"].clear()

    assert json_schema(Bid)["properties"]["amount"]["maximum"] == 9000
