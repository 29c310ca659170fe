"""Spans nest, close with what came of them, and are found by who is inside."""

import asyncio
import copy
import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simlab.trace.events import Noted, SpanClosed, SpanOpened
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.tracing import (
    Span,
    Tag,
    current_span,
    inside,
    note,
    root_id,
    span,
    traced,
    turn,
)
from simlab.trace.tree import read_tree
from tests.trace.society import open_writer


@pytest.fixture
def journal(directory):
    writer = open_writer(directory)
    yield Journal(0, seed=5, writer=writer)
    writer.close()


def events(directory, kind):
    return list(Log(directory).events(0, (kind,)))


def test_interlab_1_a_span_is_new_then_open_then_finished():
    here = span("think")
    assert (here.state, current_span()) == ("new", None)

    with here as opened:
        assert opened is here
        assert (here.state, current_span()) == ("open", here)

    assert (here.state, current_span()) == ("finished", None)


def test_interlab_2_nested_blocks_are_ordered_children_with_inputs_and_results(directory, journal):
    with turn(journal, "buyer", 0, "act"), span("outer", inputs={"price": 3}) as outer:
        with span("first", kind="try") as first:
            first.result = [1]
        with span("second") as second:
            second.set_result("done")

    opened = events(directory, SpanOpened)
    assert [(event.name, event.kind, event.inputs) for event in opened] == [
        ("outer", "span", {"price": 3}),
        ("first", "try", {}),
        ("second", "span", {}),
    ]
    assert [event.parent for event in opened] == [
        root_id("buyer", 0, "act"), outer.id, outer.id
    ]  # fmt: skip
    assert [event.result for event in events(directory, SpanClosed)] == [[1], "done", None]


def test_interlab_3_an_exception_goes_on_and_is_kept_with_frames_and_cause(directory, journal):
    def fail():
        try:
            {}["offer"]
        except KeyError as error:
            raise ValueError("no offer") from error

    with (
        pytest.raises(ValueError, match="no offer") as caught,
        turn(journal, "buyer", 0, "act"),
        span("think") as here,
    ):
        fail()

    (closed,) = events(directory, SpanClosed)
    assert here.state == "error"
    assert (closed.error.type, closed.error.message) == ("ValueError", "no offer")
    file, function, line, source = closed.error.frames[-1]
    assert (file, function) == (__file__, "fail")
    assert line == caught.traceback[-1].lineno + 1
    assert source == 'raise ValueError("no offer") from error'
    assert (closed.error.cause.type, closed.error.cause.message) == ("KeyError", "'offer'")


@pytest.mark.parametrize("state", ["new", "open", "finished", "error"])
def test_interlab_4_a_span_is_the_same_after_it_was_sent_in_any_state(journal, state):
    """InterLab's nodes hold a lock, so that they can be neither pickled nor copied."""
    with turn(journal, "buyer", 0, "act"):
        here = span("think", kind="try", inputs={"price": 3}, tags=[Tag("key", "red")])
        if state != "new":
            here.open()
        here.set_result([1])
        if state in ("finished", "error"):
            here.close(ValueError("no") if state == "error" else None)

    sent, copied = pickle.loads(pickle.dumps(here)), copy.deepcopy(here)

    assert here.state == state
    assert sent.__getstate__() == copied.__getstate__() == here.__getstate__()
    assert (sent.inputs, sent.tags, sent.result) == ({"price": 3}, (Tag("key", "red"),), [1])
    assert (sent.journal, copied.journal) == (None, None), "who gets it sets the one that is there"


def test_interlab_6_a_duplicate_input_is_refused():
    here = span("think", inputs={"price": 3})
    here.add_inputs(limit=4)

    with pytest.raises(ValueError, match="span 'think' has an input 'price' already"):
        here.add_inputs(price=5)

    assert here.inputs == {"price": 3, "limit": 4}


