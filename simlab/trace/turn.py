"""Turns: what an actor does in a step, with all the spans and calls in it."""

from simlab.errors import AgentFailedError
from simlab.trace.journal import Journal
from simlab.trace.span import Span, span_id
from simlab.trace.text import word

AWAIT_CALLS = "await every call before returning, as an asyncio.TaskGroup does"
"""What to do about calls that outlive their turn."""


def turn(journal: Journal | None, actor: str, step: int, part: str) -> Span:
    """The root of what an actor does in a step, to be opened by ``with``; it is written nowhere.

    Args:
        journal: The episode's.
        actor: Who.
        step: In which step.
        part: Which of the things that an actor does in a step, such as ``"act"``; one that it does
            again in the same step is numbered.
    """
    return _Part(journal, word("an actor's name", actor), step, part)


def is_over(here: Span) -> bool:
    """Whether the turn to which a span belongs has ended."""
    root = here.turn
    return root is not None and root.state in ("finished", "error")


def root_id(actor: str, step: int, part: str) -> int:
    """The id under which the spans of an actor's part in a step hang."""
    return span_id(step, actor, part)


class _Part(Span):
    """The root of what an actor does in a step; it is written nowhere itself.

    It ends with all calls that were made in it: one that would come later would come in a step that
    depends on how long it took.
    """

    __slots__ = ()

    def __init__(self, journal: Journal | None, actor: str, step: int, part: str) -> None:
        super().__init__(part)
        self.actor, self.step, self.part = actor, step, self.name
        self.id = root_id(actor, step, self.part)
        self.journal = journal

    @property
    def turn(self) -> Span:
        """This is the root itself."""
        return self

    def open(self) -> None:
        """Begin; a part that the step has had already gets a number, and so an id of its own."""
        self.state = "open"
        nth = (
            0 if self.journal is None else self.journal.turns.next(self.actor, self.step, self.part)
        )
        if nth:
            self.part = f"{self.part} ({nth + 1})"
            self.id = root_id(self.actor, self.step, self.part)

    def close(self, error: BaseException | None = None) -> None:
        """End, and cut off the calls that are still under way.

        Raises:
            AgentFailedError: There were such calls, and the turn has no error of its own.
        """
        self.state = "finished" if error is None else "error"
        kinds = [] if self.journal is None else self.journal.calls.cut_off(self)
        if kinds and error is None:
            raise AgentFailedError(
                f"{self.actor!r} ended its turn in step {self.step} with calls under way, of kind "
                f"{', '.join(map(repr, kinds))}; {AWAIT_CALLS}"
            )
