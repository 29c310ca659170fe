"""Summarising memory stays within its limit, and so does every summary."""

import pytest

from simlab.agents.memory import Memory, MemoryItem
from simlab.agents.summary import SummarisingMemory, summarised, summariser
from simlab.agents.tokens import words
from simlab.models.model import ChatMessage, Sampling
from simlab.trace.directory import RunDirectory
from simlab.trace.log import Log
from simlab.trace.recording import recording
from simlab.trace.tree import read_tree


class Shortening:
    """Summarises to as many words as it may, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    async def __call__(self, text, max_tokens):
        self.asked.append((text, max_tokens))
        return " ".join(text.split()[:max_tokens])


@pytest.fixture
def book(tmp_path, disk_that_never_waits):  # noqa: ARG001
    """A recording; what is noted inside of it is read by `notes`."""
    return recording(tmp_path / "run")


def notes(book):
    """What was noted: kind and data."""
    tree = read_tree(Log(RunDirectory.open(book.path)), 0)
    return [(node.kind, node.result) for node in tree.find(lambda node: node.type == "note")]


async def filled(memory, texts):
    for text in texts:
        await memory.add(MemoryItem(text))
    return memory


async def test_interlab_19_the_first_of_the_fullest_level_is_merged_with_its_successor():
    shorten = Shortening()
    memory = await filled(
        SummarisingMemory(shorten, 11, max_summary_tokens=2, count=words),
        ["a1 a2 a3", "b1 b2 b3", "c1 c2 c3"],
    )
    assert shorten.asked == []

    await filled(memory, ["d1 d2 d3"])

    assert shorten.asked == [("a1 a2 a3\nb1 b2 b3", 2)]
    assert [(item.text, item.level) for item in memory.items] == [
        ("a1 a2", 1),
        ("c1 c2 c3", 0),
        ("d1 d2 d3", 0),
    ]


async def test_interlab_19_a_summary_is_merged_again_only_when_its_level_is_fullest():
    memory = SummarisingMemory(Shortening(), 9, max_summary_tokens=1, count=words)

    await filled(memory, [f"{letter}1 {letter}2" for letter in "abcdefgh"])

    assert [item.level for item in memory.items] == [2, 1, 0, 0]
    assert memory.items[0].text == "a1"


async def test_interlab_19_the_limit_holds_after_each_item():
    memory = SummarisingMemory(Shortening(), 10, count=words)

    for n_words in (1, 4, 30, 2, 10, 1, 1, 1, 1, 1, 1, 11):
        await memory.add(MemoryItem(" ".join(["word"] * n_words)))
        assert memory.n_tokens <= 10
        assert words(memory.recall(separator=" sep ")) <= 10


async def test_interlab_40_the_limit_holds_for_one_item_and_a_summariser_that_does_not_shorten():
    async def lengthen(text, _max_tokens):
        return f"{text} and more"

    memory = SummarisingMemory(lengthen, 3, count=words)

    await filled(memory, ["a b c d e", "f", "g h"])

    assert memory.n_tokens <= 3


async def test_interlab_19_an_earlier_copy_is_unaffected():
    memory = await filled(SummarisingMemory(Shortening(), 7, count=words), ["a a a", "b b b"])
    twin = memory.copy()

    await filled(memory, ["c c c"])

    assert [item.text for item in twin.items] == ["a a a", "b b b"]
    assert isinstance(twin, Memory)
    assert twin.messages() == [ChatMessage("user", "a a a\nb b b")]


async def test_a_summary_keeps_the_latest_time_and_the_highest_priority():
    memory = SummarisingMemory(Shortening(), 4, count=words)

    await memory.add(MemoryItem("a a", time=1.0, priority=5.0))
    await memory.add(MemoryItem("b b", time=2.0, priority=1.0))

    assert (memory.items[0].time, memory.items[0].priority) == (2.0, 5.0)


async def test_interlab_26_a_summary_within_the_limit_is_taken_at_once(replying, book):
    model = replying(" Short. ")

    with book:
        assert await summarised(model, "A long text.", 5, count=words) == "Short."
    assert model.prompts == [
        [ChatMessage("user", "Summarise this in at most 3 words. Write only the summary.\n\n"
                     "A long text.")]
    ]  # fmt: skip
    assert notes(book) == []


@pytest.mark.parametrize("first", ["one two three four five six", ""])
async def test_interlab_26_a_summary_that_is_too_long_or_empty_is_asked_for_once_more(
    replying, book, first
):
    model = replying(first, "one two")

    with book:
        assert await summarised(model, "A long text.", 3, count=words) == "one two"
    assert model.prompts[1][1:] == [
        ChatMessage("assistant", first or "(nothing)"),
        ChatMessage("user", "Write it again, in at most 2 words."),
    ]
    assert notes(book) == []


async def test_interlab_26_the_second_one_is_cut_at_a_separator_with_a_warning(replying, book):
    model = replying("one two three four five six", "one two, three four five")

    with book:
        summary = await summarised(model, "A long text.", 4, count=words)

    assert summary == "one two, three ..."
    assert notes(book) == [("warning", "expected a summary of 1 to 4 tokens, got 5; cut")]


async def test_interlab_26_of_nothing_the_text_itself_is_cut(replying, book):
    with book:
        assert await summarised(replying("", ""), "a b c d", 3, count=words) == "a b ..."
    assert len(notes(book)) == 1


async def test_a_summariser_asks_the_model_within_the_memory(replying):
    model = replying("both")
    summarise = summariser(model, sampling=Sampling(temperature=0), count=words)
    memory = SummarisingMemory(summarise, 4, count=words)

    await filled(memory, ["a a", "b b"])

    assert [item.text for item in memory.items] == ["both"]
    assert model.samplings[0].temperature == 0


@pytest.mark.parametrize("limits", [{"max_tokens": 0}, {"max_summary_tokens": 0}])
def test_a_limit_below_one_is_refused(limits):
    with pytest.raises(ValueError, match="max_tokens must be at least 1, got 0"):
        SummarisingMemory(Shortening(), **limits)
