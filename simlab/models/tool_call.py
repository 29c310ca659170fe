"""Tools as models see them: what is offered to them, and what they call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simlab.errors import UnfitAnswerError
from simlab.unusual import unusual


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that a completion may call.

    Attributes:
        name: Letters, digits, ``_`` and ``-``.
        description: What it does, in words.
        parameters: JSON schema of its arguments, an object without references.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]

    def as_function(self) -> dict[str, Any]:
        """What chat templates and endpoints take under ``tools``."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": dict(self.parameters),
            },
        }


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model makes, as it makes it: nobody has checked it.

    Attributes:
        name: Of the tool; empty where the call cannot be read.
        arguments: The text of a JSON object; any text where the model wrote something else.
        id: Tells it from the other calls of a chat; empty until the chat goes on.
    """

    name: str
    arguments: str
    id: str = ""

    def read_arguments(self) -> dict[str, Any]:
        """The arguments by name.

        Raises:
            UnfitAnswerError: They are no JSON object.
        """
        try:
            arguments = json.loads(self.arguments, strict=False)
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            reason = f"expected the arguments of a call as a JSON object, got {self.arguments!r}"
            raise UnfitAnswerError.of(self.arguments, reason)
        return arguments

    def __trace__(self) -> dict[str, Any]:
        """What the log keeps: the fields that are not as usual."""
        return unusual(self)
