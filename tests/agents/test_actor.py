from simlab.agents.actor import AgentActor, BeginEpisode, TakeTurn
from simlab.env.environment import ActionRequest
from simlab.trace.journal import Journal
from simlab.trace.tracing import current_span


class Witness:
    """Says in which episode's journal its turn is recorded, and how many turns it has had."""

    def __init__(self):
        self.n_turns = 0

    async def observe(self, observation):
        pass

    async def act(self, request):  # noqa: ARG002
        self.n_turns += 1
        journal = current_span().journal
        return (None if journal is None else journal.episode, self.n_turns)


def journal(episode):
    return Journal(episode, seed=0, writer=None)


async def turn(actor):
    return await actor.receive(TakeTurn(0, (), ActionRequest()))


async def test_a_turn_is_recorded_in_the_journal_of_the_episode():
    assert await turn(AgentActor(Witness(), "ann", journal(3))) == (3, 1)
    assert await turn(AgentActor(Witness(), "ann", None)) == (None, 1)


async def test_an_agent_that_begins_another_episode_remembers_and_is_recorded_there():
    actor = AgentActor(Witness(), "ann", None)

    told = []
    for episode in range(2):
        await actor.receive(BeginEpisode(journal(episode)))
        told.append(await turn(actor))

    assert told == [(0, 1), (1, 2)]
