import pickle

import pytest

from simlab.models import recorded
from simlab.models.model import ChatMessage, Completion, Sampling
from simlab.models.recorded import Choices, ModelRequest, RecordedModel
from simlab.models.scripted import ScriptedModel
from simlab.trace.contents import reference_to
from simlab.trace.requests import RequestWriter

HELLO = [ChatMessage("user", "hello")]


def tell_seed(_prompt, sampling):
    return f"seed {sampling.seed}"


@pytest.fixture
def record(monkeypatch):
    """Keeps what is recorded; gives 42 as the seed that follows from the place in the run."""
    effects = []

    async def effect(kind, request, call, *, returns):
        result = await call(42)
        effects.append((kind, request, result, returns))
        return result

    monkeypatch.setattr(recorded, "effect", effect)
    return effects


@pytest.fixture
def model():
    return RecordedModel(ScriptedModel("small", tell_seed))


async def test_a_completion_is_recorded_with_its_request(record, model):
    sampling = Sampling(max_tokens=9)

    completion = await model.generate(HELLO, sampling, session="episode/3/buyer")

    assert record == [("model", ModelRequest("small", HELLO, sampling), completion, Completion)]


async def test_a_completion_without_a_seed_is_drawn_with_that_of_its_place(record, model):
    assert (await model.generate(HELLO)).text == "seed 42"
    assert record[0][1].sampling.seed is None


@pytest.mark.usefixtures("record")
async def test_a_seed_that_was_asked_for_is_held(model):
    assert (await model.generate(HELLO, Sampling(seed=0))).text == "seed 0"


async def test_scored_choices_are_recorded_with_the_choices(record, model):
    logprobs = await model.choice_logprobs(HELLO, ["yes", "no"])

    request = ModelRequest("small", HELLO, Choices(("yes", "no")))
    assert record == [("model", request, logprobs, dict[str, float])]


async def test_an_adapter_shows_in_the_recorded_name_and_its_path_does_not(record, model):
    adapted = model.with_adapter("/home/me/runs/agent@7")

    await adapted.generate(HELLO)

    assert adapted.name == record[0][1].model == "small+agent@7"
    assert "/home/me" not in repr(record[0][1])


async def test_outside_a_run_calls_go_straight_to_the_model(model):
    assert (await model.generate(HELLO, Sampling(seed=5))).text == "seed 5"


def test_a_recorded_model_survives_pickling(model):
    assert pickle.loads(pickle.dumps(model)) == model


def test_the_ids_of_a_reply_follow_from_the_record_and_enter_no_digest():
    replies = [ChatMessage("assistant", "hi", ids) for ids in ((), (5, 6))]
    requests = [ModelRequest("small", [*HELLO, reply, *HELLO], Sampling()) for reply in replies]

    first, second = [
        RequestWriter(reference_to).prepare("buyer", "model", request) for request in requests
    ]

    assert (first.digest, first.messages) == (second.digest, second.messages)
