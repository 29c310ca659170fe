"""Texts as samples: what was not drawn can be learnt from all the same."""

import pytest

from simlab.models.model import ChatMessage
from simlab.train.choosing import static_samples
from simlab.train.dataset import write_dataset
from simlab.train.train_file import StaticSpec

pytestmark = pytest.mark.model


def test_pairs_of_texts_are_samples_that_a_training_takes(
    tiny_weights, tokenizer, trainer, tmp_path
):
    from simlab.train.text_pairs import TextPair, dataset_of_texts

    chat = [ChatMessage("user", "Is it safe?")]
    pairs = [TextPair(chat, "No, it is not.", "Try it."), TextPair(chat, "same", "same")]

    made = dataset_of_texts(pairs, str(tiny_weights))
    write_dataset(made, tmp_path / "safe.parquet")

    spec = StaticSpec(data=str(tmp_path / "safe.parquet"), fraction=0.5)
    read = static_samples(spec, trainer.base)
    assert [(one.label, one.pair) for one in read.samples] == [
        (True, 0),
        (False, 0),
        (True, 1),
        (False, 1),
    ]
    first = made.samples[0]
    drawn = first.ids[first.start :]
    assert tokenizer.decode(drawn, skip_special_tokens=True) == "No, it is not."
    assert drawn[-1] == tokenizer.eos_token_id
    asked = tokenizer.decode(first.ids[: first.start])
    assert "Is it safe?" in asked
    assert asked.endswith("<|assistant|>")
    assert all(
        len(found) == one.n_targets
        for found, one in zip(trainer.logprobs(read.samples), read.samples, strict=True)
    )
