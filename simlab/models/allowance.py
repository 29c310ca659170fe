"""An allowance: lets the calls of models begin for as long as their run may spend."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from simlab.errors import BudgetSpentError, ModelError
from simlab.models.model import Usage, spent_on

T = TypeVar("T")


class Purse(Protocol):
    """What a run may spend on its models, and has spent."""

    async def allows(self, *, priced: bool) -> bool:
        """Whether a call may begin.

        Args:
            priced: Whether it costs money.
        """
        ...

    async def pay(self, usage: Usage) -> None:
        """Count what a call has cost."""
        ...


class Allowance:
    """Lets calls begin while the purse allows it; of all episodes in one process.

    A call that may not begin ends its episode, but not before the calls that are under way have
    come back and are recorded: they are paid for.

    Args:
        purse: Asked before each call, told after.
    """

    def __init__(self, purse: Purse) -> None:
        self._purse = purse
        self._under_way: set[asyncio.Future[None]] = set()

    async def spend(self, call: Callable[[], Awaitable[T]], *, priced: bool) -> T:
        """Make a call, and pay for it.

        Args:
            call: Its result, or its error, says by `usage` what it has cost.
            priced: Whether it costs money.

        Raises:
            BudgetSpentError: No call may begin; those that were under way are over.
        """
        if not await self._purse.allows(priced=priced):
            if self._under_way:
                await asyncio.wait(self._under_way)
            raise BudgetSpentError("the run has spent its budget; raise it and go on by --resume")
        over = asyncio.get_running_loop().create_future()
        self._under_way.add(over)
        try:
            try:
                result = await call()
            except ModelError as error:
                await self._purse.pay(spent_on(error))
                raise
            # Scores of a model of the user's own may tell nothing.
            await self._purse.pay(getattr(result, "usage", Usage()))
            return result
        finally:
            # Whoever waits for this comes to know in a later turn of the event loop, when what is
            # returned here has been recorded.
            over.set_result(None)
            self._under_way.discard(over)
