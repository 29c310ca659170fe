"""Scripts and notebooks are recorded without a simulation."""

import asyncio
import errno
import os
import threading

import pytest

from simlab.errors import LogWriteError, RunDirectoryError
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Outcome, SpanClosed
from simlab.trace.log import Log
from simlab.trace.recording import recording
from simlab.trace.tracing import current_span, effect, inside, note, span, traced
from simlab.trace.tree import read_tree
from tests.trace.children import kill_oneself, killed


def log_of(path):
    return Log(RunDirectory.open(path))


def spans(path):
    return read_tree(log_of(path), 0).find(lambda node: node.type == "span")


def test_interlab_11_what_a_block_does_is_recorded_and_the_ambient_restored(tmp_path):
    outer, inner = recording(tmp_path / "outer"), recording(tmp_path / "inner")

    with outer, span("of outer"):
        with inner, span("of inner"):
            pass
        with span("of outer again"):
            pass

    assert [node.name for node in spans(tmp_path / "outer")] == ["of outer", "of outer again"]
    assert [node.name for node in spans(tmp_path / "inner")] == ["of inner"]
    assert current_span() is None


def test_interlab_11_a_recording_is_entered_again_also_within_itself(tmp_path):
    some = recording(tmp_path / "run")

    with some as journal, span("first"):
        with some as again, span("within"):
            assert again is journal
        with span("after"):
            pass
    with some, span("second"):
        pass
    with recording(tmp_path / "run"), span("third"):
        pass

    tree = read_tree(log_of(tmp_path / "run"), 0)
    assert [[node.name for node in step.walk() if node.type == "span"] for step in tree.children] \
        == [["first", "after", "within"], ["second"], ["third"]]  # fmt: skip
    assert len({node.id for node in tree.walk() if node.type == "span"}) == 5


def test_effects_work_inside_event_loops_and_spans_without(tmp_path):
    async def ask(question):
        with span("ask"):
            return await effect("tool", question, lambda _: question.upper())

    with recording(tmp_path / "run"), span("script"):
        answers = [asyncio.run(ask("why")), asyncio.run(ask("when"))]

    tree = read_tree(log_of(tmp_path / "run"), 0)
    effects = tree.find(lambda node: node.type == "effect")
    assert answers == [node.result for node in effects] == ["WHY", "WHEN"]
    assert (tree.state, tree.children[0].state) == ("finished", "finished")


def test_threads_attach_to_the_span_that_is_given_to_them(tmp_path):
    with recording(tmp_path / "run"), span("script") as here:

        def work():
            with inside(here), span("in a thread"):
                note("thought")

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    (script, in_thread) = spans(tmp_path / "run")
    assert in_thread.parent == script.id


def test_interlab_32_a_kill_keeps_all_closed_spans(tmp_path):
    """InterLab writes when a root ends: a kill lost all that was in it."""

    def work():
        with recording(tmp_path / "run"), span("open"):
            for number in range(100):
                with span(f"child {number}") as here:
                    here.result = number
            kill_oneself()

    killed(work)

    root, *children = spans(tmp_path / "run")
    assert (root.name, root.state) == ("open", "open")
    assert [child.result for child in children] == list(range(100))
    assert {child.state for child in children} == {"finished"}


def test_interlab_32_a_kill_within_an_event_loop_keeps_them_too(tmp_path):
    async def ask():
        with span("closed"):
            await effect("tool", "?", lambda _: "answered")
        kill_oneself()

    def work():
        with recording(tmp_path / "run"):
            asyncio.run(ask())

    killed(work)

    (closed,) = spans(tmp_path / "run")
    assert closed.state == "finished"
    assert closed.children[0].result == "answered"


def test_after_a_kill_a_recording_goes_on(tmp_path):
    def work():
        with recording(tmp_path / "run"), span("first"):
            kill_oneself()

    killed(work)

    with recording(tmp_path / "run"), span("second"):
        pass

    assert [(node.name, node.state) for node in spans(tmp_path / "run")] == [
        ("first", "open"), ("second", "finished")
    ]  # fmt: skip
    segments = RunDirectory.open(tmp_path / "run").segments()
    assert [segment.sealed_length() is not None for segment in segments] == [True, True]


def test_an_error_of_the_block_is_recorded_and_goes_on(tmp_path):
    with pytest.raises(ValueError, match="mine"), recording(tmp_path / "run"), span("script"):
        raise ValueError("mine")

    log = log_of(tmp_path / "run")
    (closed,) = log.events(0, (SpanClosed,))
    assert closed.error.message == "mine"
    assert log.failed() == {0}
    assert log.core(log.end(0), Outcome).failed.boundary == "script"


def test_an_error_of_the_storage_never_replaces_the_error_of_the_block(tmp_path, monkeypatch):
    """InterLab raises what its storage does, and the user's own error is lost."""

    def work():
        with recording(tmp_path / "run"):
            monkeypatch.setattr(os, "write", _full)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        work()

    (said,) = caught.value.__notes__
    assert "was not ended" in said
    assert "No space left on device" in said


def test_an_error_of_the_storage_is_raised_where_the_block_has_none(tmp_path, monkeypatch):
    def work():
        with recording(tmp_path / "run"):
            monkeypatch.setattr(os, "write", _full)

    with pytest.raises(LogWriteError, match="No space left on device"):
        work()

    monkeypatch.undo()
    with recording(tmp_path / "run"), span("it goes on"):
        pass


def test_two_processes_never_write_to_one_recording(tmp_path):
    with (
        recording(tmp_path / "run"),
        pytest.raises(RunDirectoryError, match=f"in use by process {os.getpid()}"),
        recording(tmp_path / "run"),
    ):
        pass


def test_a_run_of_a_simulation_is_no_recording(directory):
    with (
        pytest.raises(RunDirectoryError, match="is a run of a simulation"),
        recording(directory.path),
    ):
        pass


def test_the_digest_covers_all_entries(tmp_path):
    def record(path, words):
        for word in words:
            with recording(path):
                asyncio.run(_said(word))
        return log_of(path).digest()

    digest = record(tmp_path / "a", ["x", "y"])

    assert record(tmp_path / "b", ["x", "y"]) == digest
    assert record(tmp_path / "c", ["z", "y"]) != digest


def test_traced_functions_are_recorded(tmp_path):
    @traced()
    def double(x):
        return 2 * x

    with recording(str(tmp_path / "run")):
        double(4)

    (node,) = spans(tmp_path / "run")
    assert (node.name, node.inputs, node.result) == ("double", {"x": 4}, 8)


async def _said(word):
    await effect("tool", "?", lambda _: word)


def _full(_descriptor, _data):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
