"""A reader drills from an episode down to one model call."""

import asyncio
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from simlab.errors import HostDiedError
from simlab.trace.events import Acted, Fault, Outcome, SteppedCore
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.requests import RequestReader
from simlab.trace.tracing import Tag, effect, note, span, turn
from simlab.trace.tree import read_step, read_tree
from tests.trace.society import (
    SEATS,
    Ask,
    Message,
    Model,
    Said,
    Sampling,
    act,
    new_run,
    open_writer,
    play,
    play_run,
    reply_to,
    resume,
)


@pytest.fixture
def writer(directory):
    writer = open_writer(directory)
    yield writer
    writer.close()


@pytest.fixture
def journal(writer):
    return Journal(0, seed=5, writer=writer)


def tree_of(directory, episode=0):
    return read_tree(Log(directory), episode)


def walked(node):
    return [(one.type, one.name, one.state) for one in node.walk()]


async def test_a_reader_drills_from_an_episode_to_one_model_call(directory):
    await play_run(directory, n_steps=2)

    episode = tree_of(directory)
    step = episode.children[1]
    part = next(part for part in step.children if part.actor == "buyer")
    (thinking,) = part.children
    call, thought = thinking.children

    assert (episode.type, episode.name, episode.state) == ("episode", "episode 0", "finished")
    assert episode.inputs["seed"] == 5
    assert episode.result["returns"] == {"buyer": 2.0, "seller": 2.0}
    assert (step.type, step.name, step.state, step.step) == ("step", "step 1", "finished", 1)
    assert [act["seat"] for act in step.result["acted"]] == list(SEATS)
    assert (part.type, part.name, part.kind) == ("part", "act of buyer", "act")
    assert (thinking.name, thinking.inputs) == ("think", {"step": 1})
    assert (call.type, call.kind, call.actor, call.step) == ("effect", "model", "buyer", 1)
    assert call.inputs == {
        "model": "small",
        "sampling": {"_type": "Sampling", "max_tokens": 16, "seed": None},
        "prompt": [["user", "buyer, step 1?"]],
    }
    assert call.result["text"] == thinking.result
    assert (thought.type, thought.kind) == ("note", "thought")


async def test_ids_of_parents_lead_back_up(directory):
    await play_run(directory)

    for node in tree_of(directory).walk():
        for child in node.children:
            assert child.parent == node.id


def test_interlab_4_an_open_span_is_shown_open_and_a_closed_one_with_its_result(directory, journal):
    log = Log(directory)
    seen = []

    def look():
        log.refresh()
        seen.append([(n.state, n.result) for n in read_tree(log, 0).walk() if n.type == "span"])

    look()
    with turn(journal, "buyer", 0, "act"), span("think") as here:
        look()
        here.result = [1]
    look()

    assert seen == [[], [("open", None)], [("finished", [1])]]


async def test_interlab_12_a_tree_read_while_it_grows_equals_the_one_read_from_the_disk(
    directory, writer
):
    log = Log(directory)
    for episode in range(2):
        await play(Journal(episode, seed=5, writer=writer), Model(), n_steps=1)
        log.refresh()

    for episode in range(2):
        assert list(read_tree(log, episode).walk()) == list(tree_of(directory, episode).walk())


async def test_interlab_12_a_tree_is_the_same_in_however_many_segments_it_lies(tmp_path, directory):
    await play_run(directory)
    parted = new_run(tmp_path / "parted")
    writer = open_writer(parted)
    with suppress(StopHereError):
        await play(Journal(0, seed=5, writer=writer), Model(stopping), n_steps=3)
    writer.close()
    journal, writer = resume(parted, host="host-1")

    await play(journal, Model(), n_steps=3)

    writer.close()
    assert len(parted.segments()) == 2
    shown = [
        [replace(node, wall_s=None, duration_s=None) for node in tree_of(run).walk()]
        for run in (directory, parted)
    ]
    assert shown[0] == shown[1]


class StopHereError(HostDiedError):
    """Where a process ends; nothing is made of it."""

    def __init__(self):
        super().__init__("the process ends here")


def stopping(seat, step, seed):
    if step == 2:
        raise StopHereError
    return reply_to(seat, step, seed)


