"""The purse of a run: its spending behind an actor, for the models of all hosts."""

from dataclasses import dataclass

from simlab.actors import Actor, ActorRef
from simlab.models.model import Usage
from simlab.sim.spending import Spending


@dataclass(frozen=True, slots=True)
class AllowCall:
    """Say whether a call may begin.

    Attributes:
        priced: Whether it costs money.
    """

    priced: bool


@dataclass(frozen=True, slots=True)
class PayCall:
    """Count what a call has cost.

    Attributes:
        tokens: Of prompt and completion together.
        dollars: At the prices that the run file gives.
    """

    tokens: int
    dollars: float


class PurseActor(Actor):
    """Keeps count of a run's spending; it lives in the driver, and so holds over all hosts.

    What is spent beyond the budget is what was under way when it was reached.

    Args:
        spending: Changed in place.
    """

    __slots__ = ("_spending",)

    def __init__(self, spending: Spending) -> None:
        self._spending = spending

    def receive(self, message: AllowCall | PayCall) -> bool | None:
        """Allow a call or not, or count one."""
        if isinstance(message, AllowCall):
            return self._spending.allow(priced=message.priced)
        self._spending.count(message.tokens, message.dollars)
        return None


@dataclass(frozen=True, slots=True)
class ActorPurse:
    """The purse behind a `PurseActor`; a value that pickles and works in every host.

    Attributes:
        ref: Address of the actor.
    """

    ref: ActorRef

    async def allows(self, *, priced: bool) -> bool:
        """See `Purse.allows`."""
        allowed: bool = await self.ref.ask(AllowCall(priced))
        return allowed

    async def pay(self, usage: Usage) -> None:
        """See `Purse.pay`; it is counted before this host asks again."""
        tokens = usage.prompt_tokens + usage.completion_tokens
        await self.ref.tell(PayCall(tokens, usage.dollars))
