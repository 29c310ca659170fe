"""Effects outside a run are calls like others; an effect inside an effect is part of that."""

import asyncio

import pytest

from simlab.trace import effect, note, span
from simlab.trace.events import Effect, EffectCore
from simlab.trace.log import Log
from simlab.trace.tracing import current_span, inside, turn
from tests.trace.society import Ask, Message, never, new_run, one_step, record, replaying


async def test_outside_a_run_an_effect_is_its_call():
    async def answer(seed):
        return ("tuple", seed)

    assert await effect("tool", "?", answer) == ("tuple", 0)
    assert await effect("tool", "?", lambda seed: seed) == 0


async def test_the_kind_of_an_effect_must_be_a_text():
    with pytest.raises(TypeError, match="the kind of an effect must be a text, got 5"):
        await effect(5, "?", lambda seed: seed)


async def test_an_agent_without_a_journal_works_as_well():
    with turn(None, "buyer", 0, "act"), span("think"):
        note("thought")
        assert await effect("tool", "?", lambda _: "yes") == "yes"


async def test_what_is_put_outside_of_all_spans_is_no_effect_of_theirs():
    with turn(None, "buyer", 0, "act"), inside(None):
        assert await effect("tool", "?", lambda seed: seed) == 0


async def in_two_ways(outer):
    """An effect, and another one in a span after it."""
    looked = await effect("tool", "look", outer)
    with span("afterwards"):
        return [looked, await effect("tool", "ask", lambda _: "asked")]


async def looking(_):
    with span("look"):
        note("seen")
        drawn = [effect("model", Ask([Message("user", "?")]), lambda seed: seed) for _ in range(2)]
        return await asyncio.gather(*drawn)


async def test_an_effect_inside_an_effect_is_part_of_it_and_of_every_replay(directory):
    live, digest = await record(directory, lambda: in_two_ways(looking))

    log = Log(directory)
    cores = [log.core(event, EffectCore) for event in log.events(0, (Effect,))]
    assert [(core.kind, core.result) for core in cores] == [("tool", live[0]), ("tool", "asked")]
    assert await one_step(replaying(directory), lambda: in_two_ways(never)) == (live, digest)


async def test_calls_inside_an_effect_draw_by_seeds_that_derive_from_its_own(directory, tmp_path):
    (seeds, _), _ = await record(directory, lambda: in_two_ways(looking))
    (again, _), _ = await record(new_run(tmp_path / "again"), lambda: in_two_ways(looking))

    assert seeds == again
    assert len({*seeds, 0}) == 3


async def test_the_span_around_an_effect_is_current_again_after_it(directory):
    async def look():
        with span("outer") as outer:
            await effect("tool", "?", lambda _: None)
            with pytest.raises(ZeroDivisionError):
                await effect("tool", "?", lambda _: 1 / 0)
            return current_span() is outer

    (kept, _) = await record(directory, look)

    assert kept
