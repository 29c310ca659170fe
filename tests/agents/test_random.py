"""Random agents answer legally, and the same seed answers the same."""

import random
from typing import Literal

import numpy as np

from simlab.agents.agent import Agent
from simlab.agents.random import RandomAgent
from simlab.env.car_sale import Offer
from simlab.env.environment import ActionRequest
from simlab.env.spaces import is_legal

REQUESTS = [
    ActionRequest(Offer),
    ActionRequest(Literal["a", "b"]),
    ActionRequest(str, legal=["ann", "bob", "carol"]),
    ActionRequest(int),
]


async def played(agent, n_times=5):
    return [await agent.act(request) for _ in range(n_times) for request in REQUESTS]


async def test_every_answer_is_legal():
    agent = RandomAgent(seed=3)

    for request in REQUESTS * 5:
        assert is_legal(request, await agent.act(request))


async def test_a_seed_and_a_seat_settle_the_answers():
    plain = await played(RandomAgent(seed=3, seat="ann"))

    assert await played(RandomAgent(seed=3, seat="ann")) == plain
    assert await played(RandomAgent(seed=4, seat="ann")) != plain
    assert await played(RandomAgent(seed=3, seat="bob")) != plain


async def test_interlab_30_global_generators_are_left_alone():
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002

    agent = RandomAgent(seed=3)
    await agent.observe("anything")
    await played(agent)

    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_it_is_an_agent():
    assert isinstance(RandomAgent(), Agent)
