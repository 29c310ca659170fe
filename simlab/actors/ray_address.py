"""The address of a Ray cluster: whether anything answers there, and why Ray may not join it.

Ray itself waits minutes for a machine that does not answer, and says the same of a cluster that is
not there and of one that asks for a token.
"""

import asyncio
import os
import re

from simlab.errors import ConfigError

WAIT_S = 5.0
"""How long a machine may take to take a connection, in seconds."""

_HOST_AND_PORT = re.compile(r"(?:ray://)?\[?(?P<host>[^/\[\]]+)\]?:(?P<port>\d+)")
_NONE_HERE = "Could not find any running Ray instance"
_LOOPBACK = ("localhost", "127.", "::1")


def named_address(address: str | None) -> str | None:
    """Where the cluster is that is to be joined: by default what ``RAY_ADDRESS`` says, if anything.

    Args:
        address: What was given beside.
    """
    return address or os.environ.get("RAY_ADDRESS")


async def require_answer(address: str | None, *, here: str) -> None:
    """See that a machine takes connections at an address, before Ray waits for it.

    Args:
        address: ``HOST:PORT``; whatever else Ray takes, or refuses, is left to it.
        here: The address of this machine by which others know it; a cluster that is named by
            ``localhost`` listens there.

    Raises:
        ConfigError: None does; says what was tried.
    """
    named = _HOST_AND_PORT.fullmatch(address or "")
    if named is None:
        return
    host, port = named["host"], int(named["port"])
    tried = [host, here] if host.startswith(_LOOPBACK) else [host]
    refused = [await _refused(machine, port) for machine in tried]
    if all(refused):
        raise ConfigError(
            f"no Ray cluster answers at {address!r}: tried {' and '.join(tried)}, up to {WAIT_S:g} "
            f"s each: {refused[0]}; start one with 'ray start --head', or leave the address out"
        )


def refusal(address: str | None, error: Exception) -> str:
    """Why Ray did not join a cluster, in words for a person.

    Args:
        address: Where it is; None for one that Ray starts or finds by itself.
        error: What Ray has raised.
    """
    if address is None:
        return f"Ray does not start here: {error}; do without it by --hosts 0"
    if isinstance(error, ValueError):
        return (
            f"the address of a Ray cluster must be HOST:PORT or 'auto', got {address!r}: {error}; "
            "see --address and RAY_ADDRESS"
        )
    if address == "auto" and _NONE_HERE in str(error):
        return (
            "no Ray cluster runs on this machine; start one with 'ray start --head', or name "
            "another by --address or RAY_ADDRESS"
        )
    return (
        f"Ray does not join the cluster at {address!r}: {error}; if that asks for a token, as one "
        "started by 'ray start' does, set RAY_AUTH_MODE=token; if it has another version of Ray or "
        "Python, use the same; if there is none, start one with 'ray start --head'"
    )


async def _refused(host: str, port: int) -> str:
    """Why no connection is taken; empty if one is."""
    try:
        async with asyncio.timeout(WAIT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, OverflowError, UnicodeError) as error:  # a time-out is an OSError as well
        return str(error) or "no answer"
    writer.close()
    return ""
