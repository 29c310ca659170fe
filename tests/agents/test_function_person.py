import asyncio
import threading
from functools import partial

import numpy as np
import pytest

from simlab.agents.function_person import as_person
from simlab.agents.human import HumanAgent
from simlab.agents.person import HumanAnswer, Question
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest, Wait
from simlab.errors import PersonFailedError, UnfitAnswerError
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
        (Wait(50.0), HumanAnswer(waits=True, until=50.0)),
        ({"price": np.int64(6000)}, HumanAnswer({"price": 6000})),
        (np.array([1.5, 2]), HumanAnswer([1.5, 2.0])),
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


def raising(error):
    def fail(_question):
        raise error

    return fail


async def later(answer, question):
    await asyncio.sleep(0)
    return answer(question)


@pytest.mark.parametrize("wait", [False, True], ids=["at once", "async"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("nobody"), "KeyError: 'nobody'"),
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError"),
        (BaseException("odd"), "BaseException: odd"),
    ],
    ids=["error", "exit", "cancelled", "other"],
)
async def test_what_the_function_raises_fails_at_the_human_boundary(error, words, wait):
    answer = partial(later, raising(error)) if wait else raising(error)

    with pytest.raises(PersonFailedError, match=f"answers for buyer raised {words}$") as caught:
        await ask(answer)

    assert caught.value.boundary == "human"
    assert caught.value.__cause__ is error


async def test_a_function_that_has_no_answer_left_does_not_hang():
    answers = iter(["No."])
    person = as_person(lambda _question: next(answers))

    assert await person.answer(QUESTION) == HumanAnswer("No.")
    with pytest.raises(PersonFailedError, match="answers for buyer raised StopIteration"):
        await person.answer(QUESTION)


async def test_a_question_that_is_taken_back_cancels_the_function_and_is_no_error_of_it():
    thinking = asyncio.Event()

    async def think(_question):
        thinking.set()
        await asyncio.get_running_loop().create_future()

    answering = asyncio.create_task(ask(think))
    await thinking.wait()
    answering.cancel()

    with pytest.raises(asyncio.CancelledError):
        await answering


async def test_what_is_no_data_is_refused_as_an_answer_that_does_not_fit():
    with pytest.raises(UnfitAnswerError, match=r"expected plain data, .* got <object") as caught:
        await ask(lambda _question: {"price": object()})

    assert caught.value.raw == "{'price': <object object>}"


async def test_a_wait_keeps_its_time():
    person = as_person(lambda _question: Wait(until=50))

    waited = await HumanAgent(person=person).act(ActionRequest(Offer, required=False))

    assert waited == Wait(until=50)


def test_a_person_answers_in_one_run_after_another():
    person = as_person(lambda question: question.prompt)

    async def ask_at_once():
        return await asyncio.gather(*[person.answer(QUESTION) for _ in range(2)])

    for _ in range(2):
        assert asyncio.run(ask_at_once()) == [HumanAnswer("Your move.")] * 2


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
