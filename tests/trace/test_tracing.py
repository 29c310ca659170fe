"""Effects outside a run are calls like others."""

import pytest

from simlab.trace import effect, note, span
from simlab.trace.tracing import inside, turn


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
