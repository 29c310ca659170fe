import pickle
import time

import numpy as np
import pytest

from simlab.models.embedder import embedding_of
from simlab.models.model import Usage
from simlab.models.scripted_embedder import DIMENSION, ScriptedEmbedder

NEAR = ScriptedEmbedder("near")


async def cosines(question, *texts):
    asked, *vectors = await NEAR.embed([question, *texts])
    return [float(asked @ vector) for vector in vectors]


async def test_texts_that_share_words_are_near():
    tulips, weather = await cosines(
        "Does Bob like tulips?", "Ann is fond of tulips.", "Rain is expected."
    )

    assert tulips > 0.3 > abs(weather)


async def test_longer_words_weigh_more():
    password, grammar = await cosines(
        "What is the password?", "His password: swordfish.", "What is the hour?"
    )

    assert password > grammar


async def test_case_order_and_number_of_words_do_not_matter():
    [same] = await cosines("The car, the RED car", "red car the")

    assert same == pytest.approx(1.0)


async def test_vectors_are_the_same_in_every_process():
    [vector] = await NEAR.embed(["red"])

    assert vector.shape == (DIMENSION,)
    assert (vector[:8] > 0).tolist() == [False, True, False, True, True, False, False, False]


async def test_lone_surrogates_are_no_error():
    assert np.isfinite(await NEAR.embed(["\ud800"])).all()


async def test_four_characters_count_as_a_token():
    embedding = await embedding_of(NEAR, ["a car", "a longer text"])

    assert embedding.usage == Usage(2 + 4)


async def test_a_call_takes_its_latency():
    start = time.perf_counter()

    await ScriptedEmbedder("near", latency_s=0.02).embed(["a"])

    assert time.perf_counter() - start >= 0.02


@pytest.mark.parametrize("latency_s", [-1, float("inf"), float("nan")])
def test_a_latency_that_is_none_is_refused(latency_s):
    with pytest.raises(ValueError, match=f"latency_s must be .* finite, got {latency_s!r}"):
        ScriptedEmbedder("near", latency_s=latency_s)


def test_it_is_a_value_that_pickles():
    assert pickle.loads(pickle.dumps(NEAR)) == NEAR
