"""One client at the socket of a run: lines in, answers out, and nobody waits for it."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest

from simlab.errors import ControlError
from simlab.sim.control import connection as connection_file
from simlab.sim.control.connection import Connection
from simlab.sim.control.request import LONGEST_LINE


@asynccontextmanager
async def connected(answer):
    """A client's streams, and the connection that serves it; who was lost."""
    ours, theirs = socket.socketpair()
    lost = []
    loop = asyncio.get_running_loop()
    _, serving = await loop.connect_accepted_socket(lambda: Connection(answer, lost.append), ours)
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        yield reader, writer, serving, lost
    finally:
        serving.close()
        writer.close()


async def answered(reader):
    return json.loads(await asyncio.wait_for(reader.readline(), 5))


async def told_kind(_, request):
    return {"kind": request.kind}


async def test_requests_in_pieces_and_together_are_answered_with_their_ids():
    async with connected(told_kind) as (reader, writer, *_):
        writer.write(b'{"id": 1, "kind": "hel')
        await writer.drain()
        writer.write(b'lo"}\n\n  \n{"id": "b", "kind": "pause"}\n')
        told = [await answered(reader), await answered(reader)]

    assert told == [
        {"id": 1, "ok": True, "kind": "hello"},
        {"id": "b", "ok": True, "kind": "pause"},
    ]


async def test_an_answer_that_takes_long_keeps_no_other_request_waiting():
    may_go_on = asyncio.Event()

    async def answer(_, request):
        if request.kind == "pause":
            await may_go_on.wait()
        return {}

    async with connected(answer) as (reader, writer, *_):
        writer.write(b'{"id": 1, "kind": "pause"}\n{"id": 2, "kind": "hello"}\n')
        first = await answered(reader)
        may_go_on.set()
        second = await answered(reader)

    assert (first["id"], second["id"]) == (2, 1)


async def test_what_is_refused_is_answered_with_why_and_the_next_request_is_read():
    async def answer(_, request):
        if request.kind == "stop":
            raise ControlError("not now")
        return {}

    async with connected(answer) as (reader, writer, *_):
        writer.write(b'{"id": 1, "kind": "stop"}\n{"id": [], "kind": "x"}\n{"kind": "hello"}\n')
        told = [await answered(reader) for _ in range(3)]

    assert told[0] == {"id": 1, "error": "not now"}
    assert told[1]["id"] is None
    assert "kind must be one of" in told[1]["error"]
    assert told[2]["ok"]


async def test_of_many_requests_at_once_no_more_are_begun_than_may_be(monkeypatch):
    monkeypatch.setattr(connection_file, "MOST_AT_ONCE", 4)
    may_go_on = asyncio.Event()
    begun = []

    async def answer(_, request):
        begun.append(request.id)
        await may_go_on.wait()
        return {}

    async with connected(answer) as (reader, writer, *_):
        for number in range(12):
            writer.write(json.dumps({"id": number, "kind": "hello"}).encode() + b"\n")
            await writer.drain()
            for _ in range(3):
                await asyncio.sleep(0)
        n_begun = len(begun)
        may_go_on.set()
        told = {(await answered(reader))["id"] for _ in range(12)}

    assert n_begun < 12
    assert told == set(range(12))


async def test_sim_22_who_stops_reading_is_cut_off_and_nobody_has_waited(monkeypatch):
    monkeypatch.setattr(connection_file, "MOST_UNREAD", 1 << 16)
    async with connected(told_kind) as (_, _, serving, lost):
        sent = 0
        while not lost and sent < 10_000:
            serving.send({"question": "x" * 10_000})
            sent += 1
            await asyncio.sleep(0)
        serving.send({"question": "nobody is there"})

    assert lost == [serving]


async def test_who_goes_away_is_told_of_and_what_is_asked_for_them_goes_nowhere():
    async with connected(told_kind) as (_, writer, serving, lost):
        writer.close()
        await writer.wait_closed()
        while not lost:  # noqa: ASYNC110 - the event loop tells nobody else
            await asyncio.sleep(0)
        serving.send({"question": "x"})

    assert lost == [serving]


@pytest.mark.parametrize("size", [LONGEST_LINE + 10, 3 * LONGEST_LINE])
async def test_a_line_that_is_too_long_is_refused_once_and_the_next_is_read(size):
    async with connected(told_kind) as (reader, writer, *_):
        writer.write(b"x" * size + b'\n{"id": 7, "kind": "hello"}\n')
        told = [await answered(reader), await answered(reader)]

    assert "expected a line of at most" in told[0]["error"]
    assert told[1]["id"] == 7


async def test_a_client_that_met_a_bug_is_told_and_the_event_loop_as_well():
    async def answer(_, request):
        if request.kind == "stop":
            raise KeyError("bob")
        return {}

    bugs = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: bugs.append(told["exception"]))
    async with connected(answer) as (reader, writer, *_):
        writer.write(b'{"id": 1, "kind": "stop"}\n{"id": 2, "kind": "hello"}\n')
        told = [await answered(reader) for _ in range(2)]

    assert told[0] == {"id": 1, "error": "this request met a bug in SimLab: KeyError('bob')"}
    assert told[1]["ok"]
    assert [repr(bug) for bug in bugs] == ["KeyError('bob')"]
