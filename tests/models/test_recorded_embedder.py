import asyncio
import itertools
import pickle
from contextlib import suppress

import pytest

from simlab.errors import ModelError
from simlab.models.recorded_embedder import RecordedEmbedder
from simlab.models.scripted_embedder import DIMENSION, ScriptedEmbedder
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Effect, EffectCore
from simlab.trace.log import Log
from simlab.trace.recording import recording

NEAR = ScriptedEmbedder("near")


class Broken:
    name = "broken"

    async def embed(self, _texts):
        raise ModelError("the embedder is down")


@pytest.fixture
def record(tmp_path, disk_that_never_waits):  # noqa: ARG001
    """Embeds lists of texts on a record of their own, and gives its directory."""
    numbers = itertools.count()

    def embed(*calls, embedder=NEAR):
        path = tmp_path / f"run-{next(numbers)}"
        with recording(path), suppress(ModelError):
            for texts in calls:
                asyncio.run(RecordedEmbedder(embedder).embed(texts))
        return RunDirectory.open(path)

    return embed


def effects(directory):
    log = Log(directory)
    return [log.core(event, EffectCore) for event in log.events(0, (Effect,))]


def n_bytes(directory):
    return sum(segment.path.stat().st_size for segment in directory.segments())


async def test_what_is_recorded_is_what_was_computed():
    assert (await RecordedEmbedder(NEAR).embed(["a", "b"]) == await NEAR.embed(["a", "b"])).all()


def test_vectors_are_kept_as_the_bytes_of_float32(record):
    [effect] = effects(record(["a car", "a boat"]))

    vectors = asyncio.run(NEAR.embed(["a car", "a boat"]))
    assert effect.kind == "embedding"
    assert effect.result == [vector.astype("<f4").tobytes() for vector in vectors]


def test_a_vector_costs_the_log_its_bytes_and_little_more_and_one_that_comes_again_none(record):
    one, two, again = (
        n_bytes(record(["a car"], *more)) for more in ([], [["a boat"]], [["a car"]])
    )

    assert 4 * DIMENSION < two - one < 4 * DIMENSION + 400
    assert again - one < 400


def test_an_embedder_that_fails_is_recorded_as_such(record):
    [effect] = effects(record(["a car"], embedder=Broken()))

    assert (effect.error.type, effect.error.message) == ("ModelError", "the embedder is down")


def test_it_survives_pickling():
    assert pickle.loads(pickle.dumps(RecordedEmbedder(NEAR))) == RecordedEmbedder(NEAR)
