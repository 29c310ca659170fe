"""Clients and endpoints on servers that are none, or that misbehave on the loopback."""

import httpx2
import pytest

from simlab.models.endpoint import EndpointModel
from simlab.models.http.client import Client
from simlab.models.http.endpoint import Endpoint
from tests.models.http.fake_vllm import FakeVllm
from tests.models.http.servers import MisbehavingServer

URL = "http://127.0.0.1:8000/v1"


@pytest.fixture
def pauses():
    """The waits between tries, in seconds; none of them is waited."""
    return []


@pytest.fixture
async def make_client(pauses):
    """Makes clients that do not wait between tries; they are closed after the test."""
    clients = []

    async def sleep(seconds):
        pauses.append(seconds)

    def make(handler=None, **options):
        transport = None if handler is None else httpx2.MockTransport(handler)
        clients.append(Client(transport=transport, sleep=sleep, now=lambda: 1_000.0, **options))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def make_endpoint(make_client):
    """Makes endpoints that a function answers."""

    def make(handler, **options):
        model = EndpointModel("small", **{"url": URL, **options})
        return Endpoint(model, make_client(handler, attempts=2))

    return make


@pytest.fixture
def fake_vllm():
    return FakeVllm()


@pytest.fixture
async def server():
    """A server on the loopback that answers as it is told to."""
    async with MisbehavingServer() as server:
        yield server
