"""One person in the driver, asked by seats of all hosts."""

import asyncio
import pickle
from contextlib import suppress

import pytest

from simlab.actors import ActorRef, ActorSystem
from simlab.actors.memory_cluster import MemoryCluster
from simlab.agents.actor import AgentActor, TakeTurn
from simlab.agents.actor_person import ActorPerson, PersonActor
from simlab.agents.human import HumanAgent
from simlab.agents.person import HumanAnswer, Question
from simlab.agents.terminal_person import TerminalPerson
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest
from simlab.errors import ConfigError, PersonFailedError, PersonLeftError
from tests.agents.people import Screen, Somebody

DRIVER = "driver"
ASKED = TakeTurn(0, ("It rains.",), ActionRequest(Offer, prompt="Your move."))


@pytest.fixture(
    params=[
        pytest.param("alone", id="no hosts"),
        pytest.param("memory", id="2 hosts in memory"),
        pytest.param("ray", id="2 hosts in Ray", marks=pytest.mark.ray),
    ],
)
async def system(request):
    """An actor system of each kind."""
    if request.param == "ray":
        request.getfixturevalue("ray_session")
    n_hosts = 0 if request.param == "alone" else 2
    cluster = MemoryCluster() if request.param == "memory" else None
    async with ActorSystem(n_hosts, cluster=cluster) as system:
        yield system


@pytest.fixture
def seat(system):
    """Seats people in a host who are asked in the driver; gives the seat's address."""
    refs = {}

    async def spawn(person, name="ann"):
        if person not in refs:
            refs[person] = await system.spawn(PersonActor, person, host=DRIVER)
        agent = HumanAgent(seat=name, person=ActorPerson(refs[person]))
        host = system.hosts[len(name) % 2] if system.hosts else DRIVER
        return await system.spawn(AgentActor, agent, name, None, name=name, host=host)

    return spawn


async def test_a_seat_of_any_host_asks_the_person_in_the_driver(seat):
    somebody = Somebody({"say": "Hello", "price": 8000})

    action = await (await seat(somebody)).ask(ASKED)

    assert action == Offer("Hello", 8000)
    (question,) = somebody.asked
    assert question.news == ("You are ann.", "It rains.")


async def test_a_question_that_is_cancelled_is_taken_back_and_the_next_is_asked(seat):
    somebody = Somebody(None, {"say": "Yes.", "price": None})
    ann = await seat(somebody)
    asking = asyncio.ensure_future(ann.ask(ASKED))
    await somebody.until(lambda: somebody.asked)

    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    action = await ann.ask(TakeTurn(1, (), ActionRequest(Offer, prompt="Once more.")))

    assert action == Offer("Yes.")
    assert somebody.cancelled == 1
    assert [question.prompt for question in somebody.asked] == ["Your move.", "Once more."]


async def test_a_deadline_frees_the_terminal_for_the_other_seats_that_wait(seat):
    screen = Screen()
    person = TerminalPerson(screen)
    first = asyncio.ensure_future((await seat(person, "ann")).ask(ASKED))
    await screen.until(lambda: "say (text" in screen.shown)
    others = [
        asyncio.ensure_future((await seat(person, name)).ask(ASKED)) for name in ("beth", "cilla")
    ]

    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    screen.lines += ["Mine.", "1", "Mine.", "2"]
    prices = [(await other).price for other in others]

    assert sorted(prices) == [1, 2]
    assert screen.shown.count("It rains.") == 3


async def test_the_person_has_as_many_questions_as_there_are_seats_that_ask(seat):
    somebody = Somebody()
    asking = [
        asyncio.ensure_future((await seat(somebody, name)).ask(ASKED))
        for name in ("ann", "beth", "cilla")
    ]

    await somebody.until(lambda: len(somebody.asked) == 3)

    for ask in asking:
        ask.cancel()
    await asyncio.wait(asking)
    await somebody.until(lambda: somebody.cancelled == 3)


@pytest.mark.parametrize(
    "error", [PersonLeftError("she left"), ConfigError("there is no terminal")]
)
async def test_what_the_person_raises_reaches_who_asked(seat, error):
    class Nobody(Somebody):
        async def answer(self, _question):
            raise error

    with pytest.raises(type(error), match=error.message):
        await (await seat(Nobody())).ask(ASKED)


@pytest.mark.parametrize("error", [KeyError("lost"), SystemExit(3), BaseException("odd")])
async def test_an_error_of_the_persons_own_fails_who_asked_and_nobody_else(seat, error):
    class Distracted(Somebody):
        async def answer(self, question):
            if not self.asked:
                self.asked.append(question)
                raise error
            return await super().answer(question)

    ann = await seat(Distracted({"say": "Yes.", "price": 1}))

    with pytest.raises(PersonFailedError, match=f"asked raised {type(error).__name__}: .*"):
        await ann.ask(ASKED)
    assert (await ann.ask(ASKED)).say == "Yes."


def test_a_person_behind_an_actor_pickles_and_so_does_a_question():
    person = ActorPerson(ActorRef("system", "driver", "person"))
    question = Question("ann", "Your move.", {"type": "string"}, news=("It rains.",))

    assert pickle.loads(pickle.dumps([person, question, HumanAnswer("x")])) == [
        person,
        question,
        HumanAnswer("x"),
    ]
