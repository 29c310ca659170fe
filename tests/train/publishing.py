"""What is learnt on the embedded weights is served as it was learnt."""

import pytest

from simlab.models.model import ChatMessage, Sampling
from simlab.train.dataset import Dataset
from simlab.train.options import LoraOptions, TrainingOptions
from simlab.train.sample import Sample

CHAT = [ChatMessage("user", "Say hello.")]
DRAWN = Sampling(max_tokens=8, seed=1, logprobs=True)


async def check_served(generate, folder):
    """Train an adapter on a completion, and compare what is served with what the trainer computes.

    Args:
        generate: Completes a prompt, as sampling says, by an adapter; by the base for None.
        folder: Where the adapter is published.
    """
    from simlab.train.trainer import Trainer  # torch takes seconds

    trainer = Trainer(device="cpu")
    told = await generate(CHAT, DRAWN, None)
    options = TrainingOptions(learning_rate=1e-3, epochs=2, lora=LoraOptions(rank=8))
    trainer.train(Dataset((_sample_of(told),), trainer.base), options, folder)

    completion = await generate(CHAT, DRAWN, str(folder))

    sample = _sample_of(completion)
    [found] = trainer.logprobs([sample], folder)
    assert found == pytest.approx(completion.logprobs, abs=1e-3)
    [base] = trainer.logprobs([sample])
    assert base != pytest.approx(completion.logprobs, abs=1e-2)


def _sample_of(completion):
    n_told, n_drawn = len(completion.prompt_ids), len(completion.token_ids)
    return Sample(
        completion.prompt_ids + completion.token_ids,
        (False,) * n_told + (True,) * n_drawn,
        (0.0,) * n_told + completion.logprobs,
    )
