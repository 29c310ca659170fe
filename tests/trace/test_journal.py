"""Replay, resume and divergence: the same code meets what was committed, then goes on live."""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass

import pytest

from simlab.errors import LogWriteError, ModelError, RecordedError, ReplayDivergence
from simlab.trace import history as history_module
from simlab.trace.events import Acted, Cancelled, Effect, Fault, Outcome, SpanOpened, SteppedCore
from simlab.trace.journal import Journal, RecordEnds
from simlab.trace.log import Log
from simlab.trace.tracing import effect, span, turn
from tests.trace.rewriting import rewrite
from tests.trace.society import (
    Ask,
    Message,
    Model,
    open_writer,
    play,
    play_run,
    replaying,
    resume,
)


async def one_step(journal, work):
    """An episode of one step in which one seat does some work; what it came to, and the digest."""
    await journal.begin({})
    with turn(journal, "buyer", 0, "act"):
        done = await work()
    await journal.step(SteppedCore(0, 0.0, [Acted("buyer", journal.plain(done))], {}))
    return done, await journal.end(Outcome(1, {}, {}, {}))


async def record(directory, work):
    """Do some work in a step of a new run; what it came to, and the digest."""
    writer = open_writer(directory)
    try:
        return await one_step(Journal(0, seed=5, writer=writer), work)
    finally:
        writer.close()


class PowerLost(BaseException):
    pass


def never(_):
    raise AssertionError("a replay makes no call")


async def test_a_replay_asks_no_model_and_ends_in_the_same_digest(directory):
    digest = await play_run(directory)
    model = Model()

    assert await play(replaying(directory), model) == digest
    assert model.n_calls == 0


async def test_two_runs_with_one_seed_agree_and_other_seeds_differ(directory):
    digest = await play_run(directory)
    other = open_writer(directory)

    assert await play(Journal(1, seed=5, writer=other), Model()) == digest
    assert await play(Journal(2, seed=6, writer=other), Model()) != digest


async def test_seeds_of_calls_derive_from_the_key_or_from_the_root_of_new_draws(directory):
    seeds = []

    async def draw():
        return [await effect("model", Ask([Message("user", "?")]), seeds.append) for _ in range(2)]

    writer = open_writer(directory)
    for episode, sampling_seed in enumerate((None, None, 8)):
        journal = Journal(episode, seed=5, writer=writer, sampling_seed=sampling_seed)
        await one_step(journal, draw)

    assert seeds[:2] == seeds[2:4]
    assert len(set(seeds)) == 4


async def test_the_usage_of_a_replay_is_that_of_the_run(directory):
    await play_run(directory)
    journal = replaying(directory)

    await play(journal, Model())

    assert journal.usage == Counter(calls=6, prompt_tokens=120, completion_tokens=12)
    assert journal.tokens_of("buyer") == 6


@pytest.mark.parametrize("n_records", range(2, 35, 3))
async def test_a_run_cut_after_any_record_resumes_to_the_digest_of_the_unbroken_one(
    directory, n_records
):
    unbroken = await play_run(directory)
    (segment,) = directory.segments()
    os.truncate(segment.path, segment.open().index.offsets[n_records])
    kept = sum(isinstance(event, Effect) for event in Log(directory).events(0))
    journal, writer = resume(directory)
    model = Model()

    digest = await play(journal, model)
    writer.close()

    assert digest == unbroken
    assert model.n_calls == 6 - kept
    assert await play(replaying(directory), Model()) == unbroken


async def test_ten_interruptions_in_a_row_end_in_the_same_digest(tmp_path, directory):
    unbroken = await play_run(directory)
    broken = type(directory).create(tmp_path / "broken", {})
    calls = Model()

    class Failing(Model):
        def call(self, seat, step):
            async def generate(seed):
                self.n_calls += 1
                if self.n_calls > 1:
                    raise PowerLost
                return await calls.call(seat, step)(seed)

            return generate

    async def play_some():
        journal, writer = resume(broken)
        try:
            return await play(journal, Failing())
        except PowerLost:
            return None
        finally:
            writer.close()

    for _ in range(10):
        digest = await play_some()

    assert digest == unbroken
    assert calls.n_calls == 6


async def test_a_resumed_run_stores_no_content_again(directory):
    await play_run(directory)
    (segment,) = directory.segments()
    os.truncate(segment.path, segment.open().index.offsets[-1])
    whole = segment.path.stat().st_size

    journal, writer = resume(directory)
    await play(journal, Model())
    writer.close()

    assert writer.path.stat().st_size < whole / 5


async def test_a_pure_replay_of_an_unfinished_episode_says_where_the_record_ends(directory):
    await play_run(directory)
    (segment,) = directory.segments()
    os.truncate(segment.path, segment.open().index.offsets[-1])

    with pytest.raises(RecordEnds):
        await play(replaying(directory), Model())


