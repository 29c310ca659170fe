"""Models of several families learn, and what they have learnt is served."""

from dataclasses import replace

import pytest

from simlab.models.model import ChatMessage, Sampling
from simlab.train.dataset import Dataset
from tests.models.conftest import CHAT_TEMPLATE, byte_tokenizer
from tests.train.conftest import options, sample_of

pytestmark = pytest.mark.model

FAMILIES = ("Qwen3", "Gemma", "GPTNeoX", "Mistral")


@pytest.fixture(params=FAMILIES)
def weights(request, tmp_path):
    """A folder with tiny random weights of a family."""
    import torch
    import transformers

    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(), eos_token="<|end|>"
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(tmp_path / "weights")
    settings = {
        "vocab_size": len(fast),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 512,
        "eos_token_id": fast.eos_token_id,
        "bos_token_id": None,
        "pad_token_id": None,
        "initializer_range": 0.5,
    }
    if request.param != "GPTNeoX":
        settings |= {"num_key_value_heads": 2, "head_dim": 8}
    config = getattr(transformers, f"{request.param}Config")(**settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, f"{request.param}ForCausalLM")(config)
    model.save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


@pytest.mark.filterwarnings("ignore::UserWarning")  # transformers' own, of some families
async def test_influence_19_any_model_learns_from_what_it_has_drawn_and_is_served(
    weights, tmp_path
):
    from simlab.models.transformers.engine import TransformersEngine
    from simlab.train.trainer import Trainer

    sampling = Sampling(max_tokens=12, seed=3, logprobs=True)
    with TransformersEngine(str(weights), device="cpu") as engine:
        completion = await engine.generate([ChatMessage("user", "Hello")], sampling)
        trainer = Trainer(str(weights), device="cpu", threads=1)
        sample = sample_of_completion(completion)
        trainer.train(Dataset((sample,), trainer.base), options(epochs=3), tmp_path / "agent@1")
        adapter = str(tmp_path / "agent@1")
        trained = await engine.generate(completion.prompt_ids, sampling, adapter=adapter)

    [base] = trainer.logprobs([sample])
    assert base == pytest.approx(completion.logprobs, abs=1e-3)
    [found] = trainer.logprobs([sample_of_completion(trained)], tmp_path / "agent@1")
    assert found == pytest.approx(trained.logprobs, abs=1e-3)
    [learnt] = trainer.logprobs([sample], tmp_path / "agent@1")
    assert sum(learnt) > sum(base) + 1


def sample_of_completion(completion):
    n_told, n_drawn = len(completion.prompt_ids), len(completion.token_ids)
    return replace(
        sample_of(),
        ids=completion.prompt_ids + completion.token_ids,
        mask=(False,) * n_told + (True,) * n_drawn,
        logprobs=(0.0,) * n_told + completion.logprobs,
    )
