"""The real clock, run a thousand times as fast as it goes."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from simlab.env.environment import ActionRequest, TimeStep, Wait
from simlab.errors import AgentFailedError, EnvironmentStuckError
from simlab.sim.real_clock import RealClock
from simlab.trace.events import Stepped, SteppedCore
from simlab.trace.journal import Journal
from simlab.trace.writer import SegmentWriter
from tests.sim.records import replayed
from tests.sim.test_clock import FakeCast, gathered
from tests.sim.test_launch import interrupt_at

WORLDS = "tests.sim.worlds"
SPEED = 1000.0
MUST = ActionRequest()
MAY = ActionRequest(required=False)


class SlowCast(FakeCast):
    """A fake cast in which some answers come when they are let go, or never."""

    def __init__(self, **answers):
        super().__init__(**answers)
        self.gates = {seat: asyncio.Event() for seat in answers}
        self.cancelled = []

    async def ask(self, seat, step, observations, request):
        try:
            await self.gates[seat].wait()
        except asyncio.CancelledError:
            self.cancelled.append(seat)
            raise
        return await super().ask(seat, step, observations, request)


@pytest.fixture
async def clock(tmp_path):
    """A clock whose episode is written; closed in the end."""
    async with clock_of(tmp_path / "1.log") as clock:
        yield clock


@asynccontextmanager
async def clock_of(path):
    writer = SegmentWriter(path)
    clock = RealClock(Journal(0, seed=0, writer=writer), SPEED)
    yield clock
    try:
        await clock.close()
    finally:
        writer.close()


async def test_world_time_passes_by_itself(clock):
    assert await gathered(clock, FakeCast(ann=[Wait()]), {"ann": MAY}, wake=3.0) == {}

    assert 3.0 <= clock.now < 1000.0


async def test_a_world_that_asks_nobody_is_woken_at_its_time(clock):
    assert await gathered(clock, FakeCast(), {}, wake=2.0) == {}
    assert clock.now >= 2.0


async def test_required_seats_are_all_waited_for_and_come_in_seat_order(clock):
    cast = SlowCast(bob=["b"], ann=["a"])
    cast.gates["bob"].set()
    asyncio.get_running_loop().call_later(0.003, cast.gates["ann"].set)

    acts = await gathered(clock, cast, {"bob": MUST, "ann": MUST}, wake=1.0)

    assert sorted(acts.items()) == [("ann", "a"), ("bob", "b")]
    assert clock.now >= 3.0


async def test_an_optional_action_makes_the_step_come_and_others_stay_busy(clock):
    cast = SlowCast(ann=["slow"], bob=["quick", Wait()])
    cast.gates["bob"].set()
    requests = {"ann": MAY, "bob": MAY}

    assert await gathered(clock, cast, requests) == {"bob": "quick"}
    cast.gates["ann"].set()
    assert await gathered(clock, cast, requests, step=1) == {"ann": "slow"}

    assert cast.seats_asked().count("ann") == 1, "a busy seat goes on with its request"


async def test_env_10_a_seat_that_misses_its_deadline_is_late_and_its_answer_dropped(clock):
    cast = SlowCast(ann=["too slow"], bob=["b"])
    cast.gates["bob"].set()
    soon, at_leisure = (ActionRequest(deadline=at, default="nothing") for at in (4.0, 60_000.0))

    acts = await clock.gather(0, TimeStep({"ann": soon, "bob": at_leisure}), cast)

    assert (acts["ann"].action, acts["ann"].late) == ("nothing", True)
    assert (acts["bob"].action, acts["bob"].late) == ("b", False)
    assert clock.now >= 4.0
    await asyncio.sleep(0)
    assert cast.cancelled == ["ann"]


async def test_a_seat_that_is_asked_no_more_stops_what_it_is_at(clock):
    cast = SlowCast(ann=["slow"], bob=["b"])
    cast.gates["bob"].set()
    await clock.gather(0, TimeStep({"ann": MAY, "bob": MAY}), cast)

    await gathered(clock, cast, {}, step=1, wake=0.0)
    await asyncio.sleep(0)

    assert cast.cancelled == ["ann"]


async def test_a_seat_that_waits_is_asked_again_when_its_time_has_come(clock):
    cast = FakeCast(ann=[Wait(3.0), "a"])

    assert await gathered(clock, cast, {"ann": MAY}) == {"ann": "a"}
    assert clock.now >= 3.0


async def test_a_wait_that_is_over_already_lasts_until_something_is_perceived(clock):
    cast = FakeCast(ann=[Wait(0.0), "a"])

    assert await gathered(clock, cast, {"ann": MAY}, wake=100.0) == {}
    heard = {"ann": ["a bell"]}
    assert await gathered(clock, cast, {"ann": MAY}, step=1, observations=heard) == {"ann": "a"}

    assert cast.told == [(1, "ann", ("a bell",))]


async def test_a_wait_that_ends_while_the_seat_thinks_is_over_at_once(clock):
    cast = SlowCast(ann=[Wait(1.0), "a"])
    asyncio.get_running_loop().call_later(0.003, cast.gates["ann"].set)

    assert await gathered(clock, cast, {"ann": MAY}) == {"ann": "a"}


async def test_the_end_of_a_wait_steps_no_world_that_waits_for_somebody(clock):
    class Cast(SlowCast):
        async def ask(self, seat, step, observations, request):
            answer = await super().ask(seat, step, observations, request)
            if not self.answers["bob"]:
                self.gates["ann"].set()
            return answer

    cast = Cast(ann=["a"], bob=[Wait(1.0), "b"])
    cast.gates["bob"].set()

    acts = await gathered(clock, cast, {"ann": MUST, "bob": MAY})

    assert acts == {"ann": "a", "bob": "b"}


async def test_a_seat_that_waits_must_act_when_its_request_becomes_required(clock):
    cast = FakeCast(ann=[Wait(), "a"])
    await clock.gather(0, TimeStep({"ann": MAY}, wake=0.0), cast)

    assert await gathered(clock, cast, {"ann": MUST}, step=1) == {"ann": "a"}


async def test_a_world_in_which_nothing_will_ever_happen_is_stuck(clock):
    with pytest.raises(EnvironmentStuckError, match=r"seats \['ann'\] all wait"):
        await clock.gather(0, TimeStep({"ann": MAY}), FakeCast(ann=[Wait()]))


async def test_what_a_seat_raises_on_perceiving_is_raised_with_its_next_action(clock):
    class Deaf(FakeCast):
        async def tell(self, seat, step, observations):  # noqa: ARG002
            raise AgentFailedError("too loud")

    heard = {"ann": ["a bell"]}
    with pytest.raises(AgentFailedError, match=r"too loud"):
        await clock.gather(0, TimeStep({"ann": MUST}, heard), Deaf(ann=["a"]))


class Hard(FakeCast):
    """A fake cast that raises when seats are told something, once they are let go."""

    def __init__(self, **errors):
        super().__init__()
        self.errors = errors
        self.gate = asyncio.Event()

    async def tell(self, seat, step, observations):
        await super().tell(seat, step, observations)
        if seat in self.errors:
            await self.gate.wait()
            raise self.errors[seat]


async def told(clock, cast, *seats):
    """A step in which seats are told something, and the world is woken at once."""
    heard = {seat: ["a bell"] for seat in seats}
    await clock.gather(0, TimeStep({}, heard, wake=0.0), cast)
    await asyncio.sleep(0)  # the turn of the event loop in which they hear it


async def test_what_a_seat_raises_on_perceiving_after_all_is_over_is_raised_at_the_end(clock):
    cast = Hard(bob=AgentFailedError("too loud"))
    await told(clock, cast, "ann", "bob")
    asyncio.get_running_loop().call_soon(cast.gate.set)

    with pytest.raises(AgentFailedError, match=r"too loud"):
        await clock.finish(1, TimeStep(observations={"ann": ["the end"]}), cast)

    assert cast.told[-1] == (1, "ann", ("the end",))


async def test_of_several_errors_at_the_end_that_of_the_first_seat_is_raised(clock):
    cast = Hard(bob=AgentFailedError("too dark"), ann=AgentFailedError("too loud"))
    cast.gate.set()
    await told(clock, cast, "bob", "ann")

    with pytest.raises(AgentFailedError, match=r"too loud"):
        await clock.finish(1, TimeStep(), cast)


async def test_who_is_busy_at_the_end_stops_and_holds_up_nobody(clock):
    cast = SlowCast(ann=["slow"], bob=["b"])
    cast.gates["bob"].set()
    await clock.gather(0, TimeStep({"ann": MAY, "bob": MAY}), cast)

    await clock.finish(1, TimeStep(observations={"ann": ["the end"]}), cast)

    assert cast.cancelled == ["ann"]
    assert cast.told == [(1, "ann", ("the end",))]


async def test_an_error_of_an_episode_that_has_failed_already_is_dropped(tmp_path):
    cast = Hard(bob=AgentFailedError("too loud"))
    cast.gate.set()

    async with clock_of(tmp_path / "1.log") as clock:
        await told(clock, cast, "bob")


async def test_a_bug_is_raised_though_the_episode_has_failed_already(tmp_path):
    cast = Hard(bob=TypeError("a bug"))
    cast.gate.set()

    with pytest.raises(TypeError, match=r"a bug"):
        async with clock_of(tmp_path / "1.log") as clock:
            await told(clock, cast, "bob")


async def test_a_bug_in_what_came_too_late_is_raised_in_the_end(tmp_path):
    class Cast(SlowCast):
        async def ask(self, seat, step, observations, request):
            try:
                return await super().ask(seat, step, observations, request)
            finally:
                raise TypeError("a bug")

    request = ActionRequest(deadline=100.0, default="nothing")  # by when it has long begun

    with pytest.raises(TypeError, match=r"a bug"):
        async with clock_of(tmp_path / "1.log") as clock:
            acts = await clock.gather(0, TimeStep({"ann": request}), Cast(ann=["too slow"]))

    assert acts["ann"].late


REAL = {"kind": "real", "speed": SPEED}


@pytest.mark.parametrize("clock", [REAL, {"kind": "simulated"}])
def test_an_agent_that_fails_on_perceiving_fails_its_episode_on_every_clock(relay, clock):
    cast = {"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": f"{WORLDS}:Startled"}}

    run = relay(world=f"{WORLDS}:Farewell", options={"asks_bob": False}, cast=cast, clock=clock)

    summary = run.episode(0).summary
    assert (summary.state, summary.boundary) == ("failed", "agent")
    assert "seat 'bob' raised RuntimeError: startled by ann: well ()" in summary.failure
    assert replayed(run) == 1


def test_a_bug_of_ours_while_an_episode_ends_ends_the_run(relay, monkeypatch):
    async def broken(_self, _seat, step, _observations):
        if step == 1:
            raise TypeError("a bug")

    cast = {"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": f"{WORLDS}:Startled"}}
    monkeypatch.setattr("simlab.sim.cast.Cast.tell", broken)

    with pytest.raises(TypeError, match=r"a bug"):
        relay(world=f"{WORLDS}:Farewell", options={"asks_bob": False}, cast=cast, clock=REAL)


def test_an_agent_that_is_busy_when_the_episode_ends_does_not_hold_it_up(relay):
    cast = {"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": f"{WORLDS}:Sleeper"}}

    run = relay(world=f"{WORLDS}:Farewell", cast=cast, clock=REAL)

    assert run.summary.n_ended == 1
    assert replayed(run) == 1


def times(run):
    return [run.log.core(e, SteppedCore).now for e in run.log.events(0, (Stepped,))]


def test_env_10_who_never_answers_is_late_in_the_replay_too(relay, caplog):
    run = relay(
        cast={"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": f"{WORLDS}:Sleeper"}},
        options={"closes": 5.0},
        clock={"kind": "real", "speed": SPEED},
    )

    assert [turn.acted.late for turn in run.episode(0).turns()][1:] == [True, True, True]
    assert run.summary.n_ended == 1
    assert replayed(run) == 1
    assert caplog.records == []


def test_a_model_that_is_cut_off_by_a_deadline_is_cut_off_in_the_replay(relay):
    slow = {"engine": "scripted", "latency_s": 60.0}
    run = relay(
        cast={"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": "llm"}},
        models={"small": slow},
        options={"closes": 5.0},
        clock={"kind": "real", "speed": SPEED},
    )

    assert [turn.acted.late for turn in run.episode(0).turns()][1:] == [True, True, True]
    assert replayed(run) == 1


def test_a_resumed_run_goes_on_with_world_time_where_it_stood(relay):
    cast = {f"bell_{n}": {"agent": f"{WORLDS}:Ringer", "period": n + 2.0} for n in range(3)}
    keys = {
        "world": f"{WORLDS}:Bells",
        "cast": cast,
        "clock": {"kind": "real", "speed": SPEED},
        "options": {"closes": 60.0},
    }
    with pytest.raises(KeyboardInterrupt):
        relay(**keys, observer=interrupt_at(0))
    run = relay(**keys, resume=True)

    assert run.summary.n_ended == 1
    assert times(run) == sorted(times(run))
    assert times(run)[-1] >= 60.0
    assert replayed(run) == 1


@pytest.mark.parametrize("seed", range(3))
def test_calls_that_come_back_while_a_step_is_made_or_at_the_end_are_met_there_again(relay, seed):
    jittery = {"engine": "scripted", "latency_s": 0.001, "latency_jitter_s": 0.006}

    run = relay(
        world=f"{WORLDS}:Bells",
        cast={"*": {"agent": "llm"}},
        models={"small": jittery},
        options={"closes": 0.1},
        clock={"kind": "real"},
        seed=seed,
    )

    assert run.summary.n_ended == 1
    assert replayed(run) == 1