def test_interlab_6_inputs_may_be_added_before_and_during_the_block(directory, journal):
    with turn(journal, "buyer", 0, "act"):
        here = span("think")
        here.add_inputs(price=3)
        with here:
            here.add_inputs(limit=4)

    (opened,), (noted,) = events(directory, SpanOpened), events(directory, Noted)
    assert opened.inputs == {"price": 3}
    assert (noted.kind, noted.data, noted.parent) == ("inputs", {"limit": 4}, here.id)


def test_interlab_7_a_note_is_an_instant_with_data_and_kind(directory, journal):
    with turn(journal, "buyer", 2, "act"), span("think") as here:
        note("picture", {"png": b"\x89"}, tags=["plot", Tag("shown", "red")])

    (noted,) = events(directory, Noted)
    assert (noted.actor, noted.step, noted.part) == ("buyer", 2, "act")
    assert (noted.parent, noted.kind, noted.data) == (here.id, "picture", {"png": b"\x89"})
    assert noted.tags == [("plot", None), ("shown", "red")]


def test_interlab_9_tags_are_words_or_have_a_colour():
    assert span("think", tags=["a", Tag("b", "red")]).tags == (Tag("a"), Tag("b", "red"))


class Falsy:
    """Is false, and says something all the same."""

    def __repr__(self):
        return "Falsy()"

    def __bool__(self):
        return False

    def __trace__(self):
        return {"said": "no"}


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        (None, None),
        ("", ""),
        (0, 0),
        ([], []),
        (Falsy(), {"said": "no"}),
        (np.zeros(0), {"_type": "ndarray", "dtype": "float64", "shape": [0], "data": b""}),
        (np.int8([1, 0]), {"_type": "ndarray", "dtype": "int8", "shape": [2], "data": b"\1\0"}),
    ],
    ids=repr,
)
def test_interlab_10_falsy_results_survive(directory, journal, result, kept):
    """InterLab asks whether a result is true: an array raises, and what is falsy is not kept."""
    with turn(journal, "buyer", 0, "act"), span("think") as here:
        here.result = result

    (closed,) = events(directory, SpanClosed)
    assert closed.result == kept


def test_interlab_14_any_name_is_a_name(directory, journal):
    names = ["../../etc/passwd", "", "a/b\x00", "né\ud800e", "x" * 10_000]
    with turn(journal, "buyer", 0, "act"):
        for name in names:
            with span(name):
                pass

    opened = events(directory, SpanOpened)
    assert [event.name for event in opened] == [*names[:3], "né?e", names[4]]
    assert len({event.id for event in opened}) == len(names)


NO_TEXT = [
    lambda: note(5),
    lambda: note("thought", tags=[5]),
    lambda: note("thought", tags="plot"),
    lambda: span(5),
    lambda: span("think", kind=None),
    lambda: Tag(5),
    lambda: Tag("plot", color=0),
    lambda: traced(kind=5),
    lambda: traced(tags=[None]),
    lambda: turn(None, 5, 0, "act").open(),
]


@pytest.mark.parametrize("within", [None, span("think")], ids=["outside", "inside"])
@pytest.mark.parametrize("write", NO_TEXT)
def test_what_names_things_in_the_record_must_be_a_text(write, within):
    with inside(within), pytest.raises(TypeError, match=r"must be a (text|list of texts), got"):
        write()


def test_lone_surrogates_in_names_are_replaced(directory, journal):
    with turn(journal, "b\ud800", 0, "act"), span("think", kind="k\ud800"):
        note("n\ud800", tags=[Tag("t\ud800", "c\ud800")])

    (opened,), (noted,) = events(directory, SpanOpened), events(directory, Noted)
    assert (opened.actor, opened.kind) == ("b?", "k?")
    assert (noted.kind, noted.tags) == ("n?", [("t?", "c?")])


def test_interlab_30_tracing_leaves_the_generators_of_random_numbers_alone(journal):
    """InterLab draws its ids from the global generator, and so changes what the user draws."""
    before, of_numpy = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002

    with turn(journal, "buyer", 0, "act"), span("think"):
        note("thought")

    assert random.getstate() == before
    assert (np.random.get_state()[1] == of_numpy).all()  # noqa: NPY002


