"""What holds for every actor system, with and without hosts beside the driver."""

import asyncio

import pytest

from simlab.errors import ActorStoppedError, AskCycleError, ConfigError
from tests.actors.players import (
    Ask,
    Asker,
    Bearer,
    Echo,
    Failing,
    Flood,
    Flooder,
    Recall,
    Recorder,
    Say,
    Stillborn,
    Whereabouts,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

DRIVER = "driver"


def ends(system):
    """Two hosts of a system that are as far apart as it has them."""
    return (system.hosts or (DRIVER,))[0], (system.hosts or (DRIVER,))[-1]


async def test_an_actor_is_told_and_asked(system):
    ref = await system.spawn(Recorder, name="diary")

    await ref.tell(Say("hello"))

    assert await ref.ask(Recall()) == ["hello"]


async def test_a_named_actor_lives_where_its_name_leads_and_unnamed_ones_are_dealt_out(system):
    """InterLab refuses an actor without a name."""
    named = [await system.spawn(Whereabouts, name=f"agent/{number}") for number in range(16)]
    unnamed = [await system.spawn(Whereabouts) for _ in range(4)]

    hosts = [(await ref.ask(None))[0] for ref in named]

    assert hosts == [ref.host for ref in named]
    assert set(hosts) == set(system.hosts or (DRIVER,))
    assert {ref.host for ref in unnamed} == set(system.hosts or (DRIVER,))


async def test_an_actor_lives_in_the_host_that_was_chosen(system):
    for host in (*system.hosts, DRIVER):
        ref = await system.spawn(Whereabouts, host=host)

        assert (await ref.ask(None))[0] == host == ref.host


async def test_messages_of_one_sender_arrive_once_and_in_order(system):
    here, there = ends(system)
    receiver = await system.spawn(Recorder, host=there, mailbox=20)
    senders = [await system.spawn(Flooder, host=host) for host in (here, there, DRIVER)]

    await asyncio.gather(*(sender.ask(Flood(receiver, 200)) for sender in senders))

    record = await receiver.ask(Recall())
    for sender in senders:
        assert [n for mark, n in record if mark == sender.name] == list(range(200))


async def test_what_is_told_before_an_ask_is_handled_before_it(system):
    ref = await system.spawn(Recorder, host=ends(system)[1])

    for number in range(50):
        await ref.tell(Say(number))

    assert await ref.ask(Recall()) == list(range(50))


async def test_actors_of_all_hosts_reach_each_other(system):
    hosts = (*ends(system), DRIVER)
    refs = [await system.spawn(Asker, host=host) for host in hosts]

    for first in refs:
        for second in refs:
            if first != second:
                assert await first.ask(Ask((second,))) == second.name


async def test_an_ask_that_would_wait_on_itself_raises(system):
    here, there = ends(system)
    first = await system.spawn(Asker, host=here, name="Peer/0")
    second = await system.spawn(Asker, host=there, name="Peer/1")

    with pytest.raises(AskCycleError, match=r"^Peer/0 -> Peer/1 -> Peer/0: every actor here waits"):
        await first.ask(Ask((second, first)))


async def test_an_error_reaches_the_asker_and_the_actor_lives_on(system):
    ref = await system.spawn(Failing, host=ends(system)[1])

    for _ in range(2):
        with pytest.raises(ConfigError, match="wrong key"):
            await ref.ask(ConfigError("wrong key"))


async def test_asking_an_actor_that_was_stopped_names_it(system):
    ref = await system.spawn(Echo, host=ends(system)[1], name="gone")

    await system.stop(ref)

    with pytest.raises(ActorStoppedError, match="actor 'gone' of host"):
        await ref.ask("hello")
    with pytest.raises(ActorStoppedError, match="actor 'gone' of host"):
        await system.stop(ref)


@pytest.mark.parametrize("later", [False, True])
async def test_an_actor_that_fails_to_start_fails_its_spawn(system, later):
    for host in ends(system):
        with pytest.raises(RuntimeError, match="cannot start"):
            await system.spawn(Stillborn, later=later, host=host)


async def test_a_name_in_use_is_refused(system):
    ref = await system.spawn(Echo, name="me")

    with pytest.raises(ValueError, match="has an actor 'me' already"):
        await system.spawn(Echo, name="me", host=ref.host)


async def test_a_host_that_is_none_is_refused_with_those_there_are(system):
    with pytest.raises(ValueError, match=r"host must be one of \(.*'driver'.*\), got 'nowhere'"):
        await system.spawn(Echo, host="nowhere")


async def test_a_dedicated_actor_lives_alone_until_it_is_stopped(system):
    heavy = await system.spawn(Asker, name="heavy", placement="dedicated")
    near = await system.spawn(Asker, host=ends(system)[0])

    assert await near.ask(Ask((heavy,))) == "heavy"
    assert (heavy.host == DRIVER) == (not system.hosts)
    assert (heavy.host in system.pids) == bool(system.hosts)

    await system.stop(heavy)
    for ask in (heavy.ask(Ask(())), near.ask(Ask((heavy,)))):
        with pytest.raises(ActorStoppedError):
            await ask
    assert set(system.pids) == set(system.hosts)


async def test_statistics_tell_what_each_host_has_done(system):
    ref = await system.spawn(Recorder, host=ends(system)[1])
    before = {entry.name: entry for entry in await system.statistics()}
    for number in range(3):
        await ref.tell(Say(number))
    await ref.ask(Recall())

    after = {entry.name: entry for entry in await system.statistics()}

    assert set(after) == {DRIVER, *system.hosts}
    assert after[ref.host].n_handled == before[ref.host].n_handled + 4
    epochs = [entry.epoch for entry in after.values()]
    assert len(set(epochs)) == len(epochs)


@pytest.mark.parametrize("where", [0, 1, DRIVER])
async def test_an_error_that_nobody_waits_for_is_reported_in_the_driver(system, failures, where):
    host = where if where == DRIVER else ends(system)[where]
    ref = await system.spawn(Failing, host=host)

    await ref.tell(ConfigError("for nobody"))
    failed, error = await failures.get()

    assert (failed, str(error)) == (ref, "for nobody")


async def test_nothing_is_carried_where_nothing_was_set(system):
    ref = await system.spawn(Bearer, host=ends(system)[1])

    assert await ref.ask(None) is None
