"""What holds for every model, whatever computes it."""

import asyncio
import math
from dataclasses import replace
from functools import partial

import httpx2
import pytest

from simlab.models.allowance import Allowance
from simlab.models.budgeted import BudgetedModel
from simlab.models.endpoint import EndpointModel
from simlab.models.http.client import Client
from simlab.models.model import ChatMessage, Completion, Model, Sampling
from simlab.models.recorded import RecordedModel
from simlab.models.scripted import ScriptedModel
from simlab.models.served import ServedModel
from simlab.models.transformers_model import TransformersModel
from simlab.models.vllm_model import VllmModel
from tests.models.http.fake_vllm import FakeVllm
from tests.models.memory_serve import MemoryLane
from tests.models.purses import BottomlessPurse

CHAT = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
BEGUN = [*CHAT, ChatMessage("assistant", '{"say": "')]


def babble(prompt, sampling):
    """Words that depend on all that they may depend on."""
    return f"{prompt[-1]} {sampling.seed} {sampling.temperature}"


@pytest.fixture(
    params=[
        "scripted",
        "recorded",
        "served",
        "budgeted",
        "endpoint",
        pytest.param("weights", marks=pytest.mark.model),
    ]
)
async def model(request, monkeypatch):
    scripted = ScriptedModel("small", babble)
    match request.param:
        case "scripted":
            yield scripted
        case "recorded":
            yield RecordedModel(scripted)
        case "served":
            lanes = [MemoryLane(ScriptedModel("another name", babble)) for _ in range(2)]
            monkeypatch.setattr("simlab.models.served._lanes_to", lambda _app, _n: lanes)
            yield ServedModel("small", "app", 2)
        case "budgeted":
            yield BudgetedModel(scripted, Allowance(BottomlessPurse()))
        case "endpoint":
            client = partial(Client, transport=httpx2.MockTransport(FakeVllm()))
            monkeypatch.setattr("simlab.models.http.endpoints.Client", client)
            yield EndpointModel("small", url="http://127.0.0.1:8000/v1", server="vllm")
        case "weights":
            weights = request.getfixturevalue("tiny_weights")
            loaded = TransformersModel("small", weights=str(weights))
            yield loaded
            await loaded.close()


async def test_it_is_a_model_and_its_completions_bear_its_name(model):
    completion = await model.generate(CHAT, Sampling(max_tokens=8, seed=1))

    assert isinstance(model, Model)
    assert isinstance(completion, Completion)
    assert completion.model == model.name == "small"


async def test_a_request_with_a_seed_is_answered_alike_again(model):
    promises = not isinstance(model, EndpointModel | VllmModel)
    sampling = Sampling(max_tokens=8, seed=3, exact=promises)

    first, second = await asyncio.gather(*(model.generate(BEGUN, sampling) for _ in range(2)))

    assert replace(first, usage=second.usage) == second
    assert first.exact == promises


async def test_a_prompt_may_be_token_ids(model):
    completion = await model.generate([5, 6, 7], Sampling(max_tokens=8, seed=3))

    assert completion.prompt_ids in ((), (5, 6, 7))


async def test_the_number_of_tokens_is_a_limit(model):
    completion = await model.generate(CHAT, Sampling(max_tokens=1, seed=3))

    assert len(completion.token_ids) <= 1
    assert len(completion.text) <= 8
    assert completion.usage.prompt_tokens > 0


async def test_choices_get_logprobs_in_their_order(model):
    logprobs = await model.choice_logprobs(CHAT, ["yes", "no", "maybe"])

    assert list(logprobs) == ["yes", "no", "maybe"]
    assert all(logprob <= 0 for logprob in logprobs.values())
    assert math.fsum(map(math.exp, logprobs.values())) <= 1 + 1e-6
    assert await model.choice_logprobs(CHAT, ["yes", "no", "maybe"]) == logprobs


async def test_no_adapter_leaves_it_as_it_is(model):
    assert model.with_adapter(None) == model