@pytest.mark.parametrize("entries", [2, 3])
def test_a_span_that_is_written_again_after_a_crash_is_one(directory, writer, entries):
    for entry in range(entries):
        journal = Journal(0, seed=5, writer=writer)
        with turn(journal, "buyer", 0, "act"), ExitStack() as opened:
            outer = opened.enter_context(span("outer"))
            with span("inner", inputs={"entry": entry}):
                note("thought", entry)
            if entry < entries - 1:
                writer_of = outer.journal
                outer.journal = None  # the process stops here
                assert writer_of is journal

    (part,) = tree_of(directory).children[0].children
    assert walked(part)[1:] == [
        ("span", "outer", "finished"),
        ("span", "inner", "finished"),
        ("note", "thought", "finished"),
    ]
    inner, thought = part.children[0].children[0], part.children[0].children[0].children[0]
    assert (inner.inputs, thought.result) == ({"entry": entries - 1}, entries - 1)


async def test_interlab_9_what_is_found_comes_in_the_order_of_the_tree_not_of_time(
    directory, journal
):
    outer_open, inner_done = asyncio.Event(), asyncio.Event()

    async def first():
        with span("first"):
            outer_open.set()
            await inner_done.wait()
            with span("last in time"):
                pass

    async def second():
        await outer_open.wait()
        with span("second"), span("first in time"):
            inner_done.set()

    with turn(journal, "buyer", 0, "act"):
        await asyncio.gather(first(), second())

    found = tree_of(directory).find(lambda node: node.type == "span")
    assert [node.name for node in found] == ["first", "last in time", "second", "first in time"]


def test_a_span_that_was_never_opened_is_not_there(directory, journal):
    """InterLab lists a node from when it is made, entered or not."""
    with turn(journal, "buyer", 0, "act"):
        with span("opened"):
            pass
        span("made")

    assert [node.name for node in tree_of(directory).find(lambda n: n.type == "span")] == ["opened"]


def test_interlab_34_tags_are_found_in_tree_order_equal_before_and_after_reload(directory, journal):
    """InterLab reads tags back as plain dicts, in which no search finds them."""
    log = Log(directory)

    def tagged(tree):
        found = tree.find(lambda node: any(tag.name == "key" for tag in node.tags))
        return [(node.name, node.tags) for node in found]

    with turn(journal, "buyer", 0, "act"):
        with span("a", tags=["key"]), span("b"):
            note("c", tags=[Tag("key", "red")])
        with span("d", tags=[Tag("key", "blue"), "other"]):
            log.refresh()
            before = tagged(read_tree(log, 0))

    assert before == tagged(tree_of(directory)) == [
        ("a", (Tag("key"),)),
        ("c", (Tag("key", "red"),)),
        ("d", (Tag("key", "blue"), Tag("other"))),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "{braces} and {{more}} %s $x",
        "<b>not bold</b> <script>alert(1)</script> &amp;",
        "long " * 40 + "{<end>}",
        "half a \ud800 pair",
    ],
)
async def test_interlab_36_37_prompt_text_is_recoverable_verbatim(directory, journal, text):
    """InterLab keeps a prompt as HTML alone, with what it quotes unescaped."""
    prompt = [Message("system", "You sell."), Message("user", text)]

    await act(journal, "buyer", 0, Model(), prompt)

    (call,) = tree_of(directory).find(lambda node: node.type == "effect")
    assert call.inputs["prompt"] == [["system", "You sell."], ["user", text]]
    assert call.prompt_text() == f"system:\nYou sell.\n\nuser:\n{text}"


async def test_the_text_of_a_prompt_shows_which_tools_were_called(directory, journal):
    calls = ({"name": "weather", "arguments": '{"city": "Rome"}'}, {"name": "now"})
    prompt = [
        Message("user", "Is it warm?"),
        Message("assistant", "I look.", calls),
        Message("tool", "21", calls[:1]),
    ]

    await act(journal, "buyer", 0, Model(), prompt)

    (call,) = tree_of(directory).find(lambda node: node.type == "effect")
    assert call.prompt_text() == (
        'user:\nIs it warm?\n\nassistant:\nI look.\nweather({"city": "Rome"})\nnow()\n\ntool:\n21'
    )


async def test_prompts_of_token_ids_are_whole_and_no_text(directory, journal):
    ids = list(range(100))

    await act(journal, "buyer", 0, Model(), ids)
    await act(journal, "buyer", 1, Model(), [*ids, 7])

    first, second = tree_of(directory).find(lambda node: node.type == "effect")
    assert (first.inputs["prompt"], second.inputs["prompt"]) == (ids, [*ids, 7])
    with pytest.raises(ValueError, match="effect 'model' has no prompt of messages"):
        first.prompt_text()


def test_interlab_46_traces_of_depth_5000_are_written_and_read(directory, journal):
    """InterLab recurses, and fails from a depth of 900 on."""
    names = [str(level) for level in range(5_000)]
    with turn(journal, "buyer", 0, "act"), ExitStack() as opened:
        for name in names:
            opened.enter_context(span(name))

    tree = tree_of(directory)

    spans = tree.find(lambda node: node.type == "span")
    assert [node.name for node in spans] == names
    assert {node.state for node in spans} == {"finished"}
    assert list(tree.walk()) == list(tree_of(directory).walk())


