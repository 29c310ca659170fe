import asyncio

import pytest

from simlab.actors import ActorSystem
from simlab.agents.actor import TakeTurn
from simlab.env.environment import ActionRequest
from simlab.errors import ActorStoppedError
from simlab.sim.troupe import Troupe
from simlab.trace.journal import Journal
from tests.sim.worlds import Diary

ASK = TakeTurn(0, ("a wall",), ActionRequest())


def journal(episode):
    return Journal(episode, seed=episode, writer=None)


def make():
    return Diary(seat="ann")


@pytest.fixture
async def host():
    async with ActorSystem(hosts=0) as system:
        yield system.driver


async def test_a_persistent_agent_is_one_actor_under_one_address(host):
    troupe = Troupe(host)

    one = await troupe.engage_persistent(make, "ann", journal(0))
    answers = [await one.ask(ASK)]
    other = await troupe.engage_persistent(make, "ann", journal(1))
    answers.append(await other.ask(ASK))

    assert one == other == host.ref("agent/ann")
    assert answers == ["ann has seen 1", "ann has seen 2"]


async def test_each_seat_has_an_agent_of_its_own(host):
    troupe = Troupe(host)

    refs = [await troupe.engage_persistent(make, seat, journal(0)) for seat in ("ann", "bob")]

    assert [ref.name for ref in refs] == ["agent/ann", "agent/bob"]
    assert [await ref.ask(ASK) for ref in refs] == ["ann has seen 1"] * 2


async def test_an_agent_of_an_episode_is_another_in_the_next(host):
    troupe = Troupe(host)

    refs = [troupe.engage(make(), "ann", journal(n), name=f"episode/{n}/ann") for n in range(2)]

    assert [await ref.ask(ASK) for ref in refs] == ["ann has seen 1"] * 2


async def test_who_is_dismissed_answers_no_more_and_may_be_dismissed_again(host):
    troupe = Troupe(host)
    ref = troupe.engage(make(), "ann", journal(0), name="episode/0/ann")

    await troupe.dismiss(ref.name)
    await troupe.dismiss(ref.name)

    with pytest.raises(ActorStoppedError):
        await ref.ask(ASK)


async def test_after_disbanding_agents_are_made_anew_under_their_address(host):
    troupe = Troupe(host, keeps_perceived=True)
    ref = await troupe.engage_persistent(make, "ann", journal(0))
    await ref.ask(ASK)
    troupe.perceived["ann"].append("a wall")

    await troupe.disband()
    with pytest.raises(ActorStoppedError):
        await ref.ask(ASK)
    again = await troupe.engage_persistent(make, "ann", journal(1))

    assert again == ref
    assert await again.ask(ASK) == "ann has seen 1"
    assert troupe.perceived == {"ann": []}


async def test_what_seats_perceive_is_kept_only_if_it_is_wanted(host):
    troupe = Troupe(host)

    await troupe.engage_persistent(make, "ann", journal(0))

    assert troupe.perceived == {}


async def test_persistent_agents_stop_with_their_host():
    async with ActorSystem(hosts=0) as system:
        ref = await Troupe(system.driver).engage_persistent(make, "ann", journal(0))
        n_actors = system.driver.statistics().n_actors

    assert n_actors == 1
    assert system.driver.cell(ref.name) is None
    assert asyncio.all_tasks() == {asyncio.current_task()}
