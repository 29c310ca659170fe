"""Samples and trainers for the tests of training."""

import pytest

from simlab.train.dataset import Dataset
from simlab.train.options import LoraOptions, TrainingOptions
from simlab.train.sample import Sample
from tests.models.conftest import plain_model, tiny_engine, tiny_weights, tokenizer

__all__ = ["plain_model", "tiny_engine", "tiny_weights", "tokenizer"]

LORA = LoraOptions(rank=4, alpha=8)


def options(loss="sft", **settings):
    """Options under which a tiny model learns something in a few steps."""
    usual = {"learning_rate": 1e-2, "batch_size": 4, "lora": LORA}
    return TrainingOptions(loss, **{**usual, **settings})


def sample_of(length=12, *, first=1, n_targets=5, **fields):
    """A sample whose last tokens are targets."""
    ids = tuple((first + 7 * place) % 250 for place in range(length))
    mask = (False,) * (length - n_targets) + (True,) * n_targets
    logprobs = tuple(-1.0 if marked else 0.0 for marked in mask)
    return Sample(ids, mask, logprobs, **{"version": "small", "role": "ann", **fields})


def labelled(n, **fields):
    """Samples of several lengths, every other one desirable."""
    return [
        sample_of(
            10 + 3 * place, first=place, n_targets=3 + place % 4, label=not place % 2, **fields
        )
        for place in range(n)
    ]


@pytest.fixture(scope="session")
def trainer(tiny_weights):
    """A trainer of the tiny weights, in float32 on the CPU."""
    from simlab.train.trainer import Trainer

    return Trainer(str(tiny_weights), device="cpu")


@pytest.fixture
def dataset_of(trainer):
    """Makes a dataset of the tiny weights."""

    def make(samples):
        return Dataset(tuple(samples), trainer.base)

    return make
