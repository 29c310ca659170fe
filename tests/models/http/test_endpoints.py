import asyncio
import gc

import pytest

from simlab.models.endpoint import EndpointModel
from simlab.models.http import endpoints
from simlab.models.model import ChatMessage
from tests.models.http.servers import HANG, MisbehavingServer, answer

REPLY = {"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 1}}
HELLO = [ChatMessage("user", "Hello")]


async def ask_twice():
    async with MisbehavingServer() as server:
        server.answers, server.keeps_open = [answer(REPLY)], True
        model = EndpointModel("small", url=server.url)
        first, second = await model.generate(HELLO), await model.generate(HELLO)
        assert first.text == second.text == "Hi"
        return endpoints.endpoint_of(model), endpoints.endpoint_of(model)


def test_an_event_loop_has_one_endpoint_for_models_of_equal_options():
    one, other = asyncio.run(ask_twice())

    assert one is other


def test_connections_close_with_their_event_loop():
    """What is left open is a ResourceWarning, which fails a test here."""
    before = dict(endpoints._tables)

    asyncio.run(ask_twice())
    asyncio.run(ask_twice())
    gc.collect()

    assert endpoints._tables == before


def test_an_event_loop_that_ends_while_a_request_is_under_way_ends():
    async def leave():
        async with MisbehavingServer() as server:
            server.answers = [HANG]
            model = EndpointModel("small", url=server.url)
            task = asyncio.create_task(model.generate(HELLO))
            await server.asked.wait()
            return task

    task = asyncio.run(leave())

    assert task.cancelled()


@pytest.mark.parametrize(
    "options", [{"model": "other"}, {"concurrency": 2}, {"server": "vllm"}, {"timeout_s": 3.0}]
)
async def test_other_options_make_another_endpoint(options):
    model = EndpointModel("small", url="http://x/v1")
    other = EndpointModel("small", **{"url": "http://x/v1", **options})

    assert endpoints.endpoint_of(model) is not endpoints.endpoint_of(other)
