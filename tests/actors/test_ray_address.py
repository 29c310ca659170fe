"""The address of a Ray cluster: what is said where none answers, or lets nobody in."""

import asyncio
import socket

import pytest

from simlab.actors import ray_address
from simlab.actors.ray_address import refusal, require_answer
from simlab.errors import ConfigError

NOWHERE = "127.0.0.2"
"""An address of this machine at which nothing listens."""


def port_of_nobody():
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def test_where_nothing_listens_the_address_is_refused_with_all_that_was_tried():
    address = f"localhost:{port_of_nobody()}"

    with pytest.raises(ConfigError) as caught:
        await require_answer(address, here=NOWHERE)

    assert caught.value.message.startswith(
        f"no Ray cluster answers at {address!r}: tried localhost and {NOWHERE}, up to 5 s each: "
    )
    assert "start one with 'ray start --head'" in caught.value.message


async def test_a_machine_that_never_answers_is_not_waited_for(monkeypatch):
    async def never(_host, _port):
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", never)
    monkeypatch.setattr(ray_address, "WAIT_S", 0.01)

    with pytest.raises(ConfigError, match=r"at '10.0.0.1:6379': tried 10.0.0.1, .*: no answer; "):
        await require_answer("10.0.0.1:6379", here=NOWHERE)


@pytest.mark.parametrize("address", ["ä..b:3", "127.0.0.1:99999", "no.such.host.invalid:1"])
async def test_an_address_that_can_be_none_is_refused(address):
    with pytest.raises(ConfigError, match="no Ray cluster answers at"):
        await require_answer(address, here=NOWHERE)


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
async def test_what_takes_connections_is_left_to_ray(address):
    with socket.create_server(("127.0.0.1", 0)) as server:
        await require_answer(address.format(server.getsockname()[1]), here=NOWHERE)


async def test_a_cluster_named_by_localhost_may_listen_at_the_address_of_this_machine():
    with socket.create_server((NOWHERE, 0)) as server:
        await require_answer(f"127.0.0.1:{server.getsockname()[1]}", here=NOWHERE)


@pytest.mark.parametrize("address", [None, "auto", "foo", "foo:bar"])
async def test_what_is_no_host_and_port_is_left_to_ray(address):
    await require_answer(address, here=NOWHERE)


@pytest.mark.parametrize(
    ("address", "error", "remedy"),
    [
        ("foo", ValueError("Invalid address"), "must be HOST:PORT or 'auto', got 'foo': Invalid a"),
        ("h:1", ConnectionError("Failed to connect"), "set RAY_AUTH_MODE=token; "),
        ("h:1", RuntimeError("Version mismatch"), "'h:1': Version mismatch; .*use the same"),
        (
            "auto",
            ConnectionError("Could not find any running Ray instance. Please specify"),
            "^no Ray cluster runs on this machine; start one .* or name another by --address",
        ),
        (None, ConnectionError("gone"), "Ray does not start here: gone; do .* by --hosts 0"),
    ],
)
def test_why_ray_does_not_join_is_told_with_what_to_do(address, error, remedy):
    with pytest.raises(ConfigError, match=remedy):
        raise ConfigError(refusal(address, error))
