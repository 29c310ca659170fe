"""Listening: the socket of a live run, and who is connected to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from simlab.errors import ControlError
from simlab.sim.control.connection import Connection
from simlab.sim.control.place import bind, unbind
from simlab.sim.control.plane import ControlPlane
from simlab.trace.directory import RunDirectory


@asynccontextmanager
async def listening(
    plane: ControlPlane, directory: RunDirectory, tell: Callable[[str], None]
) -> AsyncIterator[None]:
    """Within the block, clients reach a run's plane at its socket.

    A place that takes no socket leaves a run that nobody can command, and says so.

    Args:
        plane: Takes their requests.
        directory: Of the run, locked by this process.
        tell: Called with what a person should know.
    """
    try:
        bound, path = bind(directory.path)
    except (OSError, ControlError) as error:
        tell(f"this run takes no commands: {error}")
        yield
        return
    connections: set[Connection] = set()

    def forget(connection: Connection) -> None:
        connections.discard(connection)
        plane.people.forget_connection(connection)

    def connect() -> Connection:
        connection = Connection(plane.answer, forget)
        connections.add(connection)
        return connection

    server = await asyncio.get_running_loop().create_unix_server(connect, sock=bound)
    try:
        yield
    finally:
        server.close()
        for connection in [*connections]:
            connection.close()
        unbind(directory.path, path)
