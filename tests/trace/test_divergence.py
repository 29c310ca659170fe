"""Both sides of a divergence are shown where they part."""

import asyncio
import math

import pytest
from msgspec import UNSET

from simlab.errors import ReplayDivergence
from simlab.trace.divergence import Difference, first_difference
from simlab.trace.events import Effect, SteppedCore
from simlab.trace.journal import Journal
from simlab.trace.tracing import effect, turn
from tests.trace.rewriting import rewrite
from tests.trace.society import (
    Ask,
    Message,
    Model,
    one_step,
    open_writer,
    play,
    play_run,
    record,
    replaying,
)


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, Difference("a[1].b", 2, 3)),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, Difference("b", 2, 3)),
        ([1, 2], [1], Difference("[1]", 2, UNSET)),
        ({"a": 1}, {"a": 1.0}, Difference("a", 1, 1.0)),
        ({"a": {"x": None}}, {"a": "x"}, Difference("a", {"x": None}, "x")),
    ],
)
def test_the_first_difference_is_named_by_its_place(left, right, difference):
    assert first_difference(left, right) == difference


def test_what_is_on_one_side_only_is_a_difference():
    found = first_difference({"a": 1}, {})

    assert (found.where, found.left) == ("a", 1)


def test_equal_values_have_no_difference():
    assert first_difference({"a": [math.nan, "x"]}, {"a": [math.nan, "x"]}) is None


async def test_sim_7_a_changed_prompt_diverges_naming_episode_step_and_both_sides(directory):
    await play_run(directory)

    with pytest.raises(ReplayDivergence) as caught:
        await play(
            replaying(directory),
            Model(),
            prompt=lambda seat, step: f"{seat}, step {step}{'!' if step == 1 else '?'}",
        )

    message = caught.value.message
    assert message.startswith("episode 0, step 1: the replay parts from the record")
    assert "different in prompt" in message
    assert "buyer, step 1?" in message.split("recorded:")[1].split("replayed:")[0]
    assert "buyer, step 1!" in message.split("replayed:")[1]


async def test_a_changed_action_diverges_showing_where(directory):
    await record(directory, lambda: asyncio.sleep(0, {"price": 3, "say": "yes"}))

    with pytest.raises(ReplayDivergence) as caught:
        await one_step(replaying(directory), lambda: asyncio.sleep(0, {"price": 4, "say": "yes"}))

    assert caught.value.message == (
        "episode 0, step 0: the replay parts from the record in acted[0].action.price\n"
        "  recorded: 3\n"
        "  replayed: 4"
    )


async def test_a_long_text_that_changed_is_shown_where_it_did(directory):
    def saying(word):
        return lambda: asyncio.sleep(0, "so " * 500 + word + " it is" * 500)

    await record(directory, saying("perhaps"))

    with pytest.raises(ReplayDivergence) as caught:
        await one_step(replaying(directory), saying("never"))

    recorded, replayed = caught.value.message.split("\n")[1:]
    assert "perhaps it is" in recorded
    assert "never it is" in replayed


async def test_a_completion_rewritten_in_its_record_is_found_at_its_step(directory):
    async def ask():
        said = await effect("tool", "offer?", lambda _: "I offer 3")
        return said.upper()

    await record(directory, ask)
    rewrite(directory, Effect.KIND, b"I offer 3", b"I offer 9")

    with pytest.raises(ReplayDivergence) as caught:
        await one_step(replaying(directory), ask)

    assert caught.value.message == (
        "episode 0, step 0: the replay parts from the record in acted[0].action\n"
        '  recorded: "I OFFER 3"\n'
        '  replayed: "I OFFER 9"'
    )


async def test_a_rewritten_completion_is_found_though_nothing_was_made_of_it(directory):
    async def ask():
        await effect("tool", "offer?", lambda _: "I offer 3")

    await record(directory, ask)
    rewrite(directory, Effect.KIND, b"I offer 3", b"I offer 9")

    with pytest.raises(ReplayDivergence) as caught:
        await one_step(replaying(directory), ask)

    message = caught.value.message
    assert message.startswith("episode 0, step 0: the replay parts from the record: the same came")
    assert "a call of kind 'tool' by 'buyer' gave \"I offer 9\"" in message
    recorded, replayed = message.split("\n")[-2:]
    assert recorded.startswith("  recorded: digest ")
    assert replayed.startswith("  replayed: digest ")
    assert recorded[-32:] != replayed[-32:]


async def test_a_completion_rewritten_in_its_content_is_found_at_its_step(directory):
    await play_run(directory)
    rewrite(directory, 1, b"buyer says in step 1", b"buyer lies in step 1")

    with pytest.raises(ReplayDivergence) as caught:
        await play(replaying(directory), Model())

    head, recorded, replayed = caught.value.message.split("\n")
    assert head == (
        "episode 0, step 1: the replay parts from the record: the result of a call of kind 'model' "
        "by 'buyer' is not the one that was committed, in text"
    )
    assert recorded.startswith('  recorded: "content ')
    assert replayed.startswith('  replayed: "buyer lies in step 1')


async def test_a_prompt_is_shown_as_it_was_also_behind_a_call_that_was_cut_off(directory):
    long = "what was offered and by whom, at length, " * 3

    def chat(*texts):
        return Ask([Message("user", text) for text in texts])

    async def never(_seed):
        await asyncio.get_running_loop().create_future()

    async def ask_thrice(journal, last):
        await journal.begin({})
        with turn(journal, "buyer", 0, "act"):
            await effect("model", chat("a"), lambda _: "one")
            cut_off = asyncio.create_task(effect("model", chat("a", long), never))
            await asyncio.sleep(0)
            cut_off.cancel()
            await asyncio.gather(cut_off, return_exceptions=True)
            await effect("model", chat("a", long, last), lambda _: "two")
        await journal.step(SteppedCore(0, 0.0, [], {}))

    writer = open_writer(directory)
    await ask_thrice(Journal(0, seed=5, writer=writer), "then")
    writer.close()

    with pytest.raises(ReplayDivergence) as caught:
        await ask_thrice(replaying(directory), "now")
    assert caught.value.message.endswith(
        'different in prompt[2][1]\n  recorded: "then"\n  replayed: "now"'
    )
