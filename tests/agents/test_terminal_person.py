"""The person at the terminal: what is shown, how often, and whose turn it is."""

import asyncio

import pytest

from simlab.agents.person import Choice, HumanAnswer, Question
from simlab.agents.terminal_person import TerminalPerson
from tests.agents.people import Screen

TEXT = {"type": "string"}


def asked(asker="ann", *, news=(), n_known=0, **about):
    return Question(asker, f"{asker}?", TEXT, news=news, n_known=n_known, **about)


async def test_news_is_shown_before_the_request_and_the_line_typed_is_the_answer():
    screen = Screen("Hello")

    answer = await TerminalPerson(screen).answer(asked(news=("You are ann.", "It rains.")))

    assert answer == HumanAnswer("Hello")
    assert screen.shown == "You are ann.\nIt rains.\nann?\nanswer (text): Hello\n"


async def test_a_question_that_was_taken_back_is_asked_again_without_what_was_shown():
    screen = Screen()
    person = TerminalPerson(screen)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await person.answer(asked(news=("You are ann.",)))
    screen.lines.append("Hello")

    await person.answer(asked(news=("You are ann.", "It rains.")))

    assert screen.shown.count("You are ann.") == 1
    assert screen.shown.endswith("It rains.\nann?\nanswer (text): Hello\n")


async def test_what_was_known_before_counts_as_shown():
    screen = Screen("a", "b", "c")
    person = TerminalPerson(screen)

    await person.answer(asked(news=("one",)))
    await person.answer(asked(news=("two",), n_known=1))
    await person.answer(asked(news=("one", "two", "three")))

    assert [line for line in screen.shown.splitlines() if line in {"one", "two", "three"}] == [
        "one",
        "two",
        "three",
    ]


async def test_a_person_with_several_seats_is_told_whose_turn_it_is():
    screen = Screen("a", "b", "c", "d")
    person = TerminalPerson(screen)

    for asker in ("ann", "ann", "bob", "ann"):
        await person.answer(asked(asker, news=("It is day.",)))

    headings = [line for line in screen.shown.splitlines() if line.startswith("---")]
    assert headings == ["--- bob ---", "--- ann ---"]
    assert screen.shown.count("It is day.") == 2, "each seat is told"


async def test_questions_wait_their_turn_and_one_that_is_taken_back_keeps_none_waiting():
    screen = Screen()
    person = TerminalPerson(screen)
    first, second, third = [
        asyncio.ensure_future(person.answer(asked(asker))) for asker in ("ann", "bob", "cid")
    ]
    await asyncio.sleep(0)
    shown = screen.shown
    screen.lines += ["b", "c"]
    first.cancel()

    assert (await second, await third) == (HumanAnswer("b"), HumanAnswer("c"))
    assert shown.count("?") == 1, "one was asked while the others waited"


async def test_a_choice_is_answered_by_its_number_and_stands_for_its_action():
    screen = Screen("2")
    choices = (Choice("left", {"way": 1}), Choice("right", {"way": 2}))

    answer = await TerminalPerson(screen).answer(asked(choices=choices))

    assert answer == HumanAnswer({"way": 2})
    assert "  1. left\n  2. right\nanswer (1 to 2): 2\n" in screen.shown


async def test_who_may_wait_is_asked_whether_to_act_now():
    person = TerminalPerson(Screen("no", "yes", "Hi"))

    assert await person.answer(asked(may_wait=True)) == HumanAnswer(waits=True)
    assert await person.answer(asked(may_wait=True)) == HumanAnswer("Hi")


async def test_a_refusal_is_told():
    screen = Screen("b")

    await TerminalPerson(screen).answer(asked(refusal="a was taken"))

    assert "That was not taken: a was taken\nann?\n" in screen.shown
