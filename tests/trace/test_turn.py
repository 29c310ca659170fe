"""A turn ends with all its calls, live and in every replay."""

import asyncio

import pytest

from simlab.errors import AgentFailedError, EpisodeError, LateCallError, ModelError
from simlab.trace.events import Acted, Cancelled, Effect, Fault, Outcome, SteppedCore
from simlab.trace.faults import fault_of
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.tracing import effect, span, turn
from tests.trace.society import never, one_step, open_writer, replaying


async def slow(_):
    await asyncio.Event().wait()


async def fails(journal, work):
    """An episode of one step that fails as it does in a run; the error and the digest."""
    with pytest.raises(EpisodeError) as caught:
        await one_step(journal, work)
    fault = Fault(type(caught.value).__name__, caught.value.message, caught.value.boundary)
    return caught.value, await journal.end(Outcome(0, {}, {}, {}, fault))


@pytest.fixture
def in_both(directory):
    """Lets the same work fail an episode live and in its replay; what it came to, each time."""

    async def play(work):
        writer = open_writer(directory)
        live = await fails(Journal(0, seed=5, writer=writer), lambda: work(slow))
        writer.close()
        return live, await fails(replaying(directory), lambda: work(never))

    return play


def recorded(directory):
    return [type(event) for event in Log(directory).events(0, (Effect, Cancelled))]


async def test_a_call_that_a_turn_leaves_under_way_fails_it_and_is_cancelled(directory, in_both):
    tasks = []

    async def leave(call):
        with span("think"):
            tasks.append(asyncio.ensure_future(effect("tool", "slow", call)))
            await asyncio.sleep(0)

    (live, digest), (replayed, same_digest) = await in_both(leave)

    assert isinstance(live, AgentFailedError)
    assert live.message == replayed.message == (
        "'buyer' ended its turn in step 0 with calls under way, of kind 'tool'; "
        "await every call before returning, as an asyncio.TaskGroup does"
    )  # fmt: skip
    assert digest == same_digest
    assert recorded(directory) == [Cancelled]
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [True, True]


async def test_a_call_that_is_made_after_its_turn_is_refused_and_fails_the_step(
    directory,
):
    tasks = []

    async def step(journal):
        journal.stop_if_given_up()
        with turn(journal, "buyer", 0, "act"):
            await effect("tool", "fast", lambda _: "done")
            tasks.append(asyncio.ensure_future(effect("tool", "slow", never)))
        await asyncio.sleep(0)
        await journal.step(SteppedCore(0, 0.0, [Acted("buyer", None)], {}))

    async def play(journal):
        await journal.begin({})
        with pytest.raises(
            LateCallError, match="of kind 'tool' when its turn in step 0 is"
        ) as caught:
            await step(journal)
        return await journal.end(Outcome(0, {}, {}, {}, fault_of(caught.value, frames=False)))

    writer = open_writer(directory)
    digest = await play(Journal(0, seed=5, writer=writer))
    writer.close()

    assert await play(replaying(directory)) == digest
    assert recorded(directory) == [Effect]
    with pytest.raises(LateCallError, match="await every call before returning"):
        await tasks.pop()
    assert not tasks, "a replay goes no further than the last commit"


async def test_a_call_that_comes_too_late_only_in_a_replay_fails_no_step_that_was_committed(
    directory,
):
    async def play(journal, *, refuses):
        await journal.begin({})
        if refuses:
            journal.refuse("too late")
        await journal.step(SteppedCore(0, 0.0, [Acted("buyer", None)], {}))
        return await journal.end(Outcome(1, {}, {}, {}))

    writer = open_writer(directory)
    digest = await play(Journal(0, seed=5, writer=writer), refuses=False)
    writer.close()

    assert await play(replaying(directory), refuses=True) == digest


async def test_what_fails_a_turn_is_told_and_not_the_calls_that_it_leaves(directory, in_both):
    async def overloaded(_):
        raise ModelError("overloaded")

    async def gather(call):
        fast = overloaded if call is slow else never
        await asyncio.gather(effect("tool", "slow", call), effect("tool", "fast", fast))

    (live, digest), (replayed, same_digest) = await in_both(gather)

    assert (type(live), live.message) == (type(replayed), replayed.message)
    assert live.message == "overloaded"
    assert digest == same_digest
    assert recorded(directory) == [Effect, Cancelled]


async def test_what_comes_of_a_call_that_was_cut_off_counts_no_more(directory, in_both):
    tasks = []

    async def deaf(_):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "after all"

    async def leave(call):
        tasks.append(asyncio.ensure_future(effect("tool", "deaf", call)))
        await asyncio.sleep(0)

    await in_both(lambda call: leave(deaf if call is slow else never))
    await asyncio.wait(tasks)

    assert recorded(directory) == [Cancelled]
    assert all(task.cancelled() for task in tasks)


async def test_a_call_in_another_thread_that_a_turn_leaves_is_cancelled_there(directory):
    made = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def told(seed):
        loop.call_soon_threadsafe(made.set)
        await slow(seed)

    async def leave():
        thread = asyncio.to_thread(lambda: asyncio.run(effect("tool", "slow", told)))
        threads.append(asyncio.ensure_future(thread))
        await made.wait()

    threads = []
    writer = open_writer(directory)
    await fails(Journal(0, seed=5, writer=writer), leave)
    (ended,) = await asyncio.gather(*threads, return_exceptions=True)
    writer.close()

    assert isinstance(ended, asyncio.CancelledError)
    assert recorded(directory) == [Cancelled]
