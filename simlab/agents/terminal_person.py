"""Whoever sits at the terminal."""

import asyncio
from collections import Counter
from typing import Any

from simlab.agents.person import HumanAnswer, Question
from simlab.agents.questions import Questions
from simlab.agents.terminal import Terminal, standard_terminal


class TerminalPerson:
    """Whoever sits at a terminal, for all seats that ask there: one question after another.

    What the seat has perceived is shown first, and no text of it twice; then the request. A typed
    action is asked for field by field.

    Args:
        terminal: Where the person reads and writes; by default that of the process, when the first
            question comes.
    """

    def __init__(self, terminal: Terminal | None = None) -> None:
        self._terminal = terminal
        self._n_shown: Counter[str] = Counter()
        self._last_asker = ""

    async def answer(self, question: Question) -> HumanAnswer:
        """Ask at the terminal once it is free; see `Person.answer`."""
        terminal = self._terminal or standard_terminal()
        async with terminal.reserved():
            self._show(terminal, question)
            questions = Questions(lambda line: _put(terminal, line), terminal.show)
            if question.may_wait and not await questions.ask_truth("act now"):
                return HumanAnswer(waits=True)
            return HumanAnswer(await _ask_action(questions, question))

    def _show(self, terminal: Terminal, question: Question) -> None:
        """All that leads up to an answer; whose turn it is, if it was another's before."""
        if self._last_asker not in ("", question.asker):
            terminal.show(f"--- {question.asker} ---")
        self._last_asker = question.asker
        n_shown = self._n_shown[question.asker]
        for text in question.news[max(0, n_shown - question.n_known) :]:
            terminal.show(text)
        self._n_shown[question.asker] = max(n_shown, question.n_known + len(question.news))
        if question.refusal:
            terminal.show(f"That was not taken: {question.refusal}")
        terminal.show(question.prompt)


async def _ask_action(questions: Questions, question: Question) -> Any:
    """The plain data of an action that fits the schema field by field, or is among the choices."""
    if question.choices is None:
        return await questions.ask_value(question.schema, "answer")
    place = await questions.ask_choice([choice.label for choice in question.choices], "answer")
    return question.choices[place].action


async def _put(terminal: Terminal, question: str) -> str:
    terminal.show(question, end="")
    try:
        return await terminal.read_line()
    except asyncio.CancelledError:
        terminal.show("")  # what is shown next begins a line
        raise