def test_interlab_31_ids_are_the_same_in_every_replay_and_never_shared():
    """InterLab's ids follow from the second and a seeded draw: two processes shared one."""

    def ids(actor, step):
        with turn(None, actor, step, "act"):
            found = []
            for _ in range(3):
                with span("outer") as outer, span("inner") as inner:
                    found += [outer.id, inner.id]
            return found

    assert ids("buyer", 0) == ids("buyer", 0)
    assert len({*ids("buyer", 0), *ids("buyer", 1), *ids("seller", 0)}) == 18


async def test_interlab_33_tasks_and_threads_attach_to_the_callers_span(directory, journal):
    """InterLab records nothing of what a pool of threads does."""

    def work(name):
        with span(name):
            return current_span().parent

    def attached(outer, name):
        with inside(outer):
            return work(name)

    async def task(name):
        return work(name)

    with (
        turn(journal, "buyer", 0, "act"),
        span("outer") as outer,
        ThreadPoolExecutor() as pool,
    ):
        parents = [
            *pool.map(attached, [outer] * 3, ["a", "b", "c"]),
            await asyncio.to_thread(work, "d"),
            *await asyncio.gather(task("e"), task("f")),
        ]

    assert parents == [outer.id] * 6
    (part,) = read_tree(Log(directory), 0).children[0].children
    (node,) = part.children
    assert sorted(child.name for child in node.children) == list("abcdef")


def test_interlab_33_a_span_opened_in_another_process_hangs_where_it_was_made(directory, journal):
    elsewhere = Journal(0, seed=5, writer=open_writer(directory, "host-1"))

    with turn(journal, "buyer", 0, "act"), span("outer") as outer:
        sent = pickle.dumps(outer.child("remote", inputs={"price": 3}, tags=["far"]))
        with span("local"):
            pass
    with inside(None):
        received = pickle.loads(sent)
        received.journal = elsewhere
        with received, span("inner"):
            pass

    (part,) = read_tree(Log(directory), 0).children[0].children
    (node,) = part.children
    assert [child.name for child in node.children] == ["local", "remote"]
    remote = node.children[1]
    assert (remote.inputs, remote.tags) == ({"price": 3}, (Tag("far"),))
    assert [child.name for child in remote.children] == ["inner"]


def test_a_span_is_opened_once():
    here = span("think")
    with here:
        pass

    with pytest.raises(RuntimeError, match="span 'think' was opened before; make another"), here:
        pass


def test_outside_a_run_everything_works_and_is_written_nowhere():
    with span("think", inputs={"price": 3}) as here, span("inner"):
        note("thought", 1)
        here.add_inputs(limit=4)

    assert here.state == "finished"
    assert isinstance(here, Span)


def test_an_error_of_the_log_never_replaces_the_error_of_the_block(directory):
    """InterLab raises what its storage does, and the user's own error is lost."""
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)

    def think():
        with turn(journal, "buyer", 0, "act"), span("think"):
            writer.close()
            raise ValueError("of mine")

    with pytest.raises(ValueError, match="of mine") as caught:
        think()

    (said,) = caught.value.__notes__
    assert said.startswith("the end of span 'think' was not recorded: segment 000001")


def test_an_error_of_the_log_is_raised_where_the_block_has_none(directory):
    writer = open_writer(directory)

    with (
        pytest.raises(ValueError, match="is closed"),
        turn(Journal(0, seed=5, writer=writer), "buyer", 0, "act"),
        span("think"),
    ):
        writer.close()


def test_notes_never_change_the_ids_of_spans():
    def ids(*, noted):
        with turn(None, "buyer", 0, "act"), span("outer"):
            if noted:
                note("slow")
            with span("inner") as inner:
                return inner.id

    assert ids(noted=True) == ids(noted=False)


async def test_a_span_that_is_left_in_another_context_is_closed_all_the_same(directory, journal):
    async def offers():
        with span("offers"):
            yield 1

    with turn(journal, "buyer", 0, "act"):
        some = offers()
        await asyncio.create_task(anext(some))
        await asyncio.create_task(some.aclose())

    (closed,) = events(directory, SpanClosed)
    assert closed.error is None
