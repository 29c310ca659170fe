"""Training on the embedded weights, and what it published served by vLLM."""

import importlib.util
from pathlib import Path

import pytest

from simlab.models.model import ChatMessage, Sampling
from simlab.train.dataset import Dataset
from simlab.train.options import LoraOptions, TrainingOptions
from simlab.train.sample import Sample

CHAT = [ChatMessage("user", "Say hello.")]
DRAWN = Sampling(max_tokens=8, seed=1, logprobs=True)


def sample_of(completion):
    n_told, n_drawn = len(completion.prompt_ids), len(completion.token_ids)
    return Sample(
        completion.prompt_ids + completion.token_ids,
        (False,) * n_told + (True,) * n_drawn,
        (0.0,) * n_told + completion.logprobs,
    )


@pytest.fixture(scope="module")
def trainer():
    """A trainer of the embedded weights, in float32 on the CPU."""
    from simlab.train.trainer import Trainer

    return Trainer(device="cpu")


@pytest.fixture
def publish(trainer, tmp_path):
    """Trains an adapter on a completion and gives its folder."""

    def train(completion):
        dataset = Dataset((sample_of(completion),), trainer.base)
        options = TrainingOptions(learning_rate=1e-3, epochs=2, lora=LoraOptions(rank=8))
        trainer.train(dataset, options, tmp_path / "agent@1")
        return str(tmp_path / "agent@1")

    return train


async def check_served(model, generate, trainer, publish):
    """That what was learnt is served with the trainer's log-probabilities."""
    folder = publish(await generate(model, None))

    completion = await generate(model, folder)

    [found] = trainer.logprobs([sample_of(completion)], Path(folder))
    assert found == pytest.approx(completion.logprobs, abs=1e-3)
    [base] = trainer.logprobs([sample_of(completion)])
    assert base != pytest.approx(completion.logprobs, abs=1e-2)


@pytest.mark.model
async def test_train_17_the_embedded_weights_learn_and_are_served(trainer, publish):
    from simlab.models.transformers.engine import TransformersEngine

    async def generate(engine, adapter):
        return await engine.generate(CHAT, DRAWN, adapter=adapter)

    with TransformersEngine(device="cpu") as engine:
        await check_served(engine, generate, trainer, publish)


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore")  # vLLM's own
@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed")
async def test_train_17_a_published_adapter_is_served_by_vllm(trainer, publish):
    from simlab.models.vllm_model import VllmModel

    model = VllmModel("small", dtype="float32", max_adapters=2, max_adapter_rank=8, cache_gib=0.5)
    engine = model.open()

    async def generate(model, adapter):
        return await model.with_adapter(adapter).generate(CHAT, DRAWN)

    try:
        await check_served(model, generate, trainer, publish)
    finally:
        engine.close()
