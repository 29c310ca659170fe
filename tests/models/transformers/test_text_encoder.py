"""Vectors of texts, against transformers itself."""

import json
import shutil

import numpy as np
import pytest

from simlab.errors import ConfigError

pytestmark = pytest.mark.model

TEXTS = [f"{'Ann sold the car. ' * (n % 5)}Day {n}." for n in range(40)]


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    from simlab.models.transformers.text_encoder import TextEncoder

    return TextEncoder.load(tiny_encoder, max_batch=8)


@pytest.fixture(scope="module")
def states(tiny_encoder):
    """Gives the last states of one text, computed without any filling."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    model = AutoModel.from_pretrained(tiny_encoder, attn_implementation="eager").eval()

    @torch.inference_mode()
    def compute(text):
        ids = torch.tensor([tokenizer(text)["input_ids"][:96]])
        return model(ids).last_hidden_state[0].numpy()

    return compute


@pytest.fixture
def folder(tiny_encoder, tmp_path):
    """A copy of the weights, for other files beside them."""
    return shutil.copytree(tiny_encoder, tmp_path / "copy")


def of_length_1(vector):
    return vector / np.linalg.norm(vector)


def test_a_vector_is_the_mean_of_the_states_scaled_to_length_1(encoder, states):
    for text, vector in zip(TEXTS, encoder.encode(TEXTS).vectors, strict=True):
        np.testing.assert_allclose(vector, of_length_1(states(text).mean(0)), atol=1e-5)


def test_of_a_text_that_is_too_long_the_beginning_is_read(encoder, states):
    text = "A long story. " * 50

    [vector] = encoder.encode([text]).vectors

    np.testing.assert_allclose(vector, of_length_1(states(text).mean(0)), atol=1e-5)
    assert np.abs(vector - encoder.encode([text[:90]]).vectors[0]).max() > 1e-3


def test_the_first_state_is_taken_where_the_folder_says_so(folder, states):
    from simlab.models.transformers.text_encoder import TextEncoder

    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode": "cls"}))

    vectors = TextEncoder.load(folder, max_batch=8).encode(TEXTS[:8]).vectors

    for text, vector in zip(TEXTS, vectors, strict=False):
        np.testing.assert_allclose(vector, of_length_1(states(text)[0]), atol=1e-5)


def test_fewer_tokens_are_read_where_the_folder_says_so(folder, encoder):
    from simlab.models.transformers.text_encoder import TextEncoder

    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 20}))
    short = TextEncoder.load(folder, max_batch=8)

    np.testing.assert_allclose(
        short.encode(["0123456789" * 8]).vectors,
        encoder.encode(["0123456789" * 2]).vectors,
        atol=1e-5,
    )


@pytest.mark.parametrize("n_beside", [0, 1, 7, 39])
def test_what_is_embedded_beside_a_text_does_not_matter(encoder, n_beside):
    alone = encoder.encode(TEXTS[:1]).vectors[0]

    beside = encoder.encode([*TEXTS[1 : n_beside + 1], TEXTS[0]]).vectors[-1]

    assert np.abs(beside - alone).max() < 1e-5


def test_the_tokens_that_were_read_of_each_text_are_counted(encoder):
    assert encoder.encode(["abc", "de"]).n_tokens == [3, 2]


def test_weights_that_are_no_encoder_are_refused_when_they_are_loaded(folder):
    from transformers import T5Config, T5Model

    from simlab.models.transformers.text_encoder import TextEncoder

    config = T5Config(vocab_size=300, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(folder)

    with pytest.raises(ConfigError, match="cannot be loaded as an encoder of texts: "):
        TextEncoder.load(folder, max_batch=8)


def test_a_folder_that_is_damaged_is_refused(folder):
    from simlab.models.transformers.text_encoder import TextEncoder

    (folder / "config.json").write_text("{}")

    with pytest.raises(ConfigError, match="cannot be loaded as an encoder of texts: "):
        TextEncoder.load(folder, max_batch=8)
