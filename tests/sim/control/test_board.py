"""Where the seats and models of a host ask people."""

import asyncio
import time

import pytest

from simlab.agents.person import HumanAnswer
from simlab.env.environment import ActionRequest
from simlab.errors import ControlError, PersonLeftError
from simlab.sim.control.asked import Asked, Withdrawn
from simlab.sim.control.board import Board


class Driver:
    """Keeps what the board tells."""

    def __init__(self):
        self.told = []
        self.asked = asyncio.Event()

    async def tell(self, message):
        self.told.append(message)
        if isinstance(message, Asked):
            self.asked.set()


@pytest.fixture
def driver():
    return Driver()


@pytest.fixture
def board(driver):
    made = Board(driver, "host-0", 3)
    made.begin(0, {"ann": ActionRequest()})
    return made


ANN = Asked(episode=0, seat="ann", what={"prompt": "?"})


async def asking(board, driver, what=ANN, after_s=None):
    """A question that waits, its task, and its id."""
    task = asyncio.create_task(board.ask(what, after_s))
    await driver.asked.wait()
    return task, driver.told[-1]


async def test_a_question_is_told_with_its_host_and_deadline_and_answered_once(board, driver):
    task, asked = await asking(board, driver, after_s=60.0)

    board.answer(asked.id, HumanAnswer("Hi."))
    with pytest.raises(ControlError, match="waits for no answer; it is answered"):
        board.answer(asked.id, HumanAnswer("Ho."))
    answer = await task
    await asyncio.sleep(0)

    assert answer.action == "Hi."
    assert (asked.id, asked.host) == ("3-0", "host-0")
    assert time.time() + 50 < asked.deadline_s < time.time() + 61
    assert driver.told == [asked, Withdrawn("3-0")]


async def test_without_an_answer_in_time_it_is_withdrawn(board, driver):
    with pytest.raises(TimeoutError):
        await board.ask(ANN, 0.001)
    await asyncio.sleep(0)

    assert [type(told) for told in driver.told] == [Asked, Withdrawn]
    with pytest.raises(ControlError, match="waits for no answer"):
        board.answer(driver.told[0].id, HumanAnswer("Late."))


async def test_an_act_that_is_broken_off_takes_its_question_back(board, driver):
    task, asked = await asking(board, driver)

    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)

    assert driver.told[-1] == Withdrawn(asked.id)


async def test_who_leaves_ends_the_question_that_waits_and_is_gone_until_somebody_comes(
    board, driver
):
    board.take(0, "ann", "1")
    task, _ = await asking(board, driver)

    board.leave(0, "ann", "1")
    with pytest.raises(PersonLeftError, match="the person in seat 'ann' has left it"):
        await task
    is_gone = board.is_gone(0, "ann")
    board.take(0, "ann", "2")

    assert (is_gone, board.is_gone(0, "ann")) == (True, False)


async def test_whoever_has_taken_a_seat_since_stays_when_word_comes_that_another_has_left(
    board, driver
):
    for order in ("1", "2"):
        board.take(0, "ann", order)
    task, asked = await asking(board, driver)

    board.leave(0, "ann", "1")
    board.answer(asked.id, HumanAnswer("Hi."))

    assert (await task).action == "Hi."
    assert not board.is_gone(0, "ann")


async def test_an_episode_that_has_ended_forgets_who_was_there(board):
    for episode in (0, 1):
        board.take(episode, "ann", "1")

    board.end(0)

    assert board.is_gone(0, "ann")
    assert not board.is_gone(1, "ann")


@pytest.mark.parametrize(
    ("what", "answer", "words"),
    [
        (ANN, HumanAnswer(7), "the answer is no action of seat 'ann': .*; give another"),
        (ANN, HumanAnswer(None, waits=True), "the answer is no action of seat 'ann'"),
        (Asked(model="small"), HumanAnswer(7), "a model answers with a text, got 7"),
        (Asked(model="small"), HumanAnswer("x", waits=True), "a model answers with a text"),
        (
            Asked(model="small", what={"choices": ["yes", "no"]}),
            HumanAnswer("maybe"),
            r"expected one of \['yes', 'no'\], got 'maybe'",
        ),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused_and_the_question_waits(
    board, driver, what, answer, words
):
    task, asked = await asking(board, driver, what)

    with pytest.raises(ControlError, match=words):
        board.answer(asked.id, answer)

    assert not task.done()
    board.answer(asked.id, HumanAnswer("yes"))
    assert (await task).action == "yes"
