"""Threads that keep no process from ending."""

import asyncio
import subprocess
import sys
import threading

import pytest

from simlab.apps.threads import Threads

HANGING = """
import threading
from simlab.apps.threads import Threads
begun = threading.Event()
Threads(1, "reading").do(lambda: begun.set() or threading.Event().wait())
begun.wait()
"""


@pytest.fixture
def threads():
    """Two of them."""
    made = Threads(2, "doing")
    yield made
    made.end()


def test_two_things_are_done_at_once_and_give_what_comes_of_them(threads):
    both = threading.Barrier(2, timeout=10)

    asked = [threads.do(lambda n=n: (both.wait(), n)[1]) for n in range(4)]

    assert [each.result(10) for each in asked] == [0, 1, 2, 3]


def test_what_something_raises_is_raised_where_it_is_waited_for(threads):
    with pytest.raises(ZeroDivisionError):
        threads.do(lambda: 1 / 0).result(10)

    assert threads.do(lambda: "goes on").result(10) == "goes on"


def test_what_nobody_wants_any_more_is_not_begun(threads):
    begun, may_go_on, done = threading.Barrier(3, timeout=10), threading.Event(), []

    under_way = [threads.do(lambda: (begun.wait(), may_go_on.wait(10))) for _ in range(2)]
    begun.wait()
    unwanted = threads.do(lambda: done.append("unwanted"))
    unwanted.cancel()
    last = threads.do(lambda: done.append("last"))
    may_go_on.set()
    for each in (*under_way, last):
        each.result(10)

    assert done == ["last"]


async def test_an_event_loop_waits_for_them_as_for_its_own(threads):
    assert await asyncio.wrap_future(threads.do(lambda: 5)) == 5


@pytest.mark.slow
def test_what_hangs_in_them_keeps_no_process_from_ending():
    assert subprocess.run([sys.executable, "-c", HANGING], timeout=30, check=False).returncode == 0
