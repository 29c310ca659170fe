"""What holds for every embedder, whatever computes it."""

import asyncio
import re

import numpy as np
import pytest

from simlab.models.embedder import Embedder
from simlab.models.model import Model
from simlab.models.recorded_embedder import RecordedEmbedder
from simlab.models.scripted_embedder import ScriptedEmbedder
from simlab.models.served_embedder import ServedEmbedder
from simlab.models.transformers_embedder import TransformersEmbedder
from tests.models.memory_serve import MemoryLane

TEXTS = ["The car is red.", "Who sold the car to Ann?", "", "Rain! " * 40, "🌧", "The car is red."]


@pytest.fixture(
    params=["scripted", "recorded", "served", pytest.param("weights", marks=pytest.mark.model)]
)
async def embedder(request, monkeypatch):
    scripted = ScriptedEmbedder("near")
    match request.param:
        case "scripted":
            yield scripted
        case "recorded":
            yield RecordedEmbedder(scripted)
        case "served":
            lanes = [MemoryLane(ScriptedEmbedder("another name")) for _ in range(2)]
            monkeypatch.setattr("simlab.models.served._lanes_to", lambda _app, _n: lanes)
            yield ServedEmbedder("near", "app", 2)
        case "weights":
            weights = request.getfixturevalue("tiny_encoder")
            loaded = TransformersEmbedder("near", weights=str(weights))
            yield loaded
            await loaded.close()


async def test_it_is_an_embedder_and_no_language_model(embedder):
    assert isinstance(embedder, Embedder)
    assert not isinstance(embedder, Model)
    assert embedder.name == "near"


async def test_each_text_has_a_vector_of_length_1(embedder):
    vectors = await embedder.embed(TEXTS)

    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), vectors.shape[1])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


async def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder):
    together = await embedder.embed(TEXTS)
    alone = [await embedder.embed([text]) for text in TEXTS]
    at_once = await asyncio.gather(*(embedder.embed([text]) for text in TEXTS))

    assert np.abs(np.concatenate(alone) - together).max() < 1e-5
    assert np.abs(np.concatenate(at_once) - together).max() < 1e-5


async def test_other_texts_have_other_vectors(embedder):
    cosines = (vectors := await embedder.embed(TEXTS)) @ vectors.T

    alike = cosines > 1 - 1e-5
    assert alike.sum() == len(TEXTS) + 2, "the first text stands there twice"


@pytest.mark.parametrize("texts", [[], "one text"])
async def test_no_texts_or_one_in_place_of_several_are_refused(embedder, texts):
    expected = f"texts must be a list of at least one text, got {texts!r}"

    with pytest.raises(ValueError, match=re.escape(expected)):
        await embedder.embed(texts)