async def test_errors_are_shown_with_their_frames(directory, journal):
    async def fail():
        with turn(journal, "buyer", 0, "act"), span("think"):
            await effect("tool", "?", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        await fail()

    thinking, call = tree_of(directory).find(lambda node: node.error is not None)
    assert (thinking.state, thinking.error.type) == ("error", "ZeroDivisionError")
    assert thinking.error.frames[0][0:2] == (__file__, "fail")
    assert (call.state, call.error) == ("error", Fault("ZeroDivisionError", "division by zero"))
    assert call.inputs == {"request": "?"}


async def test_a_call_that_was_cut_off_says_so(directory, journal):
    with turn(journal, "buyer", 0, "act"):
        asking = asyncio.ensure_future(effect("tool", "?", lambda _: asyncio.sleep(60)))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])

    (call,) = tree_of(directory).find(lambda node: node.type == "effect")
    assert (call.state, call.error.type) == ("error", "CancelledError")


async def test_a_failed_episode_is_an_error_until_it_is_tried_again(directory, writer, journal):
    fault = Fault("ModelError", "overloaded", "model")
    await journal.begin({})
    await journal.end(Outcome(0, {}, {}, {}, fault))
    failed = tree_of(directory)

    again = Journal(0, seed=5, writer=writer, history=Log(directory).history(0).without_end())
    await again.begin({})
    with turn(again, "buyer", 0, "act"):
        await effect("tool", "?", lambda _: 1)
    going_on = tree_of(directory)

    assert (failed.state, failed.error) == ("error", fault)
    assert (going_on.state, going_on.error) == ("open", None)


async def test_steps_and_parts_are_open_until_they_are_committed(directory, journal):
    await journal.begin({})
    with turn(journal, "buyer", 0, "act"), span("think"):
        pass
    before = walked(tree_of(directory))
    await journal.step(SteppedCore(0, 0.0, [Acted("buyer", "x")], {}))

    assert before[1:3] == [("step", "step 0", "open"), ("part", "act of buyer", "open")]
    assert [state for _, _, state in walked(tree_of(directory))][1:3] == ["finished"] * 2


def test_an_episode_that_was_not_begun_has_no_children(directory):
    assert walked(tree_of(directory, 7)) == [("episode", "episode 7", "open")]


async def test_long_inputs_and_results_are_in_their_place(directory, journal):
    offer = "an offer that is much longer than what stands in its place in the record"

    with turn(journal, "buyer", 0, "act"), span("think", inputs={"offer": offer}) as here:
        note("thought", [offer])
        here.result = {"said": offer}

    thinking, thought = tree_of(directory).find(lambda node: node.type in ("span", "note"))
    assert (thinking.inputs, thinking.result) == ({"offer": offer}, {"said": offer})
    assert thought.result == [offer]


async def test_a_recorded_call_can_be_asked_again_as_it_was(directory, journal):
    asked = Ask([Message("user", "what is your offer?")], sampling=Sampling(3))
    with turn(journal, "buyer", 0, "act"):
        await effect("model", asked, lambda _: Said("none"), returns=Said)

    (call,) = tree_of(directory).find(lambda node: node.kind == "model")
    prompt = [Message(role, text) for role, text in call.inputs["prompt"]]
    assert Ask(prompt, call.inputs["model"], Sampling(call.inputs["sampling"]["max_tokens"])) == (
        asked
    )


async def test_one_step_is_read_without_the_tree_of_the_episode(directory):
    await play_run(directory)
    log = Log(directory)
    whole = read_tree(log, 0).children

    for step in range(3):
        reader = RequestReader(log.whole)
        for node in (n for before in whole[:step] for n in before.walk() if n.type == "effect"):
            reader._before[node.actor] = node.inputs["prompt"]
        alone = read_step(log, 0, step, reader)
        assert list(alone.walk()) == list(whole[step].walk())


async def test_what_comes_behind_its_step_is_found_in_the_steps_that_follow(directory):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    await journal.begin({})
    for step in (0, 1, 2):
        with turn(journal, "slow", 0, f"act {step}"):
            await effect("tool", step, answered)
        await journal.step(SteppedCore(step, 0.0, [], {}))
    writer.close()
    log = Log(directory)

    def n_parts(overlap):
        return len(read_step(log, 0, 0, RequestReader(log.whole), overlap=overlap).children)

    assert (n_parts(0), n_parts(1), n_parts(2)) == (1, 2, 3)


async def answered(_):
    return "done"
