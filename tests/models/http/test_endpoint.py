"""What no endpoint does is refused before it is asked."""

import pytest

from simlab.errors import ModelError
from simlab.models.model import ChatMessage, Sampling

CHAT = [ChatMessage("user", "Hello")]
BEGUN = [*CHAT, ChatMessage("assistant", "{")]


@pytest.fixture(params=["openai", "vllm"])
def endpoint(request, make_endpoint, fake_vllm):
    return make_endpoint(fake_vllm, server=request.param)


@pytest.mark.parametrize(
    ("prompt", "sampling", "said"),
    [
        (CHAT, Sampling(seed=1, exact=True), "promises no exact completions, got exact True; leav"),
        (BEGUN, Sampling(schema={"type": "object"}), "a schema holds a whole reply, and this one"),
    ],
)
async def test_train_9_and_10_what_it_cannot_promise_is_refused(
    endpoint, fake_vllm, prompt, sampling, said
):
    with pytest.raises(ModelError, match=said):
        await endpoint.generate(prompt, sampling, model="small")

    assert fake_vllm.asked == []


@pytest.mark.parametrize("options", [{}, {"tokenizer": "folder"}])
async def test_only_vllm_takes_adapters_and_scores_choices(make_endpoint, fake_vllm, options):
    endpoint = make_endpoint(fake_vllm, **options)

    with pytest.raises(
        ModelError, match="takes no adapters, got '/a@1'; serve the model with vLLM"
    ):
        await endpoint.generate(CHAT, Sampling(), model="small", adapter="/a@1")
    with pytest.raises(ModelError, match=r"cannot score choices exactly, .* take a rubric judge"):
        await endpoint.choice_logprobs(CHAT, ["yes"])

    assert fake_vllm.asked == []


async def test_a_schema_beside_ids_is_taken_for_a_whole_reply(make_endpoint, fake_vllm):
    endpoint = make_endpoint(fake_vllm, server="vllm")

    with pytest.raises(ModelError, match="does not hold replies to a schema: Expecting value"):
        await endpoint.generate([5], Sampling(schema={"type": "object"}), model="small")

    assert fake_vllm.asked[0][1]["response_format"]["type"] == "json_schema"
