import asyncio
import pickle

import pytest

from simlab.errors import ConfigError
from simlab.models.model import ChatMessage, Sampling
from simlab.models.transformers_model import TransformersModel
from tests.models.costs import said
from tests.models.lora import write_lora, write_zeros_lora

HELLO = [ChatMessage("user", "hello")]


def test_a_model_is_a_value_that_pickles_and_loads_nothing():
    model = TransformersModel("small", weights="no/such-model", threads=1)

    assert pickle.loads(pickle.dumps(model)) == model
    assert {model} == {TransformersModel("small", weights="no/such-model", threads=1)}


def test_a_version_is_a_value_of_its_own_and_leaves_the_base_as_it_is():
    base = TransformersModel("small")

    trained = base.with_adapter("/runs/agent@7")

    assert (base.name, trained.name) == ("small", "small+agent@7")
    assert trained.with_adapter(None) == base.with_adapter(None) == base


@pytest.mark.parametrize("option", ["max_batch", "max_adapters", "threads"])
def test_a_number_below_1_is_refused_by_its_name(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        TransformersModel("small", **{option: 0})


def test_an_adapter_is_checked_without_weights(tmp_path):
    base = TransformersModel("small", weights="no/such-model")

    base.check_adapter()
    base.with_adapter(write_zeros_lora(tmp_path / "agent@1")).check_adapter()
    with pytest.raises(ConfigError, match=r"adapter '/nope/agent@7' must be .*No such file"):
        base.with_adapter("/nope/agent@7").check_adapter()


@pytest.mark.model
async def test_a_version_of_a_model_answers_under_its_name_by_the_same_engine(
    tiny_weights, tmp_path
):
    folder = write_lora(tmp_path / "agent@7", tiny_weights, seed=1, scale=2.0)
    base = TransformersModel("small", weights=str(tiny_weights))
    trained = base.with_adapter(folder)

    plain, adapted = await asyncio.gather(
        *(model.generate(HELLO, Sampling(max_tokens=9, seed=1)) for model in (base, trained))
    )

    assert await trained.load() is await base.load()
    assert (plain.model, adapted.model) == ("small", "small+agent@7")
    assert plain.token_ids != adapted.token_ids
    assert await trained.choice_logprobs(HELLO, ["yes"]) != (
        await base.choice_logprobs(HELLO, ["yes"])
    )
    await base.close()


async def test_weights_that_cannot_be_had_are_refused_on_first_use(tmp_path):
    model = TransformersModel("small", weights=str(tmp_path / "absent"))

    with pytest.raises(ConfigError, match=r"got '.*absent'"):
        await model.generate(HELLO)


@pytest.mark.model
async def test_models_of_equal_options_share_one_engine(tiny_weights):
    one = TransformersModel("one", weights=str(tiny_weights))
    other = TransformersModel("other", weights=str(tiny_weights))
    wide = TransformersModel("one", weights=str(tiny_weights), max_batch=64)

    engines = await asyncio.gather(one.load(), other.load(), one.load(), wide.load())

    assert engines[0] is engines[1] is engines[2] is not engines[3]
    await asyncio.gather(one.close(), wide.close())


@pytest.mark.model
async def test_a_completion_bears_the_name_of_the_model_that_was_asked(tiny_weights):
    model = TransformersModel("buyer-brain", weights=str(tiny_weights))

    completion = await model.generate(HELLO, Sampling(max_tokens=3, seed=1))

    assert completion.model == "buyer-brain"
    await model.close()


@pytest.mark.model
async def test_a_closed_model_loads_anew_on_its_next_call(tiny_weights):
    model = TransformersModel("small", weights=str(tiny_weights))
    first = await model.generate(HELLO, Sampling(max_tokens=5, seed=1))
    engine = await model.load()

    await model.close()
    await model.close()

    assert said(await model.generate(HELLO, Sampling(max_tokens=5, seed=1))) == said(first)
    assert await model.load() is not engine
    await model.close()
