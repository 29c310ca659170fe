"""Memory that recalls by meaning."""

import numpy as np
import pytest

from simlab.agents.llm import LlmAgent
from simlab.agents.memory import ListMemory, Memory, MemoryItem, TokenWindow
from simlab.agents.rating_judge import RatingJudge
from simlab.agents.recall import RecallMemory
from simlab.agents.tokens import words
from simlab.env.environment import ActionRequest, Utterance
from simlab.env.score import Score
from simlab.errors import ModelError
from simlab.models.scripted_embedder import ScriptedEmbedder

FACT = "The password of the cellar is swordfish."
QUESTION = "What is the password?"
DAYS = [f"Day {n}: the weather was fine." for n in range(200)]


class Directions:
    """Embeds a text by the numbers that it ends with, and keeps what it was asked."""

    name = "directions"

    def __init__(self):
        self.asked = []

    async def embed(self, texts):
        self.asked.append(list(texts))
        vectors = np.array([eval(text.partition("@")[2]) for text in texts], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def directions():
    return Directions()


async def filled(memory, items):
    for item in items:
        await memory.add(item if isinstance(item, MemoryItem) else MemoryItem(item))
    return memory


async def shown(memory, question=""):
    """The items that are shown, by what stands before the @."""
    return [item.text.partition("@")[0] for item in (await memory.about(question)).items]


def near(n_items, **options):
    """A memory that shows so many of the texts of one token that stand here."""
    return RecallMemory(
        options.pop("embedder"), n_items * 2 - 1, count=words, n_recent=0, **options
    )


async def test_interlab_20_each_item_is_embedded_once_and_each_question_when_it_is_asked(
    directions,
):
    memory = await filled(near(1, embedder=directions), ["a@(1,0)", "b@(0,1)"])
    assert directions.asked == [["a@(1,0)"], ["b@(0,1)"]]

    await memory.about("q@(1,1)")
    await memory.about("r@(1,0)")

    assert directions.asked[2:] == [["q@(1,1)"], ["r@(1,0)"]]


async def test_interlab_20_items_are_ranked_by_their_similarity_to_the_question(directions):
    memory = await filled(
        near(2, embedder=directions), ["a@(1,0)", "b@(-1,9)", "c@(1,1)", "d@(2,1)", "e@(0,1)"]
    )

    assert await shown(memory, "q@(1,0)") == ["a", "d"]
    assert await shown(memory, "q@(0,1)") == ["b", "e"]
    assert await shown(memory, "q@(-2,-1)") == ["b", "e"], "those that are least unlike it"


async def test_interlab_20_without_a_question_the_latest_are_shown(directions):
    memory = await filled(near(2, embedder=directions), ["a@(1,0)", "b@(0,1)", "c@(1,1)"])

    assert await shown(memory) == ["b", "c"]
    assert memory.recall(max_items=2, separator=" ") == "b@(0,1) c@(1,1)"
    assert len(directions.asked) == 3, "no question was embedded"


async def test_while_all_has_room_all_is_shown_and_no_question_is_embedded(directions):
    memory = await filled(near(2, embedder=directions), ["a@(1,0)", "b@(0,1)"])

    assert await memory.about("q@(1,0)") is memory
    assert len(directions.asked) == 2


async def test_the_last_few_come_first_and_all_stands_in_the_order_in_which_it_happened(
    directions,
):
    memory = RecallMemory(directions, 7, n_recent=2, count=words)
    await filled(memory, ["a@(1,0)", "b@(0,1)", "c@(1,1)", "d@(0,1)", "e@(0,1)"])

    assert await shown(memory, "q@(1,0)") == ["a", "c", "d", "e"]


async def test_what_has_no_room_is_left_out_for_what_has(directions):
    memory = RecallMemory(directions, 6, n_recent=1, count=words)
    await filled(memory, ["a@(1,1)", "so long a thing @(1,0)", "c@(9,1)", "d@(0,1)"])

    assert await shown(memory, "q@(1,0)") == ["a", "c", "d"]


async def test_of_those_that_differ_by_rounding_alone_the_later_is_recalled(directions):
    """Another machine, in a replay, may round them the other way round."""
    memory = near(3, embedder=directions)
    await filled(memory, [f"{n}@(.1,.7,.3,.9,.2{(n % 7):07})" for n in range(50)])
    assert len({vector.tobytes() for vector in memory._vectors}) > 1

    assert await shown(memory, "q@(.3,.1,.8,.2,.7)") == ["47", "48", "49"]


async def test_how_recent_an_item_is_may_count(directions):
    items = ["a@(1,0)", *["-@(0,1)"] * 400, "b@(9,3)", "c@(0,1)"]

    assert await shown(await filled(near(1, embedder=directions), items), "q@(1,0)") == ["a"]
    recent = await filled(near(1, embedder=directions, recency=0.5), items)
    assert await shown(recent, "q@(1,0)") == ["b"]


async def test_how_important_an_item_is_may_count(directions):
    items = ["a@(1,0)", MemoryItem("b@(1,1)", priority=9.0), MemoryItem("c@(0,1)", priority=9.5)]

    assert await shown(await filled(near(1, embedder=directions), items), "q@(1,0)") == ["a"]
    important = await filled(near(1, embedder=directions, importance=1.0), items)
    assert await shown(important, "q@(1,0)") == ["b"]


async def test_interlab_40_no_more_is_shown_than_the_limit_allows_and_one_item_over_it_is_cut():
    memory = RecallMemory(ScriptedEmbedder("near"), 5, count=words)
    own = MemoryItem("ann: one two three four five six", own_words="one two three four five six")

    for item in (own, "six seven eight", "nine ten eleven twelve thirteen fourteen", "fifteen"):
        await filled(memory, [item])
        for question in ("", "Is it two, eight or nine?"):
            assert 0 < words((await memory.about(question)).recall()) <= 5

    assert memory.items[0].own_words == "one two three four ..."


async def test_interlab_17_a_copy_goes_its_own_way_and_shares_what_was_embedded(directions):
    memory = await filled(near(1, embedder=directions), ["a@(1,0)"])
    twin = memory.copy()

    await filled(memory, ["b@(1,1)"])
    await filled(twin, ["c@(0,1)", "d@(1,2)"])

    assert type(twin) is RecallMemory
    assert await shown(memory, "q@(0,1)") == ["b"]
    assert await shown(twin, "q@(0,1)") == ["c"]
    assert len(directions.asked) == 6


async def test_an_embedder_that_fails_leaves_nothing_behind():
    class Broken:
        name = "broken"

        async def embed(self, _texts):
            raise ModelError("the embedder is down")

    memory = RecallMemory(Broken())

    with pytest.raises(ModelError, match="the embedder is down"):
        await memory.add(MemoryItem("a"))
    assert (await memory.about("")).recall() == ""


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"max_tokens": 0}, "max_tokens must be at least 1, got 0"),
        ({"n_recent": -1}, "n_recent must be at least 0, got -1"),
        ({"recency": -0.5}, "recency must be at least 0, got -0.5"),
        ({"importance": -1.0}, "importance must be at least 0, got -1.0"),
    ],
)
def test_a_number_that_is_out_of_its_range_is_refused(directions, option, message):
    with pytest.raises(ValueError, match=message):
        RecallMemory(directions, **option)


