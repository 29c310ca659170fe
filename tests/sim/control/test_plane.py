"""What a live run says to commands, good ones and bad ones."""

import asyncio
import json
import re
from typing import ClassVar

import pytest

from simlab.env.environment import ActionRequest, SeatSpec, TimeStep
from simlab.errors import ControlError, LogWriteError, RunStoppedError
from simlab.sim.control.order_file import OrderFile
from simlab.sim.control.place import find
from simlab.sim.control.request import LONGEST_LINE
from simlab.sim.control.told import interventions
from tests.sim.control.conftest import acting, standing
from tests.sim.control.score import STUCK
from tests.sim.records import contents, deeds, replayed

SMALL = {"models": {"small": STUCK}}

BAD = {
    "an episode that is not there": (
        {"kind": "say", "episode": 7, "seat": "ann", "text": "Hi."},
        r"episode must be in 0\.\.0, got 7; hello tells which are live",
    ),
    "a seat that is not there": (
        {"kind": "say", "episode": 0, "seat": "anna", "text": "Hi."},
        r"there is no seat 'anna'; did you mean ann\?",
    ),
    "a seat that is not asked": (
        {"kind": "say", "episode": 0, "seat": "bob", "text": "Hi."},
        r"seat 'bob' is not asked now, ann is; pause the episode, and let it take steps until",
    ),
    "no narrator": (
        {"kind": "narrate", "episode": 0, "text": "It rains."},
        r"there is no seat 'narrator'; there are ann, bob",
    ),
    "an unknown model": (
        {"kind": "swap", "seat": "ann", "model": "smal"},
        r"the run has no model 'smal'; did you mean small\?, or give an entry such as",
    ),
    "an unknown engine": (
        {"kind": "swap", "seat": "ann", "model": {"engine": "os:system"}},
        r"there is no engine 'os:system'; ",
    ),
    "an option of no agent": (
        {"kind": "edit", "seat": "ann", "options": {"personna": "shy"}},
        r"personna",
    ),
    "an option of another type": (
        {"kind": "edit", "seat": "ann", "options": {"persona": 3}},
        r"persona.*got 3",
    ),
    "an option that names code": (
        {"kind": "edit", "seat": "ann", "options": {"agent": "os:system"}},
        r"'agent' cannot be edited while the run goes on; branch it to change that",
    ),
    "an answer to nothing": (
        {"kind": "answer", "question": "1-1", "action": "Hi."},
        r"question '1-1' does not wait for an answer from here; take its seat or model first",
    ),
    "a seat that was not taken": (
        {"kind": "leave", "episode": 0, "seat": "ann"},
        r"seat 'ann' of episode 0 was not taken from here; nothing is left",
    ),
    "a model that is no person": (
        {"kind": "take_model", "model": "small", "who": "me"},
        r"model 'small' is no person; run with --model small=person",
    ),
    "an unknown kind": ({"kind": "sya"}, r"kind must be one of hello, pause, .*, got 'sya'"),
    "no kind": ({}, r"kind must be one of hello, pause, .*, got None"),
    "an unknown key": (
        {"kind": "pause", "epsiode": 0},
        r"unknown key 'epsiode'; ",
    ),
    "a number as a text": ({"kind": "step", "n": "2"}, r"n: input should be a valid integer"),
    "a number of more than 64 bits": (
        {"kind": "edit", "seat": "ann", "options": {"max_tool_calls": 2**70}},
        r"the log does not take what is ordered",
    ),
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_command_is_answered_with_what_was_expected_and_changes_nothing(live, bad):
    request, words = BAD[bad]
    async with live(**SMALL) as (run, client):
        await acting(client, "ann")
        before = contents_of(run.path)
        with pytest.raises(ControlError, match=words):
            await client.call(request.pop("kind", None), **request)
        after = contents_of(run.path)

    assert before == after


def contents_of(path):
    """What a run's segments hold."""
    return {file: file.read_bytes() for file in path.glob("segments/*")}


async def test_a_text_that_fits_no_action_is_refused_and_the_seat_goes_on(live):
    keys = {"world": "simlab.env.iterated_dilemma:IteratedDilemma", "options": {}}
    async with live(**SMALL, **keys) as (_, client):
        told = await client.hello()
        while not told["episodes"] or not told["episodes"][0]["acting"]:
            told = await client.hello()
        seat = told["episodes"][0]["acting"][0]
        with pytest.raises(ControlError, match=r"'perhaps' is no action of seat"):
            await client.say(0, seat, "perhaps")
        assert seat in (await client.hello())["episodes"][0]["acting"]


async def test_an_episode_that_has_ended_takes_no_orders(live):
    async with live(episodes=2, **SMALL) as (_, client):
        for seat in ("ann", "bob", "ann", "bob"):
            await acting(client, seat)
            await client.say(0, seat, "Hi.")
        while (await client.hello())["ended"] == 0:
            pass
        for order in (client.say(0, "ann", "Hi."), client.edit("ann", {"persona": "x"}, 0)):
            with pytest.raises(ControlError, match="episode 0 has ended, and takes no orders"):
                await order


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "expected a line of JSON, got b'{'"),
        (b"[" * 100_000, "expected a line of JSON"),
        (b'{"kind": NaN}', "NaN is no JSON"),
        (b"[1]", "expected a JSON object, got b'\\[1\\]'"),
        (b"\xff", "expected a line of JSON"),
        (b" " * 10_000_000 + b"{}", f"expected a line of at most {LONGEST_LINE} bytes"),
        (b"x" * 10_000_000, f"expected a line of at most {LONGEST_LINE} bytes"),
    ],
    ids=["cut off", "deep", "no number", "no object", "no text", "long", "very long"],
)
async def test_a_line_that_is_no_request_is_refused_and_the_next_one_is_read(live, line, words):
    async with live(**SMALL) as (run, _):
        reader, writer = await asyncio.open_unix_connection(str(find(run.path)))
        writer.write(line + b"\n" + b'{"id": 5, "kind": "hello"}\n')
        refused = json.loads(await reader.readline())
        hello = json.loads(await reader.readline())
        writer.close()

    assert re.match(words, refused["error"]) or words in refused["error"]
    assert (hello["id"], hello["ok"]) == (5, True)


