"""Replay and resume: the same code meets what was committed, then goes on live."""

import asyncio
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import pytest

from simlab.errors import (
    HostDiedError,
    HostKilledError,
    LogWriteError,
    ModelError,
    RecordedError,
)
from simlab.trace.accounts import usage
from simlab.trace.events import (
    Effect,
    Fault,
    Outcome,
    SpanOpened,
    SteppedCore,
)
from simlab.trace.journal import Journal, RecordEnds
from simlab.trace.log import Log
from simlab.trace.tracing import effect, span, turn
from tests.trace.society import (
    Ask,
    Message,
    Model,
    never,
    new_run,
    one_step,
    open_writer,
    play,
    play_run,
    record,
    replaying,
    resume,
)


class PowerLostError(HostDiedError):
    """No outcome of a call: nothing is recorded of it."""

    def __init__(self):
        super().__init__("the power is lost")


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


async def test_the_digest_does_not_depend_on_which_seat_answers_first(tmp_path, directory):
    class Patient(Model):
        """Answers one seat only after the other."""

        def __init__(self, last):
            super().__init__()
            self.last = last
            self.answered = asyncio.Event()

        def call(self, seat, step):
            async def generate(seed):
                if seat == self.last:
                    await self.answered.wait()
                said = await Model().call(seat, step)(seed)
                (self.answered.clear if seat == self.last else self.answered.set)()
                return said

            return generate

    other = new_run(tmp_path / "other")

    assert await play_run(directory, Patient("buyer")) == await play_run(other, Patient("seller"))


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

    assert usage(journal.accounts) == Counter(calls=6, prompt_tokens=120, completion_tokens=12)
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
                    raise PowerLostError
                return await calls.call(seat, step)(seed)

            return generate

    async def play_some():
        journal, writer = resume(broken)
        try:
            return await play(journal, Failing())
        except PowerLostError:
            return None
        finally:
            writer.close()

    for _ in range(10):
        digest = await play_some()

    assert digest == unbroken
    assert calls.n_calls == 6


async def test_a_pure_replay_of_an_unfinished_episode_says_where_the_record_ends(directory):
    await play_run(directory)
    (segment,) = directory.segments()
    os.truncate(segment.path, segment.open().index.offsets[-1])

    with pytest.raises(RecordEnds):
        await play(replaying(directory), Model())


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
        (SystemExit(2), RecordedError, "SystemExit: 2"),
        (asyncio.CancelledError(), RecordedError, "CancelledError"),
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


async def test_a_failure_of_the_machinery_is_no_outcome_of_a_call(directory):
    async def ask(call):
        try:
            return await effect("tool", "?", call)
        except HostDiedError:
            return await effect("tool", "?", call)

    def dying(_):
        raise HostDiedError("host-1 died")

    with pytest.raises(HostDiedError):
        await record(directory, lambda: ask(dying))

    assert not any(isinstance(event, Effect) for event in Log(directory).events(0))


async def test_nothing_is_committed_that_hides_a_failure_of_the_machinery(directory):
    async def hide():
        with suppress(HostDiedError):
            await effect("tool", "?", lambda _: (_ for _ in ()).throw(HostDiedError("it died")))

    with pytest.raises(HostDiedError):
        await record(directory, hide)

    assert Log(directory).n_steps(0) == 0


async def test_the_error_of_a_live_call_has_its_origin_as_cause(directory):
    async def fail():
        with pytest.raises(RecordedError) as caught:
            await effect("tool", "?", lambda _: (_ for _ in ()).throw(StrangeError(1, 2)))
        return type(caught.value.__cause__).__name__

    assert (await record(directory, fail))[0] == "StrangeError"


async def play_until_given_up(journal):
    """An episode that is cut off in its second step and given up there; the closing digest."""

    async def call(step):
        with turn(journal, "buyer", step, "act"):
            await effect("tool", "?", lambda _: step)

    try:
        journal.stop_if_given_up()
        await journal.begin({})
        journal.stop_if_given_up()
        await call(0)
        await journal.step(SteppedCore(0, 0.0, [], {}))
        journal.stop_if_given_up()
        await call(1)
    except HostKilledError as error:
        fault = Fault(type(error).__name__, error.message, error.boundary)
        return await journal.end(Outcome(1, {}, {}, {}, fault))


async def given_up(directory, n_records):
    """Give an episode up after so many of its records; what is recorded then, and the digest."""
    writer = open_writer(directory)
    await play_until_given_up(Journal(0, seed=5, writer=writer))
    writer.close()
    segment = directory.segments()[0]
    os.truncate(segment.path, [*segment.open().index.offsets, segment.open().length][n_records])
    directory.seal_all()
    writer = open_writer(directory)
    why = HostKilledError("its hosts die")
    history = Log(directory).history(0)
    journal = Journal(0, seed=5, writer=writer, history=history, given_up=why)
    digest = await play_until_given_up(journal)
    writer.close()
    return [type(event).__name__ for event in Log(directory).events(0)], digest


@pytest.mark.parametrize("n_records", range(5))
async def test_an_episode_that_is_given_up_fails_after_its_last_commit_also_in_a_replay(
    directory, n_records
):
    kinds, digest = await given_up(directory, n_records)

    assert kinds == [*["Started", "Effect", "Stepped", "Effect"][:n_records], "Failed"]
    assert await play_until_given_up(replaying(directory)) == digest


async def test_what_a_given_up_step_had_called_enters_no_digest(tmp_path):
    _, without = await given_up(new_run(tmp_path / "without"), n_records=3)
    _, beside = await given_up(new_run(tmp_path / "beside"), n_records=4)

    assert without == beside


async def test_a_given_up_episode_that_is_tried_again_goes_on(directory):
    await given_up(directory, n_records=4)
    directory.seal_all()
    writer = open_writer(directory)

    history = Log(directory).history(0).without_end()
    digest = await play_until_given_up(Journal(0, seed=5, writer=writer, history=history))
    writer.close()

    assert digest is None
    assert isinstance([*Log(directory).events(0)][-1], Effect)


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
    assert Log(directory).n_steps(0) == 2
    assert await play(journal, Model()) == await play(replaying(directory), Model())
    writer.close()


def _full(_descriptor, _data):
    raise OSError(28, "No space left on device")
