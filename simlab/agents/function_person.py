"""Any function is a person: it answers for whoever is asked, in a notebook or a test."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

from simlab.agents.actor import ATTEMPTS
from simlab.agents.person import HumanAnswer, Person, Question
from simlab.env.environment import Wait
from simlab.env.spaces import plain_data
from simlab.errors import PersonFailedError, UnfitAnswerError
from simlab.stray import Boundary
from simlab.trace.text import placeless

Answering = Callable[[Question], Any]
"""Given a question, an action or its plain data, `Wait` or a `HumanAnswer`; may be async."""


def as_person(given: Person | Answering) -> Person:
    """A person who answers by calling a function.

        person = as_person(lambda question: input(question.prompt))

    Args:
        given: The function. A person is returned as it is.

    Raises:
        TypeError: It is neither a person nor a function.
    """
    if hasattr(given, "answer") and not isinstance(given, type):
        return given
    if not callable(given) or isinstance(given, type):
        raise TypeError(f"person must be a function of a question or a Person, got {given!r}")
    return FunctionPerson(given)


class FunctionPerson:
    """Somebody who answers by a function, one question after another.

    A function that is not async is called in a thread, so that everybody else goes on meanwhile;
    once called, it is not interrupted by a deadline. One answer that does not fit after another is
    a mistake in the function, which is not asked for ever.

    Args:
        answer: The function.
    """

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self._free: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        self._n_refused: Counter[str] = Counter()

    async def answer(self, question: Question) -> HumanAnswer:
        """Call the function once it is free; see `Person.answer`.

        Raises:
            UnfitAnswerError: Its last answers to this question did not fit, or what it returned
                stands for no action.
            PersonFailedError: It raised an error of its own, which is its cause.
        """
        self._count(question)
        async with self._lock_of(asyncio.get_running_loop()):
            given = await self._call(question)
        with _errors_of(question):
            return _answer_of(given)

    def _count(self, question: Question) -> None:
        n_refused = self._n_refused[question.asker] + 1 if question.refusal else 0
        self._n_refused[question.asker] = n_refused % ATTEMPTS
        if n_refused == ATTEMPTS:
            raise UnfitAnswerError(
                f"the function that answers for {question.asker} gave no answer that fits in "
                f"{ATTEMPTS} tries: {question.refusal}"
            )

    def _lock_of(self, loop: asyncio.AbstractEventLoop) -> asyncio.Lock:
        """The lock; a new one in each event loop, as each run has one."""
        if self._free is None or self._free[0] is not loop:
            self._free = (loop, asyncio.Lock())
        return self._free[1]

    async def _call(self, question: Question) -> Any:
        is_async = inspect.iscoroutinefunction(self._answer)
        given = (
            self._begin(question) if is_async else await asyncio.to_thread(self._begin, question)
        )
        with _errors_of(question):
            return await given if inspect.isawaitable(given) else given

    def _begin(self, question: Question) -> Any:
        """Call the function; its errors are caught here, since not all get out of a thread."""
        with _errors_of(question):
            return self._answer(question)


def _errors_of(question: Question) -> Boundary:
    """A block of users' code whose errors name the seat that is answered for."""
    return Boundary(f"the function that answers for {question.asker}", PersonFailedError)


def _answer_of(given: Any) -> HumanAnswer:
    """What a function's answer is to those who ask."""
    if isinstance(given, HumanAnswer):
        return given
    if isinstance(given, Wait):
        return HumanAnswer(waits=True, until=given.until)
    try:
        return HumanAnswer(plain_data(given))
    except (TypeError, ValueError) as error:
        raise UnfitAnswerError.of(placeless(str(given)), str(error)) from error
