import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from simlab.errors import StrayExitError
from simlab.sim.blocking import run_async


async def answer(value):
    await asyncio.sleep(0)
    return value, threading.current_thread() is threading.main_thread()


async def fail():
    raise ZeroDivisionError("by zero")


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


async def interrupted(log):
    """Is interrupted while it waits, and cleans up."""
    asyncio.get_running_loop().call_soon(press_ctrl_c)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        log.append("cleaned up")
        raise


def test_a_script_waits_for_the_result_in_its_own_thread():
    assert run_async(answer(3)) == (3, True)


async def test_a_notebook_waits_for_the_result_of_another_thread():
    assert run_async(answer(3)) == (3, False)


def test_what_a_coroutine_raises_is_raised_with_nothing_around_it():
    with pytest.raises(ZeroDivisionError, match=r"by zero") as caught:
        run_async(fail())
    assert caught.value.__context__ is None


async def test_what_a_coroutine_raises_is_raised_in_the_notebook():
    with pytest.raises(ZeroDivisionError, match=r"by zero"):
        run_async(fail())


async def quit_in_a_task(code):
    async def leave():
        sys.exit(code)

    await asyncio.gather(leave())


def test_an_exit_that_nobody_awaits_is_told_in_a_script_and_leaves_ctrl_c_as_it_was():
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(StrayExitError, match=r"called sys\.exit\('odd'\) in a task of its own"):
        run_async(quit_in_a_task("odd"))

    assert signal.getsignal(signal.SIGINT) is before


async def test_an_exit_that_nobody_awaits_is_told_in_a_notebook():
    with pytest.raises(StrayExitError, match=r"called sys\.exit\(3\) in a task of its own"):
        run_async(quit_in_a_task(3))


def test_rays_answer_to_a_signal_that_ends_the_process_does_so():
    with pytest.raises(SystemExit):
        run_async(quit_in_a_task(signal.SIGTERM))


def test_ctrl_c_cancels_the_work_which_may_clean_up():
    log, handler = [], signal.getsignal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_async(interrupted(log))

    assert log == ["cleaned up"]
    assert signal.getsignal(signal.SIGINT) is handler


@contextmanager
def notebook():
    """Within the block Ctrl-C raises, as in notebooks."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


async def test_ctrl_c_in_a_notebook_cancels_the_work_in_its_thread():
    log = []

    with notebook(), pytest.raises(KeyboardInterrupt):
        run_async(interrupted(log))

    assert log == ["cleaned up"]
    assert threading.active_count() == 1


async def test_ctrl_c_in_a_notebook_before_the_work_began_lets_it_not_begin(monkeypatch):
    log, start = [], threading.Thread.start

    def start_late(thread):
        press_ctrl_c()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)

    with notebook(), pytest.raises(KeyboardInterrupt):
        run_async(interrupted(log))

    assert log == []
    assert threading.active_count() == 1


@pytest.mark.slow
def test_a_second_ctrl_c_kills_a_process_that_hangs():
    code = (
        "import asyncio\n"
        "from simlab.sim.blocking import run_async\n"
        "async def hang():\n"
        "    while True:\n"
        "        print('waits', flush=True)\n"
        "        try:\n"
        "            await asyncio.Event().wait()\n"
        "        except asyncio.CancelledError:\n"
        "            pass\n"
        "run_async(hang())\n"
    )

    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        for _ in range(2):
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
        status = process.wait(30)

    assert status == -signal.SIGINT