@pytest.mark.slow
async def test_a_client_that_stops_reading_is_cut_off_and_the_run_goes_on(live):
    async with live(**SMALL) as (run, client):
        reader, writer = await asyncio.open_unix_connection(str(find(run.path)))
        request = b'{"kind": "' + b"x" * 500_000 + b'"}\n'
        for _ in range(1000):
            writer.write(b'{"kind": "hello"}\n' * 1000 + request)
            await asyncio.sleep(0)
            if writer.is_closing():
                break
        assert writer.is_closing()
        await acting(client, "ann")
        await client.say(0, "ann", "Hi.")
        await acting(client, "bob")
        del reader


async def test_what_two_clients_say_at_once_is_done_once(live):
    async with live(**SMALL) as (run, one):
        other = await run.client()
        await acting(one, "ann")
        told = await asyncio.gather(
            one.say(0, "ann", "One."), other.say(0, "ann", "Two."), return_exceptions=True
        )
        await acting(one, "bob")
        await other.close()
        status = (await one.hello())["episodes"][0]

    assert [isinstance(each, ControlError) for each in told] == [False, True]
    assert "what seat 'ann' does in this step was said already" in str(told[1])
    assert status["step"] == 1


async def test_a_stopped_run_closes_its_socket_and_is_gone_on_with(live):
    async with live(**SMALL) as (run, client):
        await acting(client, "ann")
        await client.say(0, "ann", "Hi.")
        await acting(client, "bob")
        await client.stop()
        with pytest.raises(RunStoppedError):
            await run.playing
        with pytest.raises(ControlError, match="the run has closed the connection"):
            await client.hello()
    assert not (run.path / "control.sock").exists()
    async with live() as (run, client):
        for seat in ("bob", "ann", "bob"):
            await acting(client, seat)
            await client.say(0, seat, "Ho.")
        made = await run.finished()

    assert deeds(made) == ["Hi.", "Ho.", "Ho.", "Ho."]
    assert replayed(made) == 1


