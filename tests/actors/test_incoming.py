"""What can go wrong with messages and answers between hosts."""

import pytest

from simlab.actors.parcel import WINDOW
from simlab.errors import (
    ActorError,
    ActorStoppedError,
    EpisodeError,
    UnfitAnswerError,
)
from tests.actors.players import (
    Echo,
    Failing,
    join,
)


async def test_a_message_that_cannot_be_pickled_raises_at_the_sender(hosts):
    a, b = hosts
    ref = b.spawn(Echo)

    for send in (a.tell, a.ask):
        with pytest.raises((TypeError, AttributeError), match="pickle"):
            await send(ref, lambda: None)

    assert await a.ask(ref, "still fine") == "still fine"


class Unpicklable:
    """Cannot be sent."""

    def __reduce__(self) -> str:
        raise TypeError("not for sending")


class AnswersUnpicklable(Echo):
    """Answers what cannot be sent."""

    def receive(self, _message: object) -> object:
        return Unpicklable()


async def test_an_answer_that_cannot_be_pickled_fails_the_ask(hosts):
    a, b = hosts

    with pytest.raises(
        ActorError, match=r"AnswersUnpicklable/0.0' cannot be pickled: .*not for sending"
    ):
        await a.ask(b.spawn(AnswersUnpicklable), None)


class Unreadable:
    """Can be sent and not be read."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return int, ("not a number",)


async def test_a_message_that_cannot_be_read_fails_the_ask_and_reports_the_tell(transport):
    failures = []
    a, b = join(transport, "a", "b", on_failure=lambda _ref, error: failures.append(str(error)))
    ref = b.spawn(Echo)

    with pytest.raises(ActorError, match=r"a message for 'Echo/0.0' cannot be read in host 'b'"):
        await a.ask(ref, Unreadable())
    await a.tell(ref, Unreadable())

    assert await a.ask(ref, "still fine") == "still fine"
    assert len(failures) == 1
    for host in (a, b):
        await host.close()


async def test_an_error_reaches_the_asker_as_the_same_type_with_its_traceback(hosts):
    a, b = hosts
    ref = b.spawn(Failing)

    with pytest.raises(UnfitAnswerError, match="too long") as caught:
        await a.ask(ref, UnfitAnswerError.of("bla bla", "too long"))

    assert caught.value.raw == "bla bla"
    assert isinstance(caught.value, EpisodeError)
    assert "raised in host 'b'" in caught.value.__notes__[0]
    assert "players.py" in caught.value.__notes__[0]


class PickyError(Exception):
    """Does not survive pickling, as its `__init__` wants more than one argument."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


class Picky(Echo):
    """Raises what cannot be sent."""

    def receive(self, _message: object) -> object:
        raise PickyError("no", "because")


async def test_an_error_that_does_not_survive_pickling_reaches_the_asker_as_an_actor_error(hosts):
    a, b = hosts

    with pytest.raises(ActorError, match=r"PickyError \(which cannot be pickled\): no: because"):
        await a.ask(b.spawn(Picky), None)


async def test_asking_an_actor_that_is_not_there_names_it(hosts):
    a, b = hosts

    with pytest.raises(ActorStoppedError, match="'nobody' of host 'b'"):
        await a.ask(b.ref("nobody"), "hello")


async def test_messages_to_actors_that_are_not_there_are_counted_by_their_host(hosts):
    a, b = hosts

    for _ in range(WINDOW + 1):
        await a.tell(b.ref("nobody"), "hello")
    await a.ask(b.spawn(Echo), "all have arrived")

    assert b.statistics().n_dead_letters == WINDOW + 1
