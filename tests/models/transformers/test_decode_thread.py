"""Many completions are drawn at once, and each as if it were alone."""

import asyncio
import threading
from dataclasses import replace

import pytest

from simlab.errors import ModelError
from simlab.models.model import Sampling
from tests.models.transformers.requests import HELLO, LONG, SEEDED, drawn, prompt_of

pytestmark = pytest.mark.model


async def wait_running(engine):
    while engine.statistics().running == 0:  # noqa: ASYNC110 - an engine has no event for it
        await asyncio.sleep(0)


async def test_a_request_that_joins_others_midway_is_not_changed_by_them(
    own_engine, endless_weights
):
    engine = own_engine(endless_weights)
    alone = await engine.generate(prompt_of(100), SEEDED)
    long = asyncio.create_task(engine.generate(HELLO, LONG))
    await wait_running(engine)

    joined = await engine.generate(prompt_of(100), SEEDED)

    assert not long.done()
    assert drawn(joined) == drawn(alone)
    assert len((await long).token_ids) == 900


async def test_requests_beyond_the_batch_wait_for_their_turn(own_engine, together):
    engine = own_engine(max_batch=2)

    completions = await together(*(engine.generate(HELLO, SEEDED) for _ in range(7)))

    assert len({drawn(completion) for completion in completions}) == 1


async def test_train_12_a_cancelled_request_frees_its_row(own_engine, endless_weights):
    engine = own_engine(endless_weights, max_batch=1)
    task = asyncio.create_task(engine.generate(HELLO, LONG))
    await wait_running(engine)

    task.cancel()
    after = await engine.generate(HELLO, Sampling(max_tokens=2, seed=1))

    assert task.cancelled()
    assert len(after.token_ids) == 2
    assert engine.statistics().waiting == 0


async def test_a_bad_request_fails_alone(tiny_engine, together):
    good = [tiny_engine.generate(HELLO, SEEDED) for _ in range(5)]
    bad = tiny_engine.generate([5, 99_999], SEEDED)

    *completions, error = await together(*good, refused(bad))

    assert len({drawn(completion) for completion in completions}) == 1
    assert "got 99999" in str(error)


async def refused(call):
    with pytest.raises(ModelError) as raised:
        await call
    return raised.value


async def test_closing_an_engine_fails_what_is_not_done(own_engine, endless_weights):
    engine = own_engine(endless_weights, max_batch=1)
    tasks = [asyncio.create_task(engine.generate(HELLO, LONG)) for _ in range(3)]
    await wait_running(engine)

    engine.close()

    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, ModelError)
        assert "closed" in str(outcome)
    with pytest.raises(ModelError, match="closed; make a new one"):
        await engine.generate(HELLO, SEEDED)


async def test_logits_that_are_not_numbers_fail_the_completion(own_engine, monkeypatch):
    import torch

    from simlab.models.transformers.network import Network

    engine = own_engine()
    monkeypatch.setattr(
        Network, "logits", lambda _, parts: [torch.full((1, 8), torch.nan) for _ in parts]
    )

    with pytest.raises(ModelError, match="are not numbers"):
        await engine.generate(HELLO, SEEDED)


async def test_where_rows_depend_on_each_other_exact_ones_are_computed_by_themselves(
    own_engine, monkeypatch, together
):
    from simlab.models.transformers.network import Network

    monkeypatch.setattr(Network, "_find_multiple", lambda _: False)
    widths = []
    logits = Network.logits

    def counted(network, parts):
        widths.append(len(parts))
        return logits(network, parts)

    monkeypatch.setattr(Network, "logits", counted)
    engine = own_engine()

    exact = await together(*(engine.generate(HELLO, replace(SEEDED, exact=True)) for _ in range(3)))
    assert set(widths) == {1}
    assert all(completion.exact for completion in exact)

    seeded = await together(*(engine.generate(HELLO, SEEDED) for _ in range(3)))
    assert max(widths) > 1
    assert not any(completion.exact for completion in seeded)


async def test_others_go_on_while_an_adapter_is_read(own_engine, monkeypatch):
    from simlab.models.transformers import engine as module
    from simlab.models.transformers.adapter import Adapter

    go_on = threading.Event()

    def read(path, shapes):
        assert shapes
        assert go_on.wait(60)
        return Adapter(path, {})

    monkeypatch.setattr(module, "read_adapter", read)
    engine = own_engine()
    slow = [asyncio.create_task(engine.generate(HELLO, SEEDED, adapter="/a")) for _ in range(2)]

    quick = await engine.generate(HELLO, SEEDED)

    assert not any(task.done() for task in slow)
    go_on.set()
    assert {drawn(completion) for completion in await asyncio.gather(*slow)} == {drawn(quick)}


async def test_others_go_on_while_a_grammar_is_compiled(own_engine, monkeypatch):
    from simlab.models.transformers.grammar import Grammars

    go_on = threading.Event()
    compiled = Grammars.open

    def compile_slowly(grammars, schema):
        assert go_on.wait(60)
        return compiled(grammars, schema)

    monkeypatch.setattr(Grammars, "open", compile_slowly)
    engine = own_engine()
    held = Sampling(max_tokens=9, seed=1, schema={"const": "no"})
    slow = asyncio.create_task(engine.generate(HELLO, held))

    await engine.generate(HELLO, SEEDED)

    assert not slow.done()
    go_on.set()
    assert (await slow).text == '"no"'
