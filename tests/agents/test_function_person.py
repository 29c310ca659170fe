import asyncio
import threading

import pytest

from simlab.agents.function_person import as_person
from simlab.agents.human import HumanAgent
from simlab.agents.person import HumanAnswer, Question
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Wait
from simlab.errors import UnfitAnswerError
from tests.agents.people import Somebody

QUESTION = Question("buyer", "Your move.", {})
OFFER = ActionRequest(Offer, prompt="Your move.")


async def ask(answer, question=QUESTION):
    return await as_person(answer).answer(question)


def test_a_person_stays_the_person():
    person = Somebody()

    assert as_person(person) is person


@pytest.mark.parametrize("given", ["Ann", Somebody, 3])
def test_what_is_no_person_and_no_function_is_refused(given):
    with pytest.raises(TypeError, match=f"person must be a function .*, got {given!r}"):
        as_person(given)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("No.", HumanAnswer("No.")),
        ({"price": 1}, HumanAnswer({"price": 1})),
        (Offer("Deal?", 6000), HumanAnswer({"say": "Deal?", "price": 6000})),
        (Wait(), HumanAnswer(waits=True)),
        (HumanAnswer(3), HumanAnswer(3)),
        (None, HumanAnswer(None)),
    ],
)
async def test_what_a_function_returns_is_the_answer_in_plain_data(given, answer):
    async def think(_question):
        await asyncio.sleep(0)
        return given

    assert await ask(lambda _question: given) == await ask(think) == answer


async def test_a_function_that_takes_its_time_keeps_nobody_waiting():
    called = asyncio.Event()

    def slowly(question):
        loop.call_soon_threadsafe(called.set)
        assert go_on.wait(60)
        return question.prompt

    loop, go_on = asyncio.get_running_loop(), threading.Event()
    answering = asyncio.create_task(ask(slowly))
    await called.wait()  # this loop goes on while the function waits
    go_on.set()

    assert await answering == HumanAnswer("Your move.")


async def test_questions_come_one_after_another():
    at_once = []
    busy = []

    async def think(question):
        busy.append(question)
        at_once.append(len(busy))
        await asyncio.sleep(0)
        busy.pop()
        return "No."

    person = as_person(think)
    await asyncio.gather(*[person.answer(QUESTION) for _ in range(5)])

    assert at_once == [1] * 5


async def test_errors_of_the_function_are_passed_on():
    def fail(_question):
        raise KeyError("nobody")

    with pytest.raises(KeyError, match="nobody"):
        await ask(fail)


async def test_a_function_is_told_why_its_answer_was_not_taken():
    asked = []

    def learn(question):
        asked.append(question.refusal)
        return {"say": "Deal?", "price": 6000 if question.refusal else "a lot"}

    action = await HumanAgent(seat="buyer", person=as_person(learn)).act(OFFER)

    assert action == Offer("Deal?", 6000)
    assert asked == ["", "price must be a whole number, got 'a lot'"]


async def test_a_function_whose_answers_never_fit_is_not_asked_for_ever():
    asked = []
    agent = HumanAgent(seat="buyer", person=as_person(asked.append))

    with pytest.raises(
        UnfitAnswerError, match=r"for buyer gave no answer that fits in 3 tries: .*"
    ):
        await agent.act(OFFER)

    assert len(asked) == 3