@pytest.mark.parametrize("make", [ListMemory, TokenWindow])
async def test_other_memories_show_the_same_whatever_is_asked(make):
    memory = await filled(make(), ["a", "b"])

    assert await memory.about("a?") is memory


def test_it_is_a_memory(directions):
    assert isinstance(RecallMemory(directions), Memory)


async def prompt_of(agent, model):
    """What an agent is asked with that was told a fact, then heard of 200 days."""
    await agent.observe(FACT)
    for day in DAYS:
        await agent.observe(Utterance("bob", day))
    await agent.act(ActionRequest(str, prompt=QUESTION))
    return model.prompts[-1]


async def test_interlab_20_a_fact_told_200_observations_ago_is_recalled_for_its_question(replying):
    model = replying("swordfish")
    memory = {"kind": "recall", "model": ScriptedEmbedder("near"), "max_tokens": 60, "n_recent": 2}
    agent = LlmAgent(model, seat="ann", memory=memory)

    [_, asked] = await prompt_of(agent, model)

    told, *_, yesterday, today, empty, question = asked.text.splitlines()
    assert told == FACT
    assert [yesterday, today] == [f"bob: {day}" for day in DAYS[-2:]]
    assert (empty, question) == ("", QUESTION)
    assert asked.text.count("weather") < 10


async def test_a_window_of_as_many_tokens_has_dropped_it(replying):
    model = replying("I do not know.")

    prompt = await prompt_of(LlmAgent(model, memory={"max_tokens": 60}), model)

    assert FACT not in prompt[-1].text


async def test_interlab_16_asking_writes_nothing_into_it(replying):
    agent = LlmAgent(
        replying("Yes.", "No."),
        memory={"kind": "recall", "model": ScriptedEmbedder("near"), "max_tokens": 20},
    )
    for day in DAYS[:9]:
        await agent.observe(day)
    before = agent.memory.recall()

    await agent.query("What is new?")
    await agent.act(ActionRequest(str, prompt=QUESTION))

    assert agent.memory.recall() == before


async def test_a_judge_in_a_seat_recalls_what_it_is_asked_about(replying):
    model = replying(logprobs={" 1": -1.0, " 2": -1.0})
    memory = {
        "kind": "recall",
        "model": ScriptedEmbedder("near"),
        "max_tokens": 30,
        "n_recent": 1,
    }
    judge = RatingJudge(model, question="Is it safe?", scale=[1, 2], memory=memory)
    for told in (FACT, *DAYS[:20]):
        await judge.observe(told)

    await judge.act(ActionRequest(Score, prompt="Is the password of the cellar safe?"))

    assert FACT in model.prompts[-1][0].text
    assert DAYS[0] not in model.prompts[-1][0].text
