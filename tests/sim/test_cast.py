from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from simlab.agents.actor import TakeTurn
from simlab.env.environment import PASS, ActionRequest, Refusal, Wait
from simlab.errors import (
    AgentFailedError,
    ConfigError,
    ModelError,
    UnfitAnswerError,
    WorldFailedError,
)
from simlab.sim.act import Act, said
from simlab.sim.cast import Cast
from simlab.sim.together import in_seat_order
from simlab.trace.plain import plain

MOVE = ActionRequest(Literal["left", "right"], default="left")


class Offer(BaseModel):
    say: str
    price: Annotated[int, Field(ge=0)] = 0


class FakeRef:
    """Stands for an actor: answers what was written down, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.messages = []

    async def ask(self, message: TakeTurn):
        self.messages.append(message)
        if message.request is None:
            return None
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def perceived(self):
        told = [(*message.past, *message.observations) for message in self.messages]
        return [seen for each in told for seen in each]


def refusals(ref):
    """What the actor was told of earlier answers, request by request."""
    requests = [message.request for message in ref.messages if message.request is not None]
    return [[(r.raw, r.reason) for r in request.refused] for request in requests]


async def test_an_answer_that_fits_is_the_act():
    ref = FakeRef("right")

    act = await Cast({"ann": ref}).ask("ann", 3, ["a wall"], MOVE)

    assert act == Act("right")
    assert ref.messages == [TakeTurn(3, ("a wall",), MOVE)]


async def test_what_is_refused_is_told_without_memory_addresses():
    act = await Cast({"ann": FakeRef(object(), [object()], {"n": object()})}).ask(
        "ann", 0, (), MOVE
    )

    assert act.invalid
    assert [refusal.raw for refusal in act.refused] == [
        '"<object object>"', '["<object object>"]', '{"n": "<object object>"}'
    ]  # fmt: skip
    assert all(refusal.reason.endswith("got <object object>") for refusal in act.refused[:1])
    assert not any("0x" in refusal.reason for refusal in act.refused)


class Mute:
    """Cannot be put into words."""

    def __str__(self):
        raise LookupError("no words")


async def test_an_unfit_answer_that_cannot_be_written_down_is_the_agents_failure():
    written = "seat 'ann' cannot be written down: it raised LookupError: no words"

    with pytest.raises(AgentFailedError, match=written):
        await Cast({"ann": FakeRef(Mute())}).ask("ann", 0, (), MOVE)


async def test_plain_data_becomes_the_action_that_it_stands_for():
    act = await Cast({"ann": FakeRef({"say": "Yes", "price": "7"})}).ask(
        "ann", 0, (), ActionRequest(Offer)
    )

    assert act.action == Offer(say="Yes", price=7)


async def test_env_13_an_answer_that_does_not_fit_is_asked_for_again_with_the_reason():
    """InterLab takes whatever an actor replies."""
    ref = FakeRef("up", UnfitAnswerError.of("{oops", "no JSON"), "right")

    act = await Cast({"ann": ref}).ask("ann", 0, ["a wall"], MOVE)

    assert act.action == "right"
    assert refusals(ref)[0] == []
    assert refusals(ref)[1][0][0] == "up"
    assert refusals(ref)[2][1] == ("{oops", "no JSON")
    assert ref.perceived == ["a wall"], "what is perceived is told once"


class Haunted(BaseModel):
    word: str

    @field_validator("word")
    @classmethod
    def look_up(cls, word):
        return {}[word]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ActionRequest(Haunted), "it raised KeyError: 'boo'"),
        (ActionRequest(legal=3), "it raised TypeError: 'int' object is not iterable"),
    ],
)
async def test_a_request_that_raises_when_it_is_answered_is_the_worlds_failure(request_, words):
    cast = Cast({"ann": FakeRef({"word": "boo"} if request_.space is Haunted else "boo")})

    with pytest.raises(WorldFailedError, match=f"seat 'ann' cannot judge an answer: {words}"):
        await cast.ask("ann", 0, (), request_)


async def test_env_13_after_a_third_unfit_answer_the_default_is_played_and_marked():
    ref = FakeRef("up", "down", "round")

    act = await Cast({"ann": ref}).ask("ann", 0, (), MOVE)
    record = act.record("ann", plain)

    assert (act.action, act.invalid) == ("left", True)
    assert (record.attempts, record.raw, record.late) == (3, "round", False)
    assert "left" in record.invalid
    assert len(ref.messages) == 3


async def test_pass_is_a_default_like_others():
    request = ActionRequest(int, default=PASS)

    act = await Cast({"ann": FakeRef("a", "b", "c")}).ask("ann", 0, (), request)

    assert act.action is PASS


async def test_without_a_default_three_unfit_answers_fail_the_episode():
    cast = Cast({"ann": FakeRef("up", "down", "round")})

    with pytest.raises(UnfitAnswerError, match=r"'ann' .* in 3 tries .*no default.*got 'round'"):
        await cast.ask("ann", 0, (), ActionRequest(Literal["left"]))


async def test_other_errors_of_an_actor_are_not_asked_again():
    ref = FakeRef(ModelError("the model is gone"))

    with pytest.raises(ModelError, match=r"the model is gone"):
        await Cast({"ann": ref}).ask("ann", 0, (), MOVE)
    assert len(ref.messages) == 1


async def test_a_required_seat_cannot_wait():
    ref = FakeRef(Wait(), "right")

    act = await Cast({"ann": ref}).ask("ann", 0, (), MOVE)

    assert act.action == "right"
    assert refusals(ref)[1][0][1] == "this seat must act now, it cannot wait"


async def test_an_optional_seat_may_wait():
    cast = Cast({"ann": FakeRef(Wait(5.0))})

    assert await cast.ask("ann", 0, (), ActionRequest(required=False)) == Wait(5.0)


async def test_what_the_world_refuses_counts_as_an_answer_that_does_not_fit():
    ref = FakeRef("right", "left")
    cast = Cast({"ann": ref})
    act = Act("left", (Refusal("up", "no such way"),))

    again = await cast.ask_again("ann", 0, MOVE, act, "there is a wall")

    assert again.action == "right"
    assert refusals(ref)[0] == [("up", "no such way"), ("left", "there is a wall")]


async def test_a_third_refusal_by_the_world_plays_the_default():
    ref = FakeRef()
    act = Act("right", (Refusal("up", "a"), Refusal("down", "b")))

    again = await Cast({"ann": ref}).ask_again("ann", 0, MOVE, act, "there is a wall")

    assert (again.action, again.invalid) == ("left", True)
    assert again.refused[-1] == Refusal("right", "there is a wall")
    assert ref.messages == []


@pytest.mark.parametrize(
    ("act", "whose"),
    [
        (Act("left", invalid=True), "the default"),
        (Act("left", late=True), "the default"),
        (Act("left", edited=True), "the action put there"),
    ],
)
async def test_what_no_agent_has_chosen_is_not_asked_for_again(act, whose):
    with pytest.raises(UnfitAnswerError, match=f"the world refuses {whose} of seat 'ann': a wall"):
        await Cast({"ann": FakeRef("right")}).ask_again("ann", 0, MOVE, act, "a wall")


async def test_tokens_are_those_drawn_for_the_act():
    drawn = iter([100, 130])
    cast = Cast({"ann": FakeRef("up", "right")}, tokens_of=lambda _seat: next(drawn))

    assert (await cast.ask("ann", 0, (), MOVE)).tokens == 30


def test_what_was_put_into_a_seat_is_its_act_at_that_step_alone():
    cast = Cast({}, edits={(2, "ann"): "right", (2, "bob"): '"left"', (3, "bob"): "right"})
    requests = {"ann": MOVE, "bob": MOVE}

    assert cast.edited(1, requests) == {}
    assert cast.edited(2, requests) == {
        "ann": Act("right", edited=True),
        "bob": Act("left", edited=True),
    }


async def test_a_seat_that_nobody_takes_plays_its_default_or_waits():
    cast = Cast({})

    await cast.tell("ann", 0, ["a wall"])
    assert await cast.ask("ann", 0, (), MOVE) == Act("left")
    assert await cast.ask("ann", 0, (), ActionRequest(required=False)) == Wait()
    with pytest.raises(UnfitAnswerError, match=r"it gave none"):
        await cast.ask("ann", 0, (), ActionRequest())


async def test_a_newcomer_may_take_a_seat_that_nobody_took_before():
    new = FakeRef("right")
    cast = Cast({}, swaps={(1, "ann"): lambda: new})

    await cast.tell("ann", 0, ["a wall"])

    assert (await cast.ask("ann", 1, ["a door"], MOVE)).action == "right"
    assert new.perceived == ["a wall", "a door"]


async def test_a_newcomer_perceives_first_what_the_seat_perceived_before():
    old, new = FakeRef("left"), FakeRef("right")
    cast = Cast({"ann": old}, swaps={(1, "ann"): lambda: new})

    await cast.ask("ann", 0, ["a wall"], MOVE)
    act = await cast.ask("ann", 1, ["a door"], MOVE)

    assert act.action == "right"
    assert new.messages == [TakeTurn(1, ("a door",), MOVE, past=("a wall",))]
    assert old.perceived == ["a wall"]


async def test_a_newcomer_comes_though_nothing_is_asked_of_the_seat_at_the_very_step():
    old, new = FakeRef("left"), FakeRef("right")
    cast = Cast({"ann": old}, swaps={(1, "ann"): lambda: new})

    await cast.ask("ann", 0, ["a wall"], MOVE)

    assert (await cast.ask("ann", 2, (), MOVE)).action == "right"
    assert new.perceived == ["a wall"]


async def test_of_two_newcomers_that_are_due_the_later_one_comes():
    first, second = FakeRef("left"), FakeRef("right")
    swaps = {(1, "ann"): lambda: first, (3, "ann"): lambda: second}

    act = await Cast({"ann": FakeRef()}, swaps=swaps).ask("ann", 4, (), MOVE)

    assert act.action == "right"
    assert first.messages == []


async def test_perceiving_tells_those_who_have_something_to_perceive():
    ann, bob = FakeRef(), FakeRef()

    await Cast({"ann": ann, "bob": bob}).perceive(4, {"ann": ["the end"], "bob": [], "cid": ["x"]})

    assert ann.messages == [TakeTurn(4, ("the end",))]
    assert bob.messages == []


@pytest.mark.parametrize(
    ("space", "text", "action"),
    [
        (Offer, '{"say": "No.", "price": 3}', Offer(say="No.", price=3)),
        (Offer, "No.", Offer(say="No.")),
        (str, "No.", "No."),
        (str, '"No."', "No."),
        (Literal["left", "right"], "right", "right"),
        (int, "12", 12),
    ],
)
def test_what_a_person_says_is_json_that_fits_or_words(space, text, action):
    assert said("ann", ActionRequest(space), text) == action


def test_words_that_are_no_action_are_refused():
    with pytest.raises(
        ConfigError, match=r"'up' is no action of seat 'ann' here: .*; give it as J"
    ):
        said("ann", MOVE, "up")


async def test_calls_to_several_seats_are_all_awaited_before_an_error_is_raised():
    done = []

    async def call(seat, error=None):
        done.append(seat)
        if error is not None:
            raise error
        return seat.upper()

    with pytest.raises(ModelError, match=r"bob"):
        await in_seat_order({"cid": call("cid"), "bob": call("bob", ModelError("bob"))})
    assert done == ["bob", "cid"]
    assert await in_seat_order({"b": call("b"), "a": call("a")}) == {"a": "A", "b": "B"}