async def test_an_episode_that_is_stepped_takes_so_many_steps_and_stands_still(live):
    async with live(models={"small": {"engine": "scripted", "latency_s": 0.001}}) as (run, client):
        await client.pause()
        status = await standing(client)
        await client.step(2)
        later = await standing(client, step=status["step"] + 2)
        await client.resume()
        made = await run.finished()

    assert later["step"] == status["step"] + 2
    assert len(deeds(made)) == 4
    assert replayed(made) == 1
    assert contents(made)


async def test_a_run_stopped_when_one_of_two_seats_has_answered_is_gone_on_with(live):
    keys = {
        "world": "simlab.env.iterated_dilemma:IteratedDilemma",
        "options": {"rounds": 1},
        "cast": {"first": {"model": "stuck"}, "second": {"model": "quick"}},
        "models": {"stuck": STUCK, "quick": {"engine": "scripted"}},
    }
    async with live(**keys) as (run, client):
        while (await acting(client, "first"))["acting"] != ["first"]:
            pass
        await client.stop()
        with pytest.raises(RunStoppedError):
            await run.playing
    async with live() as (run, client):
        await acting(client, "first")
        await client.say(0, "first", "cooperate")
        made = await run.finished()

    assert made.summary.n_ended == 1
    assert replayed(made) == 1


async def test_episodes_that_begin_later_are_paused_and_edited_as_was_said_of_all(live):
    async with live(episodes=2, concurrency=1, **SMALL) as (run, client):
        await acting(client, "ann")
        await client.edit("bob", {"persona": "bold"})
        for seat in ("ann", "bob", "ann"):
            await acting(client, seat)
            await client.say(0, seat, "Hi.")
        await acting(client, "bob")
        await client.pause()
        await client.say(0, "bob", "Hi.")
        status = await standing(client, episode=1)
        await client.resume(1)
        for seat in ("ann", "bob", "ann", "bob"):
            await acting(client, seat, episode=1)
            await client.say(1, seat, "Ho.")
        made = await run.finished()

    kinds = [[n.words for n in interventions(made.log, episode)] for episode in (0, 1)]
    assert status["step"] == 0
    assert kinds == [["edited: persona"], ["edited: persona", "paused", "resumed"]]
    assert replayed(made) == 2


async def test_a_bad_command_leaves_no_trace_in_the_digest(live):
    digests = []
    for out in ("one", "other"):
        async with live(out=out, **SMALL) as (run, client):
            await acting(client, "ann")
            if out == "other":
                with pytest.raises(ControlError):
                    await client.say(0, "bob", "Hi.")
            for seat in ("ann", "bob", "ann", "bob"):
                await acting(client, seat)
                await client.say(0, seat, "Hi.")
            digests.append((await run.finished()).digest)

    assert digests[0] == digests[1]


async def test_a_seat_that_is_left_before_it_was_had_is_free_and_its_agent_plays(live):
    cast = {"ann": {"model": "small"}, "bob": {"model": "quick"}}
    models = {**SMALL["models"], "quick": {"engine": "scripted"}}
    async with live(cast=cast, models=models) as (run, client), await run.client() as other:
        await acting(client, "ann")
        taken = await client.lease(0, "bob", "me")
        await client.leave(0, "bob")
        await other.lease(0, "bob", "you")
        await other.leave(0, "bob")
        await client.say(0, "ann", "Zero.")
        await acting(client, "ann")
        leases = (await client.hello())["leases"]
        await client.say(0, "ann", "Two.")
        made = await run.finished()

    assert taken["recorded"] is False
    assert leases == []
    assert interventions(made.log, 0) == []
    assert replayed(made) == 1


async def test_a_seat_that_is_left_between_its_turns_is_free_and_can_be_taken_again(live):
    async with live(**SMALL) as (run, client), await run.client() as other:
        await acting(client, "ann")
        await client.pause()
        await client.say(0, "ann", "Zero.")
        await standing(client)
        for one, who in ((client, "me"), (other, "you")):
            await one.lease(0, "bob", who)
            await one.leave(0, "bob")
        leases = (await client.hello())["leases"]
        again = await client.lease(0, "bob", "me")
        await client.resume()
        question = await client.question()
        await client.answer(question["id"], "One.")
        await acting(client, "ann")

    assert leases == []
    assert (again["order"], again["recorded"]) == ("4", True)
    assert question["seat"] == "bob"
    assert client.lapsed == set()