async def test_effects_come_in_recorded_order_also_within_one_agent(directory):
    async def race(calls):
        arrived = []

        async def one(name):
            arrived.append(await effect("tool", name, calls[name]))

        await asyncio.gather(one("slow"), one("fast"), one("middle"))
        return arrived

    gates = {name: asyncio.Event() for name in ("slow", "fast", "middle")}

    def call(name, opens):
        async def wait(_):
            if name != "fast":
                await gates[name].wait()
            if opens:
                gates[opens].set()
            return name

        return wait

    live = {
        "slow": call("slow", None), "fast": call("fast", "middle"), "middle": call("middle", "slow")
    }  # fmt: skip
    arrived, digest = await record(directory, lambda: race(live))
    assert arrived == ["fast", "middle", "slow"]

    assert await one_step(
        replaying(directory), lambda: race(dict.fromkeys(gates, never))
    ) == (arrived, digest)  # fmt: skip


async def test_equal_calls_are_told_apart_by_how_manieth_they_are(directory):
    answers = iter("abc")

    async def ask():
        return [await effect("tool", "again", lambda _: next(answers)) for _ in range(3)]

    asked, _ = await record(directory, ask)
    assert asked == ["a", "b", "c"]
    assert (await one_step(replaying(directory), ask))[0] == asked


async def test_equal_requests_of_two_kinds_are_two_calls(directory):
    async def ask(kinds):
        calls = [effect(kind, None, lambda _, kind=kind: kind) for kind in kinds]
        return sorted(await asyncio.gather(*calls))

    asked, digest = await record(directory, lambda: ask(["clock", "tool"]))
    again = await one_step(replaying(directory), lambda: ask(["tool", "clock"]))

    assert again == (asked, digest)


@dataclass
class Answer:
    words: str
    marks: tuple[int, ...]


class StrangeError(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


async def test_a_result_is_in_a_live_run_what_it_is_in_a_replay(directory):
    long = "words that are stored apart from the record that they belong to"

    async def look():
        answer = Answer(long, (1, 2))
        untyped = await effect("tool", "untyped", lambda _: answer)
        typed = await effect("tool", "typed", lambda _: answer, returns=Answer)
        many = await effect("tool", "many", lambda _: list(range(99)))
        return untyped, typed, many

    live, _ = await record(directory, look)
    replayed, _ = await one_step(replaying(directory), look)

    assert live == replayed
    assert live[0] == {"_type": "Answer", "words": long, "marks": [1, 2]}
    assert live[1:] == (Answer(long, (1, 2)), list(range(99)))


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ModelError("overloaded"), ModelError, "overloaded"),
        (TimeoutError("too late"), TimeoutError, "too late"),
        (StrangeError(1, 2), RecordedError, "StrangeError: 1 and 2"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "odd"), RecordedError, "UnicodeDecodeError: 'utf"),
    ],
)
async def test_errors_are_effects_too(directory, error, kind, message):
    async def fail(call):
        try:
            await effect("tool", "?", call)
        except Exception as raised:
            return [type(raised).__name__, str(raised)]

    def raising(_):
        raise error

    live, digest = await record(directory, lambda: fail(raising))

    assert live[0] == kind.__name__
    assert live[1].startswith(message)
    assert await one_step(replaying(directory), lambda: fail(never)) == (live, digest)


async def test_the_error_of_a_live_call_has_its_origin_as_cause(directory):
    async def fail():
        with pytest.raises(RecordedError) as caught:
            await effect("tool", "?", lambda _: (_ for _ in ()).throw(StrangeError(1, 2)))
        return type(caught.value.__cause__).__name__

    assert (await record(directory, fail))[0] == "StrangeError"


async def test_a_call_that_was_cut_off_waits_in_a_replay_until_it_is_again(directory):
    async def hurry(call):
        asking = asyncio.ensure_future(effect("tool", "slow", call))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        return [asking.cancelled(), await effect("tool", "next", lambda _: "done")]

    async def slow(_):
        await asyncio.Event().wait()

    live, digest = await record(directory, lambda: hurry(slow))

    assert live == [True, "done"]
    assert any(isinstance(event, Cancelled) for event in Log(directory).events(0))
    assert await one_step(replaying(directory), lambda: hurry(never)) == (live, digest)


async def test_a_call_under_way_when_the_record_ends_is_made_again_where_calls_overlap_steps(
    directory,
):
    gate = asyncio.Event()

    async def slow(_):
        await gate.wait()
        return "slow"

    async def overlapping(journal):
        journal.overlapping = True
        await journal.begin({})
        with turn(journal, "buyer", 0, "act"):
            asking = asyncio.ensure_future(effect("tool", "slow", slow))
            await asyncio.sleep(0)
        await journal.step(SteppedCore(0, 0.0, [], {}))
        return asking

    writer = open_writer(directory)
    asking = await overlapping(Journal(0, seed=5, writer=writer))
    writer.close()
    asking.cancel()
    await asyncio.wait([asking])

    journal, writer = resume(directory)
    asking = await overlapping(journal)
    gate.set()
    assert await asking == "slow"
    writer.close()


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
    assert "buyer, step 1?" in message.split("recorded:")[1].split("replayed:")[0]
    assert "buyer, step 1!" in message.split("replayed:")[1]


