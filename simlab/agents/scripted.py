"""An agent that plays what was written down for it."""

from collections.abc import Iterable, Mapping
from typing import Any

from simlab.agents.function import taken
from simlab.env.environment import ActionRequest
from simlab.errors import EpisodeError


class ScriptedAgent:
    """Plays given actions one after another, whatever it is asked.

        ScriptedAgent(["cooperate", "defect"])
        ScriptedAgent([{"say": "Deal?", "price": 8000}], repeat=True)

    For an agent that decides by a function, see `simlab.agents.function.as_agent`.

    Args:
        actions: In order; actions of the spaces that will be asked for, or their plain data.
        repeat: True: begin anew after the last one.

    Raises:
        TypeError: `actions` is a text, which would be played letter by letter, or a mapping, whose
            keys would be.
        ValueError: There are no actions.
    """

    def __init__(self, actions: Iterable[Any], *, repeat: bool = False) -> None:
        if isinstance(actions, str | Mapping):
            raise TypeError(f"actions must be a list, got {actions!r}")
        self._actions = tuple(actions)
        if not self._actions:
            raise ValueError("actions must hold at least one action, got none")
        self._repeat = repeat
        self._n_played = 0

    async def observe(self, observation: Any) -> None:
        """Take no notice."""

    async def act(self, request: ActionRequest) -> Any:
        """Play the next action; see `Agent.act`.

        Raises:
            EpisodeError: No action is left.
            UnfitAnswerError: The action is not one of the request's.
        """
        n_actions = len(self._actions)
        if self._n_played >= n_actions and not self._repeat:
            remedy = "give it more, or set repeat"
            raise EpisodeError(f"the script has {n_actions} actions, all are played; {remedy}")
        action = self._actions[self._n_played % n_actions]
        self._n_played += 1
        return taken(request, action)
