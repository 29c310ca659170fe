"""The terminal: one line at a time, cancellable, and one person after another."""

import asyncio
import os
import pickle
import pty

import pytest

from simlab.agents import terminal as terminal_file
from simlab.agents.terminal import StandardTerminal, standard_terminal
from simlab.errors import ConfigError, PersonLeftError


@pytest.fixture
def keyboard():
    """A terminal, and the descriptor that types into it."""
    typist, input_ = pty.openpty()
    yield StandardTerminal(input_), typist
    os.close(typist)
    os.close(input_)


async def test_lines_are_read_one_by_one_however_they_arrive(keyboard):
    terminal, typist = keyboard
    os.write(typist, "één\ntwo\nthr".encode())
    assert [await terminal.read_line(), await terminal.read_line()] == ["één", "two"]

    third = asyncio.ensure_future(terminal.read_line())
    await asyncio.sleep(0)
    assert not third.done()
    os.write(typist, b"ee\r\n")
    assert await third == "three"


async def test_reading_does_not_block_the_event_loop(keyboard):
    """InterLab's whole run waits for a person."""
    terminal, typist = keyboard
    reading = asyncio.ensure_future(terminal.read_line())

    for _ in range(100):
        await asyncio.sleep(0)
    assert not reading.done()

    os.write(typist, b"late\n")
    assert await reading == "late"


async def test_a_deadline_cancels_reading_and_what_was_typed_answers_no_other_question(keyboard):
    terminal, typist = keyboard
    os.write(typist, b"half a li")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await terminal.read_line()

    os.write(typist, b"next\n")

    assert await terminal.read_line() == "next"


async def test_the_end_of_input_is_a_clear_error_that_survives_pickling(keyboard):
    terminal, typist = keyboard
    os.write(typist, b"\x04")

    with pytest.raises(PersonLeftError, match="got the end of the terminal's input") as caught:
        await terminal.read_line()

    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.message, copy.boundary) == (caught.value.message, "human")


async def test_people_are_served_in_the_order_in_which_they_came(keyboard):
    """InterLab serves those who wait last in, first out."""
    terminal, typist = keyboard
    served = []

    async def person(name):
        async with terminal.reserved():
            served.append((name, await terminal.read_line()))

    people = [asyncio.ensure_future(person(name)) for name in "abc"]
    await asyncio.sleep(0)
    os.write(typist, b"1\n2\n3\n")
    await asyncio.gather(*people)

    assert served == [("a", "1"), ("b", "2"), ("c", "3")]


async def test_who_gives_up_waiting_keeps_nobody_waiting(keyboard):
    """InterLab blocks forever where it is cleared while somebody waits."""
    terminal, typist = keyboard

    async def line():
        async with terminal.reserved():
            return await terminal.read_line()

    first, second = asyncio.ensure_future(line()), asyncio.ensure_future(line())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    os.write(typist, b"mine\n")

    assert await second == "mine"


def test_one_terminal_serves_several_event_loops(keyboard):
    terminal, typist = keyboard

    async def two_people():
        async def line():
            async with terminal.reserved():
                return await terminal.read_line()

        os.write(typist, b"1\n2\n")
        return await asyncio.gather(line(), line())

    assert [asyncio.run(two_people()) for _ in range(2)] == [["1", "2"]] * 2


def test_texts_are_shown_verbatim_but_for_control_codes(keyboard, capsys):
    terminal, _ = keyboard

    terminal.show("[bold]<b>{x}[/bold]\x1b[31m \x07red\nend", end="")

    assert capsys.readouterr().out == "[bold]<b>{x}[/bold][31m red\nend"


def test_without_a_terminal_there_is_no_person(monkeypatch):
    for stdin in (None, open(os.devnull)):  # noqa: SIM115
        monkeypatch.setattr(terminal_file.sys, "stdin", stdin)
        with pytest.raises(ConfigError, match="a person's seat needs a terminal, but standard"):
            standard_terminal()
        if stdin:
            stdin.close()


def test_the_process_has_one_terminal_for_all(keyboard, monkeypatch):
    terminal, _ = keyboard

    class Stdin:
        def fileno(self):
            return terminal._descriptor

    monkeypatch.setattr(terminal_file.sys, "stdin", Stdin())
    terminal_file._terminal_at.cache_clear()

    assert standard_terminal() is standard_terminal()
    terminal_file._terminal_at.cache_clear()
