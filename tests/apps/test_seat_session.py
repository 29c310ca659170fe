"""Sessions of people at seats: of runs in this event loop, and of what a run might tell."""

import asyncio
import json
from contextlib import asynccontextmanager

import msgspec
import pytest

from simlab.apps.links import Link, place_of
from simlab.apps.reading import Reading
from simlab.apps.seats import Seats
from simlab.apps.tails import Tails
from simlab.errors import ControlError, NotFoundError
from simlab.sim.control.place import SOCKET
from tests.sim.control.conftest import acting, live, standing  # noqa: F401 - a fixture
from tests.sim.control.score import STUCK
from tests.sim.records import deeds, replayed

pytestmark = pytest.mark.slow  # real runs, whose logs are looked at four times a second

ROBIN = Link("run", b"", "Robin", 0, "ann")


@asynccontextmanager
async def app(root, tmp_path, monkeypatch):
    """What an app has of seats."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    reading = Reading([root])
    tails = Tails(reading)
    seats = Seats(reading, tails)
    yield seats
    await seats.close()
    await tails.close()
    reading.close()


async def sit(seats, root, link=ROBIN, **terms):
    """The session of whoever has a link."""
    link = msgspec.structs.replace(link, place=place_of(root), **terms)
    return await seats.session(seats.links.write(link))


async def told(session, state, *, key=None):
    """What a session tells, once it is in a state, and asks something else than before."""
    version = ""
    async with asyncio.timeout(20):
        while True:
            found = await session.standing(version, 0, wait_s=15)
            question = found["question"]
            if found["state"] == state and (key is None or (question and question["key"] != key)):
                return found
            version = found["version"]


async def seen_by(session, *, until):
    """The texts that a session shows, once some text is among them."""
    version, texts = "", set()
    async with asyncio.timeout(20):
        while until not in texts:
            found = await session.standing(version, 0, wait_s=15)
            version, texts = found["version"], {thing["text"] for thing in found["seen"]}
    return texts


@pytest.fixture
def seated(live, tmp_path, monkeypatch):  # noqa: F811
    """Starts a run of models that never answer, and an app beside it."""

    @asynccontextmanager
    async def start(**keys):
        async with (
            live(**{"models": {"small": STUCK}, **keys}) as (run, client),
            app(run.path, tmp_path, monkeypatch) as seats,
        ):
            yield run, client, seats

    return start


async def test_a_person_plays_a_seat_to_the_end_of_the_episode(seated):
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        session = await sit(seats, run.path)
        first = await told(session, "turn")
        await session.answer(first["question"]["key"], "Zero.")
        await acting(client, "bob")
        await client.say(0, "bob", "One.")
        second = await told(session, "turn", key=first["question"]["key"])
        await session.answer(second["question"]["key"], "Two.")
        await acting(client, "bob")
        await client.say(0, "bob", "Three.")
        last = await told(session, "ended")
        made = await run.finished()

    assert deeds(made) == ["Zero.", "One.", "Two.", "Three."]
    assert replayed(made) == 1
    assert [t["text"] for t in last["seen"] if t["kind"] == "act"] == ["Zero.", "Two."]
    assert last["question"] is None


async def test_what_is_not_taken_is_told_and_the_question_stays(seated):
    world = {"world": "simlab.env.iterated_dilemma:IteratedDilemma", "options": {"rounds": 1}}
    async with seated(**world, cast={"*": {"model": "small"}}) as (run, client, seats):
        await acting(client, "first")
        session = await sit(seats, run.path, seat="first")
        before = (await told(session, "turn"))["question"]
        await session.answer(before["key"], "perhaps")
        refused = (await told(session, "turn"))["question"]
        await session.answer("another", "defect")
        await session.answer(before["key"], "defect")
        waiting = await told(session, "waiting")

    assert "the answer is no action of seat 'first'" in refused["refusal"]
    assert (refused["key"], refused["id"]) == (before["key"], before["id"])
    assert waiting["question"] is None


async def test_an_answer_to_what_is_asked_no_more_is_refused(seated):
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        session = await sit(seats, run.path)
        key = (await told(session, "turn"))["question"]["key"]
        await client.say(0, "ann", "Said.")
        await told(session, "waiting")
        await session.answer(key, "Too late.")

        assert session.questions.current is None


@pytest.mark.parametrize(
    ("lapse", "words"),
    [("agent", "its agent plays on"), ("default", "defaults"), ("pause", "stands still")],
)
async def test_leaving_hands_the_seat_to_whom_the_link_says(seated, lapse, words):
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        session = await sit(seats, run.path, lapse=lapse)
        await told(session, "turn")
        await session.leave()
        left = await told(session, "left")
        if lapse == "agent":
            await acting(client, "ann")
        elif lapse == "default":
            await acting(client, "bob")
        paused = (await client.hello())["paused"]
        leases = (await client.hello())["leases"]

    assert words in left["why"]
    assert paused == (lapse == "pause")
    assert leases == []


async def test_whoever_has_left_reads_nothing_of_those_who_sit_there_next(seated, monkeypatch):
    monkeypatch.setattr("simlab.apps.seat_session._AGAIN_S", 0.01)
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        robin = await sit(seats, run.path)
        await seen_by(robin, until="Hello. It is day 3.")
        await robin.leave()
        left = await told(robin, "left")
        await acting(client, "ann")
        ann = await sit(seats, run.path, who="Ann")
        question = (await told(ann, "turn"))["question"]
        await told(await sit(seats, run.path), "refused")
        await ann.answer(question["key"], "What Ann alone may know.")
        await acting(client, "bob")
        await client.say(0, "bob", "What bob tells her.")
        texts = await seen_by(ann, until="What bob tells her.")
        refused = await robin.standing("", 0, wait_s=0)

    assert "What Ann alone may know." in texts
    assert (left["seen"], refused["seen"], refused["state"]) == ([], [], "refused")


async def test_once_the_episode_has_ended_its_seat_is_read_by_who_played_it_then_alone(seated):
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        robin = await sit(seats, run.path)
        await told(robin, "turn")
        await robin.leave()
        await acting(client, "ann")
        ann = await sit(seats, run.path, who="Ann")
        key = None
        for own, other in (("What Ann alone may know.", "One."), ("Two.", "Three.")):
            key = (await told(ann, "turn", key=key))["question"]["key"]
            await ann.answer(key, own)
            await acting(client, "bob")
            await client.say(0, "bob", other)
        of_ann = await told(ann, "ended")
        of_robin = await told(robin, "ended")
        of_stranger = await told(await sit(seats, run.path, who="Eve"), "ended")

    assert "What Ann alone may know." in {thing["text"] for thing in of_ann["seen"]}
    assert (of_robin["seen"], of_stranger["seen"]) == ([], [])


async def test_whoever_is_late_has_lost_the_seat_and_may_take_it_again(seated):
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        session = await sit(seats, run.path, after_s=0.05)
        late = await told(session, "late")
        await acting(client, "ann")
        session.come()
        again = await told(session, "turn")

    assert "You gave no answer in time; its agent plays on" in late["why"]
    assert late["seen"] == []
    assert 0 < again["question"]["left_s"] <= 0.05


async def test_a_seat_that_somebody_has_is_taken_once_it_is_free(seated, monkeypatch):
    monkeypatch.setattr("simlab.apps.seat_session._AGAIN_S", 0.01)
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        await client.lease(0, "ann", "Ann")
        await client.question()
        session = await sit(seats, run.path)
        refused = await told(session, "refused")
        await client.leave(0, "ann")
        await told(session, "turn")

    assert "is taken by 'Ann', got 'Robin'" in refused["why"]


async def test_a_person_stands_for_a_model(seated):
    async with seated(models={"small": {"engine": "person"}}) as (run, _, seats):
        session = await sit(seats, run.path, episode=-1, seat="", model="small")
        key, words = None, iter(("Zero.", "One.", "Two.", "Three."))
        for each in words:
            question = (await told(session, "turn", key=key))["question"]
            key = question["key"]
            await session.answer(key, each)
        made = await run.finished()
        await told(session, "away")

    assert deeds(made) == ["Zero.", "One.", "Two.", "Three."]
    assert question["chat"][-1]["by"] == "user"


async def test_one_link_is_one_session_and_one_lease_goes_on_with_a_new_app(
    seated, tmp_path, monkeypatch
):
    async with seated() as (run, client, seats):
        await acting(client, "ann")
        session = await sit(seats, run.path)
        assert await sit(seats, run.path) is session
        first = (await told(session, "turn"))["question"]
        await seats.close()
        async with app(run.path, tmp_path, monkeypatch) as later:
            again = await sit(later, run.path)
            question = (await told(again, "turn"))["question"]
            await again.answer(question["key"], "Zero.")
            await acting(client, "bob")

    assert (question["id"], question["key"]) == (first["id"], first["key"])


async def test_a_link_of_another_run_of_this_name_opens_nothing(seated):
    async with seated() as (run, _, seats):
        with pytest.raises(NotFoundError, match="not among those that are shown here"):
            await sit(seats, run.path / "elsewhere")


class FakeRun:
    """What listens at the socket of a run, and says what a test tells it."""

    def __init__(self):
        self.writer = None
        self.is_silent = False
        self.requests = asyncio.Queue()

    async def serve(self, reader, writer):
        self.writer = writer
        while line := await reader.readline():
            request = json.loads(line)
            await self.requests.put(request)
            if not self.is_silent:
                self.say({"id": request["id"], "ok": True})
        writer.close()

    def say(self, line):
        self.writer.write(json.dumps(line).encode() + b"\n")


@pytest.fixture
def fake(made, tmp_path, monkeypatch):
    """A run that has stopped, a fake that listens for it, and an app."""
    (made / "summary.json").unlink()
    monkeypatch.setattr("simlab.apps.seat_session._AGAIN_S", 0.01)

    @asynccontextmanager
    async def start():
        async with app(made, tmp_path, monkeypatch) as seats:
            yield made, seats

    return start


@asynccontextmanager
async def listening(path):
    """A fake run that listens until the end of the block, as if it died there."""
    run = FakeRun()
    server = await asyncio.start_unix_server(run.serve, path / SOCKET)
    try:
        yield run
    finally:
        if run.writer is not None:
            run.writer.close()
            await run.writer.wait_closed()
        server.close()
        await server.wait_closed()
        (path / SOCKET).unlink()


ASK = {"id": "1-0", "episode": 7, "seat": "ann", "prompt": "Now?", "schema": {}, "deadline": None}


async def test_a_run_that_dies_is_told_and_gone_on_with_once_it_is_there_again(fake):
    async with fake() as (path, seats):
        session = await sit(seats, path, episode=7)
        nobody = await told(session, "away")
        with pytest.raises(ControlError, match="the run is not reached now"):
            await session.leave()
        keys = []
        for number in ("1-0", "2-0"):
            async with listening(path) as run:
                request = await run.requests.get()
                run.say({"question": {**ASK, "id": number}})
                keys.append((await told(session, "turn"))["question"]["key"])
            await told(session, "away")

    assert "has no socket of this user" in nobody["why"]
    assert (request["kind"], request["who"], request["seat"]) == ("lease", "Robin", "ann")
    assert keys[0] == keys[1]


async def test_a_run_that_says_nothing_keeps_nobody_waiting(fake, monkeypatch):
    monkeypatch.setattr("simlab.apps.patience._PATIENCE_S", 0.05)
    async with fake() as (path, seats), listening(path) as run:
        session = await sit(seats, path, episode=7)
        await run.requests.get()
        run.say({"question": ASK})
        key = (await told(session, "turn"))["question"]["key"]
        run.is_silent = True
        await session.answer(key, "Hello.")
        refusal = session.questions.current.refusal
        with pytest.raises(ControlError, match=r"no answer to 'leave' for 0\.05 s; see whether"):
            await session.leave()

    assert "no answer to 'answer'" in refusal


async def test_a_seat_of_a_run_that_says_nothing_is_not_taken(fake, monkeypatch):
    monkeypatch.setattr("simlab.apps.patience._PATIENCE_S", 0.05)
    async with fake() as (path, seats), listening(path) as run:
        run.is_silent = True
        refused = await told(await sit(seats, path, episode=7), "refused")

    assert "no answer to 'take'" in refused["why"]


async def test_all_seats_are_closed_though_one_has_failed(fake, monkeypatch):
    async def bug():
        raise RuntimeError("a bug of ours")

    async with fake() as (path, seats), listening(path):
        failing, other = [await sit(seats, path, episode=7, who=who) for who in ("Ann", "Bob")]
        await told(other, "waiting")
        monkeypatch.setattr(failing, "_read_on", bug)
        failing._look()
        await asyncio.sleep(0)
        await seats.close()
        tasks = (failing._holding, failing._looking, other._holding, other._looking)

        assert all(task.done() for task in tasks)


async def test_a_question_that_is_withdrawn_is_shown_no_more(fake):
    async with fake() as (path, seats), listening(path) as run:
        session = await sit(seats, path, episode=7)
        await run.requests.get()
        run.say({"question": ASK})
        asked = await told(session, "turn")
        run.say({"withdrawn": "1-0"})
        waiting = await told(session, "waiting")

    assert asked["question"]["prompt"] == "Now?"
    assert waiting["question"] is None


async def test_whoever_waits_is_answered_in_time_where_nothing_changes(fake):
    async with fake() as (path, seats), listening(path):
        session = await sit(seats, path, episode=7)
        version = (await told(session, "waiting"))["version"]

        assert (await session.standing(version, 0, wait_s=0.01))["version"] == version


async def test_what_a_page_has_seen_of_another_process_does_not_count(fake):
    async with fake() as (path, seats), listening(path):
        session = await sit(seats, path)
        await told(session, "ended")

        assert (await session.standing("other.1", 3, wait_s=1))["from"] == 0
        assert (await session.standing(session._version, 3, wait_s=0))["from"] == 3