async def test_whoever_takes_a_seat_while_another_leaves_it_has_it(live):
    async with live(**SMALL) as (run, client), await run.client() as other:
        await acting(client, "ann")
        await client.lease(0, "bob", "me")
        left, taken = client.leave(0, "bob"), other.lease(0, "bob", "you")
        await asyncio.gather(left, taken)
        await client.say(0, "ann", "Zero.")
        question = await other.question()
        await other.answer(question["id"], "One.")
        await acting(client, "ann")
        leases = (await client.hello())["leases"]

    assert question["seat"] == "bob"
    assert [lease["who"] for lease in leases] == ["you"]


async def test_a_seat_is_free_though_the_disk_has_refused_an_order_for_it(live, monkeypatch):
    async with live(**SMALL) as (run, client), await run.client() as other:
        await acting(client, "ann")
        with monkeypatch.context() as patched:
            patched.setattr(OrderFile, "add", refusing)
            with pytest.raises(ControlError, match="the disk is full"):
                await client.lease(0, "bob", "me")
        told = await other.lease(0, "bob", "you")

    assert told["order"] == "1"


def refusing(*_args, **_options):
    raise LogWriteError("the disk is full")


async def test_a_run_that_is_gone_on_with_knows_who_has_left_before_a_seat_was_had(live):
    async with live(**SMALL) as (run, client):
        await acting(client, "ann")
        await client.lease(0, "bob", "me")
        await client.leave(0, "bob")
        await client.stop()
        with pytest.raises(RunStoppedError):
            await run.playing
    async with live() as (run, client):
        for seat in ("ann", "bob", "ann", "bob"):
            await acting(client, seat)
            await client.say(0, seat, "Hi.")
        made = await run.finished()

    assert interventions(made.log, 0) == []


async def test_an_edit_that_goes_with_the_run_file_and_not_with_an_earlier_edit_is_refused(live):
    async with live(episodes=2, **SMALL) as (run, client):
        await acting(client, "ann")
        await acting(client, "ann", episode=1)
        await client.edit("bob", {"constrain": True}, episode=1)
        await client.edit("bob", {"reason": True}, episode=0)
        for episode in (1, "all"):
            with pytest.raises(ControlError, match="reason"):
                await client.edit("bob", {"reason": True}, episode=episode)
        before = (run.path / "orders.jsonl").read_bytes()

    assert before.count(b"\n") == 2


async def test_what_is_narrated_waits_until_the_narrator_may_act(live):
    world = {"world": f"{__name__}:Narrated", "cast": {"ann": {"model": "small"}}}
    async with live(**world, **SMALL) as (run, client):
        await acting(client, "ann")
        told = await client.narrate(0, "It rains.")
        await client.say(0, "ann", "Hi.")
        await acting(client, "ann")
        await client.say(0, "ann", "Ho.")
        made = await run.finished()

    assert told == {"order": "1", "recorded": False, "step": None}
    done = [(t.step, t.acted.seat, t.acted.action) for t in made.episode(0).turns()]
    assert done == [(0, "ann", "Hi."), (1, "ann", "Ho."), (1, "narrator", "It rains.")]
    assert replayed(made) == 1


class Narrated:
    """Ann says two things; a narrator may say something before each."""

    seats: ClassVar = {"ann": SeatSpec(), "narrator": SeatSpec(optional=True)}

    def reset(self, seed, options=None):  # noqa: ARG002 - nothing is left to chance
        self.n_said = 0
        return self._ask()

    def step(self, actions, now=0.0):  # noqa: ARG002 - time stands still
        self.n_said += "ann" in actions
        return self._ask() if self.n_said < 2 else TimeStep(ended={"ann": "terminated"})

    def _ask(self):
        return TimeStep({"ann": ActionRequest(), "narrator": ActionRequest(required=False)})