async def test_a_call_that_is_missing_in_the_replay_diverges(directory):
    async def two():
        return [await effect("tool", name, lambda _: 1) for name in ("a", "b")]

    async def one():
        return [await effect("tool", "a", never)]

    await record(directory, two)

    with pytest.raises(ReplayDivergence, match="the record holds a call of kind 'tool' by 'buyer'"):
        await one_step(replaying(directory), one)


async def test_a_call_whose_predecessor_is_never_asked_for_diverges(directory, monkeypatch):
    monkeypatch.setattr(history_module, "PATIENCE_S", 0.01)

    async def two():
        return [await effect("tool", name, lambda _: 1) for name in ("a", "b")]

    await record(directory, two)

    with pytest.raises(ReplayDivergence, match=r"waits for a call of kind 'tool' by 'buyer'"):
        await one_step(replaying(directory), lambda: effect("tool", "b", never))


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


async def test_spans_of_committed_steps_are_not_written_again(directory):
    await play_run(directory)
    (segment,) = directory.segments()
    os.truncate(segment.path, segment.open().index.offsets[-1])
    n_before = len(list(Log(directory).events(0, (SpanOpened,))))

    journal, writer = resume(directory)
    await play(journal, Model())
    writer.close()

    assert len(list(Log(directory).events(0, (SpanOpened,)))) == n_before


async def test_after_the_end_nothing_is_written(directory):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    gate = asyncio.Event()

    async def slow(_):
        await gate.wait()
        return "too late"

    with turn(journal, "buyer", 0, "act"):
        late = asyncio.ensure_future(effect("tool", "slow", slow))
        await asyncio.sleep(0)
        await journal.begin({})
        await journal.end(Outcome(0, {}, {}, {}))
        gate.set()
        assert await late == "too late"
        with pytest.raises(RecordEnds):
            await effect("tool", "another", never)
        with span("late"):
            pass
    writer.close()

    assert [type(event).__name__ for event in Log(directory).events(0)] == ["Started", "Ended"]


async def test_a_failed_step_is_played_anew_when_it_is_tried_again(directory):
    async def play_failing(journal, answers):
        await journal.begin({})
        for step in range(2):
            with turn(journal, "buyer", step, "act"):
                first = await effect("tool", "first", lambda _: answers.pop(0))
                try:
                    said = await effect("tool", "second", lambda _: answers.pop(0) / 1)
                except TypeError:
                    return await journal.end(Outcome(step, {}, {}, {}, _FAULT))
            await journal.step(SteppedCore(step, 0.0, [Acted("buyer", [first, said])], {}))
        return await journal.end(Outcome(2, {}, {}, {}))

    writer = open_writer(directory)
    await play_failing(Journal(0, seed=5, writer=writer), [1, 2, 3, "unfit"])
    writer.close()
    assert Log(directory).failed() == {0}

    history = Log(directory).history(0)
    assert history.end is not None
    writer = open_writer(directory)
    again = Journal(0, seed=5, writer=writer, history=history.without_end())
    answers = [5, 6]
    digest = await play_failing(again, answers)
    writer.close()

    log = Log(directory)
    assert (log.failed(), log.ended(), answers) == (set(), {0}, [])
    assert await play_failing(replaying(directory), []) == digest


async def test_an_episode_that_is_tried_again_goes_on_until_it_ends(directory):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    await journal.begin({})
    await journal.end(Outcome(0, {}, {}, {}, _FAULT))
    again = Journal(
        0, seed=5, writer=writer, history=Log(directory).history(0).without_end()
    )  # fmt: skip
    await again.begin({})
    with turn(again, "buyer", 0, "act"):
        await effect("tool", "?", lambda _: 1)

    log = Log(directory)
    assert (log.end(0), log.ended(), log.failed()) == (None, set(), set())


async def test_a_full_disk_ends_an_episode_and_what_was_committed_replays(directory, monkeypatch):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)

    class Filling(Model):
        def call(self, seat, step):
            if step == 2:
                monkeypatch.setattr(os, "write", _full)
            return super().call(seat, step)

    with pytest.raises(LogWriteError, match="No space left"):
        await play(journal, Filling())
    monkeypatch.undo()
    writer.close()

    journal, writer = resume(directory)
    assert journal.n_recorded == 2
    assert await play(journal, Model()) == await play(replaying(directory), Model())
    writer.close()


def _full(_descriptor, _data):
    raise OSError(28, "No space left on device")


_FAULT = Fault("ModelError", "overloaded", "model")
