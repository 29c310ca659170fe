"""sim-18: a log grows by what is new, whatever the length of the prompts in it."""

from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from zlib import crc32

import pytest

from simlab.trace.events import Acted, SteppedCore
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.tracing import effect, span, turn
from simlab.trace.tree import read_tree
from tests.trace.society import Ask, Message, open_writer

N_STEPS = 60
NEW_TEXT = 600
"""Characters that are said in each step."""


@dataclass(frozen=True)
class Drawn:
    text: str
    prompt_ids: tuple[int, ...] = field(default=())


def grown(messages):
    return messages


def windowed(messages):
    return [*messages[:1], *messages[1:][-20:]]


def joined(messages):
    """One message, which grows: what an agent is shown that never hears of its own words."""
    heard = "\n".join(message.text for message in messages[1:])
    return [messages[0], Message("user", f"{heard}\n\n{'What do you say? ' * 20}")]


def ids_of(messages):
    """Token ids of a prompt, four characters each."""
    return tuple(chain.from_iterable(_ids_of_text(message.text) for message in messages))


@cache
def _ids_of_text(text):
    return [crc32(text[at : at + 4].encode()) & 0x7FFF for at in range(0, len(text), 4)]


async def sizes(directory, memory, *, ids=False, n_steps=N_STEPS):
    """Bytes of the segment after each step of a seat that hears and says something new in each."""
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    messages = [Message("system", "You sell a car. " * 40)]
    after = []
    await journal.begin({})
    for step in range(n_steps):
        heard = f"{step}:".ljust(NEW_TEXT // 2, "h")
        said = f"{step}:".ljust(NEW_TEXT // 2, "s")
        messages.append(Message("user", heard))
        prompt = memory(messages)
        drawn = Drawn(said, ids_of(prompt) if ids else ())
        with turn(journal, "buyer", step, "act"), span("act: 1/3"):
            await effect("model", Ask(prompt), lambda _, drawn=drawn: drawn, returns=Drawn)
        messages.append(Message("assistant", said))
        acted = [Acted("buyer", journal.plain(said))]
        await journal.step(SteppedCore(step, 0.0, acted, journal.plain({"seen": [heard]})))
        after.append(writer.path.stat().st_size)
    writer.close()
    return after


@pytest.mark.parametrize(
    ("memory", "ids"),
    [(grown, False), (windowed, False), (joined, False), (grown, True), (windowed, True)],
)
async def test_sim_18_a_step_costs_what_is_new_in_it_however_late_it_comes(directory, memory, ids):
    """InterLab logs an agent's whole memory with each query."""
    after = await sizes(directory, memory, ids=ids)

    early, late = after[40] - after[30], after[-1] - after[-11]
    assert late <= 1.1 * early
    assert after[-1] < 3 * N_STEPS * NEW_TEXT


@pytest.mark.slow
@pytest.mark.parametrize("memory", [grown, windowed, joined])
async def test_sim_18_step_1000_costs_no_more_than_step_100(directory, memory):
    after = await sizes(directory, memory, n_steps=1_000)

    early, late = after[105] - after[95], after[-1] - after[-11]
    assert late <= 1.1 * early
    assert after[-1] < 3 * 1_000 * NEW_TEXT


@pytest.mark.parametrize("memory", [windowed, joined])
async def test_prompts_and_token_ids_come_back_whole(directory, memory):
    await sizes(directory, memory, ids=True)

    calls = read_tree(Log(directory), 0).find(lambda node: node.type == "effect")

    assert len(calls) == N_STEPS
    for call in calls:
        messages = [Message(role, text) for role, text in call.inputs["prompt"]]
        assert tuple(call.result["prompt_ids"]) == ids_of(messages)
