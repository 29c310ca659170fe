"""The questions that wait for a person: which is to be answered, and why an answer was refused."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

_FORM = ("prompt", "schema", "choices", "may_wait", "begun")
"""What of a question makes it another one for whoever fills in its form."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits.

    Attributes:
        id: Of the question in the run.
        key: Of its form: one that is asked again, as where an answer was refused or the app was
            started anew, has the same, so that what is half typed stays.
        what: As the run asks it.
        refusal: Why the last answer was not taken; empty if it was.
    """

    id: str
    key: str
    what: Mapping[str, Any]
    refusal: str

    @property
    def may_wait(self) -> bool:
        """Whether the person may do nothing for now."""
        return bool(self.what.get("may_wait"))

    def told(self, due_s: float | None) -> dict[str, Any]:
        """It as its page shows it.

        Args:
            due_s: The world's deadline in seconds of the epoch; None for none.
        """
        prompt = self.what["prompt"]
        deadlines = [at for at in (self.what.get("deadline"), due_s) if at is not None]
        return {
            "id": self.id,
            "key": self.key,
            "prompt": prompt if isinstance(prompt, str) else "",
            "chat": [] if isinstance(prompt, str) else [_said(part) for part in prompt],
            "begun": self.what.get("begun") or "",
            "refusal": self.refusal,
            "left_s": min(deadlines) - time.time() if deadlines else None,
        }


class Questions:
    """Those that wait on a connection, of which one is answered after the other."""

    def __init__(self) -> None:
        self._open: list[Mapping[str, Any]] = []
        self._settled: set[str] = set()
        self._n_settled = 0
        self._refused: tuple[str, str] = ("", "")

    @property
    def current(self) -> OpenQuestion | None:
        """The one to be answered."""
        waiting = self._waiting()
        if not waiting:
            return None
        what = waiting[0]
        refusal = str(what.get("refusal") or "")
        form = msgspec.json.encode([what.get(name) for name in _FORM])
        nth = self._n_settled - bool(refusal)
        key = f"{nth}-{hashlib.blake2b(form, digest_size=8).hexdigest()}"
        refused_key, why = self._refused
        return OpenQuestion(what["id"], key, what, why if refused_key == key else refusal)

    @property
    def n_waiting(self) -> int:
        """How many wait behind it."""
        return max(0, len(self._waiting()) - 1)

    def take(self, asked: Iterable[Mapping[str, Any]]) -> None:
        """Take in which questions wait now."""
        self._open = list(asked)

    def refuse(self, key: str, why: str) -> None:
        """Keep why an answer to a form was not taken."""
        self._refused = (key, why)

    def settle(self, question: OpenQuestion) -> None:
        """Ask no more what was answered; a world may refuse the answer, and ask it again."""
        self._settled.add(question.id)
        self._refused = ("", "")
        self._n_settled += not question.what.get("refusal")

    def _waiting(self) -> list[Mapping[str, Any]]:
        return [what for what in self._open if what["id"] not in self._settled]


def _said(part: Any) -> dict[str, str]:
    """A part of a model's prompt: a message in a chat, or words."""
    role, text = part if isinstance(part, list) else ("", part)
    return {"by": str(role), "text": str(text)}
