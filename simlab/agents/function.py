"""Any function is an agent: in one line, and with nothing to inherit."""

import inspect
from collections.abc import Callable
from typing import Any

from simlab.agents.agent import Agent
from simlab.env.environment import ActionRequest
from simlab.env.spaces import admit
from simlab.errors import UnfitAnswerError
from simlab.trace.text import placeless


def as_agent(decide: Callable[..., Any] | Agent) -> Agent:
    """An agent that decides by calling `decide`.

        buyer = as_agent(lambda request: {"say": "My last word.", "price": 7000})
        buyer = as_agent(lambda observations, request: reply_to(observations[-1]))

    Args:
        decide: Takes the request, or all observations so far and the request; returns an action or
            its plain data, or `Wait`; may be async. An agent is returned as it is.

    Raises:
        TypeError: It is no agent and takes neither one nor two arguments.
    """
    if isinstance(decide, Agent) and not isinstance(decide, type):
        return decide
    return FunctionAgent(decide)


class FunctionAgent:
    """An agent that decides by a function; see `as_agent`.

    Args:
        decide: The function, or any callable.

    Raises:
        TypeError: It takes neither one nor two arguments.
    """

    def __init__(self, decide: Callable[..., Any]) -> None:
        self._decide = decide
        self._takes_observations = _n_arguments(decide) == 2
        self._observations: list[Any] = []

    async def observe(self, observation: Any) -> None:
        """Keep it for a function that takes observations."""
        if self._takes_observations:
            self._observations.append(observation)

    async def act(self, request: ActionRequest) -> Any:
        """Call the function; see `Agent.act`. Errors of the function are passed on.

        Raises:
            UnfitAnswerError: What it returned is not one of the request's actions.
        """
        given = (tuple(self._observations), request) if self._takes_observations else (request,)
        answer = self._decide(*given)
        if inspect.isawaitable(answer):
            answer = await answer
        return taken(request, answer)


def taken(request: ActionRequest, answer: Any) -> Any:
    """The action that an answer in plain data stands for, or `Wait` where that is allowed.

    Raises:
        UnfitAnswerError: It stands for none; holds the answer in words.
    """
    try:
        return admit(request, answer)
    except UnfitAnswerError as error:
        raise UnfitAnswerError.of(placeless(str(answer)), error.message) from error


def _n_arguments(decide: Callable[..., Any]) -> int:
    """1 or 2: how many arguments a function can be called with; 1 if it can be with both."""
    if not callable(decide):
        raise TypeError(f"expected an agent or a function, got {decide!r}")
    signature = inspect.signature(decide)
    for n_arguments in (1, 2):
        try:
            signature.bind(*range(n_arguments))
        except TypeError:
            continue
        return n_arguments
    expected = "(request) or (observations, request)"
    raise TypeError(f"expected a function of {expected}, got {decide!r} with {signature}")
