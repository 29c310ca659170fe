"""Prompts are known by what they say, and cost what is new in them."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.errors import LogDamagedError
from simlab.trace import requests as requests_module
from simlab.trace.contents import reference_to
from simlab.trace.events import encode
from simlab.trace.plain import keep
from simlab.trace.requests import RequestReader, RequestWriter
from tests.trace.society import Ask, Message, Sampling

LONG = "fifty characters, all told, and no two alike: 0123"
"""A text longer than those which stand in place anyway."""


@dataclass(frozen=True)
class Choices:
    choices: tuple[str, ...]


def ask(*texts, **others):
    return Ask([Message("user", text) for text in texts], **others)


def digest(request, kind="model"):
    return RequestWriter(reference_to).prepare("buyer", kind, request).digest


def written_and_read(requests, actor="buyer"):
    """Requests as they were read from what was written of them, and what was written."""
    writer, reader = RequestWriter(keep), RequestReader()
    written = [writer.write(actor, writer.prepare(actor, "model", asked)) for asked in requests]
    return [reader.read(actor, "model", one)["prompt"] for one in written], written


def test_equal_requests_have_equal_digests():
    assert digest(ask("a", "b")) == digest(ask("a", "b"))
    assert len(digest(ask("a"))) == 16


@pytest.mark.parametrize(
    "other",
    [
        ask("a", "c"),
        ask("a"),
        ask("ab"),
        ask("a", "b", model="small+agent@7"),
        ask("a", "b", sampling=Sampling(17)),
        ask("a", "b", sampling=Choices(("yes", "no"))),
        Ask([Message("user", "a"), Message("assistant", "b")]),
        Ask([1, 2]),
    ],
)
def test_whatever_is_different_in_a_request_changes_its_digest(other):
    assert digest(other) != digest(ask("a", "b"))


def test_the_seed_is_no_part_of_the_digest():
    seeded = replace(ask("a"), sampling=Sampling(seed=7))

    assert digest(seeded) == digest(ask("a"))


def test_the_digest_depends_on_nothing_that_was_asked_before():
    writer = RequestWriter(reference_to)
    first = ask("a")
    writer.prepare("buyer", "model", first)
    grown = replace(first, prompt=[*first.prompt, Message("user", "b")])

    assert writer.prepare("buyer", "model", grown).digest == digest(ask("a", "b"))
    assert writer.prepare("buyer", "model", ask("b")).digest == digest(ask("b"))


def test_the_kind_of_an_effect_is_part_of_its_digest():
    assert digest("now?", "clock") != digest("now?", "tool")


def test_a_chat_that_grows_is_written_as_what_is_new():
    _, (_, second) = written_and_read([ask("a", "b"), ask("a", "b", "c")])

    assert second[1:] == ["chat", [[0, 2], ["user", "c"]]]


def test_a_chat_that_drops_its_oldest_messages_is_written_as_what_is_new():
    _, (_, second) = written_and_read([ask("system", "a", "b", "c"), ask("system", "b", "c", "d")])

    assert second[1:] == ["chat", [[0, 1], [2, 4], ["user", "d"]]]


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        ([LONG], [f"{LONG} and {LONG}"], [["user", 0, len(LONG), 0, f" and {LONG}"]]),
        ([f"hm {LONG}"], [LONG], [["user", 0, 0, len(LONG), ""]]),
        ([f"a {LONG} b"], [f"a {LONG} c {LONG} b"], [["user", 0, 53, 1, f"c {LONG} "]]),
        (["a", f"b {LONG}"], ["a", "b", "c", f"d {LONG}"], [[0, 1], ["user", "b"], ["user", "c"],
                                                          ["user", 1, 0, len(LONG) + 1, "d"]]),
        ([LONG], [LONG[::-1]], [["user", LONG[::-1]]]),
        (["a"], ["ab"], [["user", "ab"]]),
    ],
)  # fmt: skip
def test_a_message_that_is_like_one_before_is_written_as_its_difference(before, after, written):
    read, (_, second) = written_and_read([ask(*before), ask(*after)])

    assert second[2] == written
    assert read[1] == [["user", text] for text in after]


CALLS = ({"name": "weather", "arguments": '{"city": "Rome"}'},)
CALLED = [
    Message("user", "a"),
    Message("assistant", "", CALLS),
    Message("tool", f"{LONG} {LONG}", CALLS),
]


def test_turns_with_calls_of_tools_are_read_as_they_were_asked():
    grown = [*CALLED, Message("user", f"{LONG} {LONG} b")]

    read, (_, _, third) = written_and_read([Ask(CALLED[:1]), Ask(CALLED), Ask(grown)])

    assert read[1] == [
        ["user", "a"],
        ["assistant", "", [*CALLS]],
        ["tool", f"{LONG} {LONG}", [*CALLS]],
    ]
    assert read[2] == [*read[1], ["user", f"{LONG} {LONG} b"]]
    assert third[2] == [[0, 3], ["user", 2, 101, 0, " b"]]


@pytest.mark.parametrize("place", [1, 2])
def test_calls_of_tools_are_part_of_the_digest(place):
    other = list(CALLED)
    other[place] = replace(other[place], calls=())

    assert digest(Ask(other)) != digest(Ask(CALLED))
    assert digest(Ask(list(CALLED))) == digest(Ask(CALLED))


def test_each_actor_has_a_chat_of_its_own():
    writer, reader = RequestWriter(keep), RequestReader()
    for actor, text in [("buyer", "a"), ("seller", "b"), ("buyer", "c"), ("seller", "d")]:
        written = writer.write(actor, writer.prepare(actor, "model", ask("hello", text)))

        assert reader.read(actor, "model", written)["prompt"] == [["user", "hello"], ["user", text]]


def test_a_request_of_another_kind_is_written_as_it_is():
    writer = RequestWriter(keep)

    written = writer.write("buyer", writer.prepare("buyer", "tool", {"query": ["weather"]}))

    assert written == {"query": ["weather"]}
    assert RequestReader().read("buyer", "tool", written) == {"query": ["weather"]}


def test_a_sampling_that_has_a_schema_is_taken():
    @dataclass(frozen=True)
    class WithSchema:
        schema: dict

    asked = ask("a", sampling=WithSchema({"type": "object"}))

    assert digest(asked) == digest(asked)
    assert digest(asked) != digest(ask("a", sampling=WithSchema({"type": "array"})))


_prompts = st.lists(st.lists(st.sampled_from("abcd"), max_size=6), max_size=8)


@settings(max_examples=60, deadline=None)
@given(_prompts)
def test_prompts_come_back_whole(prompts):
    read, written = written_and_read([ask(*texts) for texts in prompts])

    assert read == [[["user", text] for text in texts] for texts in prompts]
    assert encode(written)


@settings(max_examples=60, deadline=None)
@given(_prompts)
def test_prompts_that_share_their_messages_come_back_whole(prompts):
    known = {text: Message("user", text) for text in "abcd"}

    read, _ = written_and_read([Ask([known[text] for text in texts]) for texts in prompts])

    assert read == [[["user", text] for text in texts] for texts in prompts]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.text("ab\ud800é", max_size=5).map((LONG * 2).join), max_size=4)))
def test_prompts_of_long_messages_come_back_whole(prompts):
    read, _ = written_and_read([ask(*texts) for texts in prompts])

    assert read == [[["user", text] for text in texts] for texts in prompts]


def read_on(reader, written):
    for prompt in written:
        reader.read("a", "model", [encode(["small", {}]), "chat", prompt])


def test_a_prompt_that_doubles_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(requests_module, "_MOST_MESSAGES", 1000)
    doubling = [[["user", "x"]], *([[0, 2**n], [0, 2**n]] for n in range(40))]

    with pytest.raises(LogDamagedError, match="a prompt of 'a' must have at most 1000 messages"):
        read_on(RequestReader(), doubling)


def test_a_message_that_doubles_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(requests_module, "_MOST_CHARACTERS", 1000)
    doubling = [[["user", "x"]], *([["user", 0, 2**n, 2**n, ""]] for n in range(40))]

    with pytest.raises(LogDamagedError, match="messages of 1000 characters, got more"):
        read_on(RequestReader(), doubling)


def test_a_copy_of_a_reader_goes_its_own_way():
    writer, reader = RequestWriter(keep), RequestReader()
    first, second, third = (
        writer.write("a", writer.prepare("a", "model", ask(*texts)))
        for texts in (("1",), ("1", "2"), ("1", "2", "3"))
    )
    reader.read("a", "model", first)

    twin = reader.copy()
    twin.read("a", "model", second)

    assert len(twin.read("a", "model", third)["prompt"]) == 3
    assert len(reader.read("a", "model", second)["prompt"]) == 2
