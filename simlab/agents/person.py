"""A person as agents see one: somebody who is asked a question and answers in plain data."""

from dataclasses import dataclass
from typing import Any, Protocol

from simlab.models.answer_schema import Schema


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the actions that a person may take.

    Attributes:
        label: In words.
        action: The action's plain data.
    """

    label: str
    action: Any


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: plain data, so that it reaches a person in any process.

    Attributes:
        asker: Who asks: the same in all questions of one seat in one episode, and in no others.
        prompt: The request in words.
        schema: Of the action's plain data, where any action that fits it may be taken.
        choices: What may be taken instead, where that is listed; else None.
        may_wait: Whether the person may leave it for now.
        news: What the seat has perceived since the person's last answer, oldest first.
        n_known: How many texts it had perceived before those, so that a question that is asked
            again shows nothing twice.
        refusal: Why the last answer was not taken; empty if it was.
    """

    asker: str
    prompt: str
    schema: Schema
    choices: tuple[Choice, ...] | None = None
    may_wait: bool = False
    news: tuple[str, ...] = ()
    n_known: int = 0
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class HumanAnswer:
    """What a person answered, as the log keeps it: the action's plain data, or to wait.

    Attributes:
        action: The plain data; None for a person who waits.
        waits: Whether the person does nothing for now.
        until: World time at which a person who waits is asked again; None for the next observation.
    """

    action: Any = None
    waits: bool = False
    until: float | None = None


class Person(Protocol):
    """Somebody who is asked on behalf of seats, perhaps of many at once."""

    async def answer(self, question: Question) -> HumanAnswer:
        """Ask, and wait for the answer; people take their time.

        May be cancelled at any time: then the question is taken back.

        Raises:
            ConfigError: There is nobody to ask.
            PersonLeftError: The person will answer no more.
        """
        ...
