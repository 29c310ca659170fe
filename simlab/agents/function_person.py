"""Any function is a person: it answers for whoever is asked, in a notebook or a test."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic_core import to_jsonable_python

from simlab.agents.actor import ATTEMPTS
from simlab.agents.person import HumanAnswer, Person, Question
from simlab.env.environment import Wait
from simlab.errors import UnfitAnswerError

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
        self._free = asyncio.Lock()
        self._n_refused: Counter[str] = Counter()

    async def answer(self, question: Question) -> HumanAnswer:
        """Call the function once it is free; see `Person.answer`. Its errors are passed on.

        Raises:
            UnfitAnswerError: Its last answers to this question did not fit.
        """
        self._count(question)
        async with self._free:
            given = await self._call(question)
        if isinstance(given, HumanAnswer):
            return given
        if isinstance(given, Wait):
            return HumanAnswer(waits=True)
        return HumanAnswer(to_jsonable_python(given))

    def _count(self, question: Question) -> None:
        n_refused = self._n_refused[question.asker] + 1 if question.refusal else 0
        self._n_refused[question.asker] = n_refused % ATTEMPTS
        if n_refused == ATTEMPTS:
            raise UnfitAnswerError(
                f"the function that answers for {question.asker} gave no answer that fits in "
                f"{ATTEMPTS} tries: {question.refusal}"
            )

    async def _call(self, question: Question) -> Any:
        if inspect.iscoroutinefunction(self._answer):
            return await self._answer(question)
        given = await asyncio.to_thread(self._answer, question)
        return await given if inspect.isawaitable(given) else given
