import asyncio
import dataclasses
import pickle

import pytest

from simlab.actors import ActorRef
from simlab.errors import ActorError
from tests.actors.players import Echo


async def test_a_reference_survives_pickling_and_leads_to_the_same_actor(host):
    ref = host.spawn(Echo)

    copy = pickle.loads(pickle.dumps(ref))

    assert copy == ref
    assert hash(copy) == hash(ref)
    assert await copy.ask("hello") == "hello"


async def test_a_reference_sent_in_a_message_leads_to_the_same_actor(host):
    ref = host.spawn(Echo)

    (received,) = await ref.ask((ref,))

    assert await received.ask("hello") == "hello"


def test_a_reference_is_read_as_the_name_of_its_actor():
    assert str(ActorRef("system", "host-0", "Peer/0")) == "Peer/0"


def test_a_reference_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ActorRef("system", "host-0", "Peer/0").name = "Peer/1"


def test_a_reference_outside_its_system_says_where_it_can_be_used():
    ref = ActorRef("a-system", "host-0", "Peer/0")

    with pytest.raises(ActorError, match=r"no host of actor system 'a-system'; use .* 'async with"):
        asyncio.run(ref.tell("hello"))
