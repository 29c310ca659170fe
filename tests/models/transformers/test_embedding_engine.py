import asyncio
import threading
import time

import pytest

from simlab.errors import ModelError

pytestmark = pytest.mark.model


class Gate:
    """Stands before an encoder, and lets a batch in when it is opened."""

    def __init__(self, encoder):
        self.encoder = encoder
        self.batches = []
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def encode(self, texts):
        self.batches.append(list(texts))
        self.entered.release()
        assert self.opened.wait(60)
        if "poison" in texts:
            raise RuntimeError("it is poisoned")
        return self.encoder.encode(texts)


@pytest.fixture
def engine(tiny_encoder):
    from simlab.models.transformers.embedding_engine import TransformersEmbeddingEngine

    engine = TransformersEmbeddingEngine(tiny_encoder, max_batch=4, threads=1)
    yield engine
    engine.close()


@pytest.fixture
def gate(engine):
    engine._encoder = gate = Gate(engine._encoder)
    yield gate
    gate.opened.set()


async def begin(engine, gate, *calls):
    """Calls that wait while a first one is computed."""
    first = asyncio.ensure_future(engine.embed(["first"]))
    await asyncio.to_thread(gate.entered.acquire)
    tasks = [asyncio.ensure_future(engine.embed(texts)) for texts in calls]
    await asyncio.sleep(0)
    return first, tasks


async def test_calls_that_wait_are_computed_in_one_batch(engine, gate):
    first, tasks = await begin(engine, gate, ["a"], ["b", "c"], ["d"], ["e"])

    assert (engine.statistics().running, engine.statistics().waiting) == (1, 4)
    gate.opened.set()
    vectors = [embedding.vectors for embedding in await asyncio.gather(first, *tasks)]

    assert gate.batches == [["first"], ["a", "b", "c", "d"], ["e"]]
    assert [len(rows) for rows in vectors] == [1, 1, 2, 1, 1]
    assert (vectors[2] == (await engine.embed(["b", "c"])).vectors).all()
    assert (engine.statistics().running, engine.statistics().waiting) == (0, 0)


async def test_each_call_of_a_batch_is_charged_with_its_own_tokens_and_the_time_of_the_batch(
    engine, gate
):
    gate.opened.set()
    start = time.perf_counter()

    short, long = await asyncio.gather(engine.embed(["ab"]), engine.embed(["abc", "de"]))

    assert (short.usage.prompt_tokens, long.usage.prompt_tokens) == (2, 5)
    assert engine.statistics().prompt_tokens == 7
    assert min(short.usage.model_s, long.usage.model_s) > 0
    assert max(short.usage.model_s, long.usage.model_s) <= time.perf_counter() - start


async def test_a_call_that_is_cancelled_before_it_is_begun_is_left_out(engine, gate):
    first, (a, b) = await begin(engine, gate, ["a"], ["b"])

    a.cancel()
    await asyncio.wait([a])
    gate.opened.set()
    await asyncio.gather(first, b)

    assert gate.batches == [["first"], ["b"]]


async def test_what_goes_wrong_in_a_batch_is_told_to_all_of_it_and_to_no_others(engine, gate):
    first, tasks = await begin(engine, gate, ["a", "b", "poison"], ["c"], ["d"])

    gate.opened.set()
    results = await asyncio.gather(first, *tasks, return_exceptions=True)

    kinds = [type(result).__name__ for result in results]
    assert kinds == ["Embedding", "RuntimeError", "RuntimeError", "Embedding"]


async def test_a_closed_engine_fails_what_waits_and_refuses_more(engine, gate):
    first, (waiting,) = await begin(engine, gate, ["a"])

    closing = asyncio.create_task(asyncio.to_thread(engine.close))
    with pytest.raises(ModelError, match="engine is closed"):
        await waiting
    gate.opened.set()
    await closing

    assert (await first).vectors.shape == (1, 32)
    with pytest.raises(ModelError, match="engine is closed"):
        await engine.embed(["b"])


async def test_it_is_well_while_it_is_open(engine):
    await engine.check_health()
