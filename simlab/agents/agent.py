"""What an agent is: whatever takes a seat."""

from typing import Any, Protocol, runtime_checkable

from simlab.env.environment import ActionRequest


@runtime_checkable
class Agent(Protocol):
    """Whatever takes a seat: it perceives, and answers requests to act.

    One message at a time reaches an agent, so it needs no locks. Its state is rebuilt after a crash
    by running it again on what it observed, with the recorded results of its effects: so all that
    does not follow from these (models, clocks, people, tools) goes through `simlab.trace.effect`.
    """

    async def observe(self, observation: Any) -> None:
        """Perceive one thing; called in order, before the next request."""
        ...

    async def act(self, request: ActionRequest) -> Any:
        """Answer a request with an action of its space, or `Wait` where it is optional.

        Raises:
            UnfitAnswerError: The answer does not fit the request; the agent is asked again with the
                reason in ``request.refused``, at most twice.
        """
        ...
