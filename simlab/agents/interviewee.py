"""Interviewees: agents that answer questions of one's own, beside what their world asks them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question of an interview, and what was answered."""

    question: str
    answer: str


@runtime_checkable
class Interviewee(Protocol):
    """An agent that can be interviewed."""

    async def query(self, question: str, earlier: Sequence[Exchange] = ()) -> str:
        """Answer in free words, out of what it remembers; writes nothing into its memory.

        Args:
            question: What is asked.
            earlier: What was asked and answered in this interview before, oldest first.
        """
        ...
