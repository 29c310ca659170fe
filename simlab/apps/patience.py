"""Patience: how long the app waits for an answer of a run."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from simlab.errors import ControlError

T = TypeVar("T")

_PATIENCE_S: Final = 30.0


async def answered(asked: Awaitable[T], kind: str) -> T:
    """The answer of a run.

    Args:
        asked: Waits for it.
        kind: Of what was asked.

    Raises:
        ControlError: The run refuses it, or says nothing.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asked
    except TimeoutError:
        raise ControlError(
            f"the run gives no answer to {kind!r} for {_PATIENCE_S:g} s; see whether it goes on, "
            "since it may be done still"
        ) from None
