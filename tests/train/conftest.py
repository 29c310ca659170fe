"""Samples and trainers for the tests of training."""

import pyarrow.parquet  # noqa: F401 - takes half a second, which no test should be charged with
import pytest
import yaml

from simlab.sim.launch import run
from simlab.train.dataset import Dataset
from simlab.train.options import LoraOptions, TrainingOptions
from simlab.train.sample import Sample
from tests.models.conftest import plain_model, tiny_engine, tiny_weights, tokenizer
from tests.train.trainings import run_of, training_of

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

    return Trainer(str(tiny_weights), device="cpu", threads=1)


@pytest.fixture
def dataset_of(trainer):
    """Makes a dataset of the tiny weights."""

    def make(samples):
        return Dataset(tuple(samples), trainer.base)

    return make


@pytest.fixture
def play(tiny_weights, tmp_path):
    """Plays two that chat, on the tiny weights or on a script; gives the run."""

    def start(memory="list", episodes=2, engine="transformers", **world):
        sampling = {"max_tokens": 8}
        model = {"engine": engine}
        if engine == "transformers":
            model |= {"weights": str(tiny_weights), "device": "cpu"}
            sampling["logprobs"] = True
        file = tmp_path / "chat.yaml"
        data = {
            "name": "chat",
            "world": "tests.sim.worlds:Relay",
            "options": {"turns": 6, **world},
            "cast": {"*": {"agent": "llm", "memory": memory, "sampling": sampling}},
            "models": {"small": model},
            "episodes": episodes,
        }
        file.write_text(yaml.safe_dump(data))
        return run(str(file), out=tmp_path / "run", hosts=0)

    return start


@pytest.fixture
def training_file(tmp_path, tiny_weights):
    """Writes the file of a training with a scripted collector, and gives its path."""

    def write(name="small.yaml", model=(), **keys):
        path = tmp_path / name
        path.write_text(yaml.safe_dump(training_of(run_of(tiny_weights, **dict(model)), **keys)))
        return path

    return write
