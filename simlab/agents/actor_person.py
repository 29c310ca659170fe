"""A person behind an actor: one at one terminal, asked from every host."""

import asyncio
from dataclasses import dataclass

from simlab.actors import Actor, ActorRef
from simlab.agents.person import HumanAnswer, Person, Question
from simlab.errors import PersonFailedError
from simlab.stray import Boundary


class PersonActor(Actor):
    """Lets seats in all hosts ask somebody; it lives where that person is, in the driver.

    It takes the next question while another waits for its answer. An ask that is cancelled takes
    its question back, and so does the death of the host that asked.

    Args:
        person: Is asked.
    """

    __slots__ = ("_person",)

    def __init__(self, person: Person) -> None:
        self._person = person

    def receive(self, message: Question) -> "asyncio.Future[HumanAnswer]":
        """Begin to ask.

        Returns:
            The answer, once it is there.
        """
        return asyncio.ensure_future(self._answer(message))

    async def _answer(self, question: Question) -> HumanAnswer:
        """Ask; what the person raises fails the episode of whoever asked, and no other.

        Raises:
            PersonFailedError: It was an error of the person's own, which is its cause.
        """
        with Boundary("the person who was asked", PersonFailedError):
            return await self._person.answer(question)


@dataclass(frozen=True, slots=True)
class ActorPerson:
    """The person behind a `PersonActor`; a value that pickles and works in every host.

    Attributes:
        ref: Address of the actor.
    """

    ref: ActorRef

    async def answer(self, question: Question) -> HumanAnswer:
        """Ask where the person is; see `Person.answer`."""
        answer: HumanAnswer = await self.ref.ask(question)
        return answer
