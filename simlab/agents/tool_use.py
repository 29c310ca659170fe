"""The use of tools in one turn: what was called, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simlab.agents.tool import Tool
from simlab.env.environment import Refusal
from simlab.errors import EpisodeError, SimlabError, UnfitAnswerError
from simlab.find import near
from simlab.models.answers import refusal_messages
from simlab.models.model import ChatMessage, Completion
from simlab.models.tool_call import ToolCall
from simlab.stray import in_words
from simlab.trace.journal import RecordEnds
from simlab.trace.tracing import effect, span


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """What a tool is asked, as the record keeps it: its name, and plain data by name."""

    tool: str
    arguments: Mapping[str, Any]


class ToolUse:
    """Makes the calls of a turn, and keeps them with their results for the rest of it.

    What a tool raises, and what is wrong with a call, is a result like any other: the model is told
    in words.

    Args:
        tools: What may be called, by name.
        max_calls: How many calls are made in the turn.

    Attributes:
        messages: What has come after the question so far: calls, results, and refused answers.
    """

    def __init__(self, tools: Mapping[str, Tool], max_calls: int) -> None:
        self.messages: list[ChatMessage] = []
        self._tools = tools
        self._max_calls = max_calls
        self._n_calls = 0
        self._n_refused = 0

    @property
    def is_over(self) -> bool:
        """Whether the model has to answer: no tools, all calls made, or an answer was refused."""
        return not self._tools or self._n_calls >= self._max_calls or self._n_refused > 0

    def show(self, refused: Sequence[Refusal]) -> None:
        """Let the model see which of its answers to the question were refused, and why."""
        self.messages += refusal_messages(refused[self._n_refused :])
        self._n_refused = len(refused)

    async def make(self, completion: Completion) -> None:
        """Make the calls of a completion, one after another."""
        first = self._n_calls + 1
        calls = tuple(
            call if call.id else replace(call, id=f"call{number:05}")
            for number, call in enumerate(completion.calls, first)
        )
        self.messages.append(ChatMessage("assistant", completion.text, calls=calls))
        for call in calls:
            self.messages.append(ChatMessage("tool", await self._result(call), calls=(call,)))

    async def _result(self, call: ToolCall) -> str:
        self._n_calls += 1
        if self._n_calls > self._max_calls:
            return f"Error: not called; {self._max_calls} calls were made, answer now"
        try:
            with span(
                call.name or "tool", kind="tool", inputs={"arguments": call.arguments}
            ) as here:
                result = await self._call(call)
                here.set_result(result)
                return result
        except RecordEnds:
            raise
        except EpisodeError as error:
            return f"Error: {error.message}"
        except SimlabError:
            raise  # of SimLab's own machinery, such as a replay that parts from its record
        except Exception as error:
            return f"Error: {in_words(error)}"

    async def _call(self, call: ToolCall) -> str:
        if not call.name:
            raise UnfitAnswerError(
                "the call cannot be read; expected a name and arguments in JSON, got "
                f"{call.arguments!r}"
            )
        if (tool := self._tools.get(call.name)) is None:
            known = near(call.name, self._tools)
            raise UnfitAnswerError(f"there is no tool {call.name!r}; {known}")
        given = call.read_arguments()
        arguments = tool.check(given)
        request = ToolRequest(tool.name, given)
        return await effect("tool", request, lambda _: tool.call(arguments), returns=str)
