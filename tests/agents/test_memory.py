"""Memory keeps what was observed, within limits that hold exactly."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.agents.memory import ListMemory, Memory, MemoryItem, TokenWindow, recalled
from simlab.agents.tokens import words
from simlab.env.environment import Utterance
from simlab.models.model import ChatMessage

SIX = [
    MemoryItem(letter, priority=priority)
    for letter, priority in zip("ABCDEF", [6, 2, 5, 4, 3, 1], strict=True)
]


def one_a_text(text):
    """Every text is one token, the separator too."""
    return min(1, len(text))


async def filled(memory, texts):
    for text in texts:
        await memory.add(MemoryItem(text))
    return memory


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"max_tokens": 4}, "E,F"),
        ({"max_items": 4, "max_tokens": 5}, "D,E,F"),
        ({"max_items": 4, "max_tokens": 6, "ranked": True}, "A,C,D"),
        ({"max_items": 4, "max_tokens": 10, "ranked": True}, "A,C,D,E"),
        ({"max_items": 4, "max_tokens": 7, "ranked": True}, "A,C,D,E"),
        ({"max_items": 2}, "E,F"),
        ({"max_tokens": 1}, "F"),
        ({"max_tokens": 0}, ""),
        ({"max_items": 0}, ""),
        ({}, "A,B,C,D,E,F"),
    ],
)
def test_interlab_18_limits_count_separators_and_combine(limits, text):
    """InterLab takes a limit of 0 items for none."""
    assert recalled(SIX, separator=",", count=one_a_text, **limits) == text


def test_interlab_16_recall_takes_a_separator_and_a_rendering():
    items = [MemoryItem("hot", time=1.0), MemoryItem("cold", time=2.0)]

    text = recalled(items, separator=" | ", render=lambda item: f"{item.time:g}s {item.text}")

    assert text == "1s hot | 2s cold"


def test_of_equal_priorities_the_later_is_recalled():
    items = [MemoryItem("old"), MemoryItem("new")]

    assert recalled(items, ranked=True, max_items=1) == "new"


def test_interlab_40_a_single_item_over_the_limit_is_cut():
    """InterLab raises IndexError."""
    assert recalled([MemoryItem("one two three four")], max_tokens=3, count=words) == "one two ..."


@settings(max_examples=50)
@given(
    st.lists(st.text(alphabet="ab \n", max_size=30), max_size=8),
    st.integers(0, 12),
    st.booleans(),
)
def test_interlab_40_no_limit_is_ever_exceeded(texts, max_tokens, ranked):
    """InterLab counts the tokens of another item: a limit of 12 gave 21."""
    items = [MemoryItem(text, priority=len(text)) for text in texts]

    text = recalled(items, max_tokens=max_tokens, ranked=ranked, count=words)

    assert words(text) <= max_tokens


async def test_all_memories_speak_the_protocol():
    assert isinstance(ListMemory(), Memory)
    assert isinstance(TokenWindow(), Memory)


async def test_turns_alternate_and_own_words_are_the_assistants():
    memory = ListMemory()
    for observation in ("Begin.", Utterance("bob", "Hi."), Utterance("ann", "Hello."), "End."):
        await memory.add(MemoryItem.of(observation, "ann"))

    assert memory.messages() == [
        ChatMessage("user", "Begin.\nbob: Hi."),
        ChatMessage("assistant", "Hello."),
        ChatMessage("user", "End."),
    ]
    assert memory.recall() == "Begin.\nbob: Hi.\nann: Hello.\nEnd."


async def test_turns_that_do_not_change_stay_the_same_objects():
    memory = ListMemory()
    await memory.add(MemoryItem.of("Begin.", "ann"))
    await memory.add(MemoryItem.of(Utterance("ann", "Hello."), "ann"))
    before = list(memory.messages())

    await memory.add(MemoryItem("End."))

    assert [kept is old for kept, old in zip(memory.messages(), before, strict=False)] == [True] * 2


def test_an_item_takes_time_and_priority_from_its_observation():
    @dataclass(frozen=True)
    class Alarm:
        time: float
        priority: float

        def __str__(self):
            return "Fire!"

    alarm = Alarm(3.0, 9.0)
    item = MemoryItem.of(alarm)

    assert (item.text, item.time, item.priority) == ("Fire!", 3.0, 9.0)
    assert item.data is alarm


@pytest.mark.parametrize("make", [ListMemory, TokenWindow])
async def test_interlab_17_copies_are_independent_and_share_their_items(make):
    memory = await filled(make(), ["a"])
    twin = memory.copy()

    await filled(memory, ["b"])
    await filled(twin, ["c", "d"])

    assert (memory.recall(), twin.recall()) == ("a\nb", "a\nc\nd")
    assert memory.items[0] is twin.items[0]
    assert [len(each.messages()) for each in (memory, twin)] == [1, 1]


async def test_interlab_39_a_copy_keeps_its_class_and_what_was_set_on_it():
    class Diary(TokenWindow):
        pass

    diary = Diary(9)
    diary.cover = "red"

    assert type(diary.copy()) is Diary
    assert (diary.copy().cover, diary.copy().max_tokens) == ("red", 9)


async def test_interlab_40_a_window_never_exceeds_its_limit():
    window = TokenWindow(7, count=words)

    for n_words in (1, 3, 9, 2, 7, 1, 1, 1, 1, 30):
        await window.add(MemoryItem(" ".join(["word"] * n_words)))
        assert words(window.recall(separator=" sep ")) <= 7
        assert window.items


async def test_a_full_window_is_cleared_to_three_quarters_so_that_its_beginning_lasts():
    window = await filled(TokenWindow(16, count=one_a_text), "abcdefgh")
    assert window.recall(separator="") == "abcdefgh"

    await filled(window, "i")
    assert window.recall(separator="") == "defghi"

    await filled(window, "jk")
    assert window.recall(separator="") == "defghijk"


async def test_a_window_cuts_own_words_as_well():
    window = TokenWindow(4, count=words)

    await window.add(MemoryItem.of(Utterance("ann", "one two three four five"), "ann"))

    assert window.messages() == [ChatMessage("assistant", "one two three ...")]


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="max_tokens must be at least 1, got 0"):
        TokenWindow(0)


async def test_interlab_42_memory_needs_no_network(monkeypatch):
    """InterLab downloads a vocabulary for its first memory."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket", refuse)

    assert (await filled(TokenWindow(), ["a"])).recall(max_tokens=5) == "a"
