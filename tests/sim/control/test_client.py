"""The client that waits for each answer, beside the one of event loops."""

import asyncio

import pytest

from simlab.errors import ControlError
from simlab.sim.control.client import ControlClient
from simlab.sim.control.place import bind
from simlab.sim.control.request import LONGEST_LINE
from tests.sim.control.conftest import acting
from tests.sim.control.score import STUCK
from tests.sim.records import deeds


def take_a_seat(path):
    """Play ann to the end; what she was asked."""
    with ControlClient(path) as client:
        client.lease(0, "ann", "me")
        first = client.question()
        with pytest.raises(ControlError, match="there is no seat 'bbo'"):
            client.say(0, "bbo", "Hi.")
        client.answer(first["id"], "Zero.")
        second = client.question()
        client.answer(second["id"], "Two.")
        with pytest.raises(ControlError, match="the run has closed the connection"):
            client.question()
    return first, second


async def test_a_person_plays_a_seat_from_a_thread(live):
    async with live(models={"small": STUCK}) as (run, client):
        await acting(client, "ann")
        playing = asyncio.create_task(asyncio.to_thread(take_a_seat, run.path))
        for words in ("One.", "Three."):
            await acting(client, "bob")
            await client.say(0, "bob", words)
        made = await run.finished()
        first, second = await playing

    assert deeds(made) == ["Zero.", "One.", "Two.", "Three."]
    assert second["news"] == ["bob: One."]
    assert "Hello." in first["news"][-1]
    assert "Zero." not in str(second["news"])


async def test_a_client_whose_time_was_out_goes_on_with_the_next_answer(live):
    def wait_in_vain(path):
        with ControlClient(path, timeout_s=0.05) as client:
            with pytest.raises(TimeoutError):
                client.question()
            return client.hello()["name"]

    async with live(models={"small": STUCK}) as (run, client):
        await acting(client, "ann")

        assert await asyncio.to_thread(wait_in_vain, run.path) == "relay"


def test_a_line_that_a_time_out_cuts_in_two_is_read_whole(tmp_path):
    serving, _ = bind(tmp_path)
    serving.setblocking(True)
    serving.listen()
    with serving, ControlClient(tmp_path, timeout_s=0.05) as client, serving.accept()[0] as line:
        line.sendall(b'{"question": {"id": "1')
        with pytest.raises(TimeoutError):
            client.question()
        line.sendall(b'-0"}}\n')

        assert client.question() == {"id": "1-0"}


async def test_several_calls_of_one_client_are_under_way_at_once(live):
    async with live(models={"small": STUCK}) as (_, client):
        told = await asyncio.gather(*(client.hello() for _ in range(200)))

    assert len({each["pid"] for each in told}) == 1


async def test_a_command_that_is_too_long_is_refused_before_it_is_sent(live):
    long = "x" * LONGEST_LINE

    def say(path):
        with ControlClient(path) as client, pytest.raises(ControlError, match="expected a line of"):
            client.say(0, "ann", long)

    async with live(models={"small": STUCK}) as (run, client):
        await acting(client, "ann")
        saying = client.say(0, "ann", long)
        assert saying.done()
        with pytest.raises(ControlError, match=f"at most {LONGEST_LINE} bytes.*; say less at once"):
            await saying
        await asyncio.to_thread(say, run.path)
        told = await client.say(0, "ann", "Hi.")

    assert told["step"] == 0


async def test_a_run_without_a_socket_says_so(tmp_path):
    with pytest.raises(ControlError, match="has no socket of this user"):
        ControlClient(tmp_path)


async def changed(client, holds):
    """Wait until what a client knows of its seats is so."""
    told = asyncio.Event()
    client.on_change = told.set
    while not holds():
        told.clear()
        await told.wait()


async def test_questions_that_wait_can_be_seen_and_their_withdrawal(live):
    async with live(models={"small": STUCK}) as (_, client):
        await acting(client, "ann")
        await client.lease(0, "ann", "me")
        await changed(client, lambda: client.open_questions)
        [asked] = client.open_questions
        await client.say(0, "ann", "Zero.")
        await changed(client, lambda: not client.open_questions)

    assert asked["seat"] == "ann"
    assert client.lapsed == set()


async def test_whoever_loses_a_seat_is_told(live):
    async with live(models={"small": STUCK}) as (run, client), await run.client() as other:
        await acting(client, "ann")
        await client.lease(0, "ann", "me", after_s=0.001)
        await changed(client, lambda: client.lapsed)
        told = await other.hello()

    assert client.lapsed == {(0, "ann")}
    assert other.lapsed == set()
    assert told["leases"] == []


async def test_a_client_that_waits_for_answers_passes_over_the_loss_of_its_seat(live):
    def lose(path):
        with ControlClient(path) as client:
            client.lease(0, "ann", "me", after_s=0.001)
            client.question()
            while leases := client.hello()["leases"]:
                pass
            return leases

    async with live(models={"small": STUCK}) as (run, client):
        await acting(client, "ann")

        assert await asyncio.to_thread(lose, run.path) == []
