"""The endpoints of this process: one for all models of equal options, in each event loop."""

import asyncio
from typing import TYPE_CHECKING

from simlab.models.http.client import Client
from simlab.models.http.endpoint import Endpoint

if TYPE_CHECKING:
    from simlab.models.endpoint import EndpointModel


def endpoint_of(model: "EndpointModel") -> Endpoint:
    """The endpoint of a model, for the event loop that runs; made if it is not there yet."""
    loop = asyncio.get_running_loop()
    if loop not in _tables:
        _tables[loop] = _Table(loop)
    return _tables[loop].open(model)


class _Table:
    """The endpoints of one event loop, whose connections close when that ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._endpoints: dict[EndpointModel, tuple[Endpoint, Client]] = {}
        self._closing = loop.create_task(self._close_with(loop), name="simlab-endpoints")

    def open(self, model: "EndpointModel") -> Endpoint:
        """The endpoint of a model."""
        if model not in self._endpoints:
            client = Client(
                key_env=model.key_env,
                concurrency=model.concurrency,
                attempts=model.attempts,
                timeout_s=model.timeout_s,
            )
            self._endpoints[model] = Endpoint(model, client), client
        return self._endpoints[model][0]

    async def _close_with(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the end of a loop: asyncio cancels then what is left in it."""
        try:
            await loop.create_future()
        finally:
            del _tables[loop]
            for _, client in self._endpoints.values():
                await client.close()


_tables: dict[asyncio.AbstractEventLoop, _Table] = {}
"""By event loop; each goes with its loop."""
