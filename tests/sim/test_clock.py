import asyncio

import pytest

from simlab.env.environment import ActionRequest, TimeStep, Wait
from simlab.errors import AgentFailedError, DeadlineMissedError, EnvironmentStuckError
from simlab.sim.act import Act
from simlab.sim.clock import Latency, SimulatedClock

MUST = ActionRequest()
MAY = ActionRequest(required=False)


class FakeCast:
    """Answers what was written down for each seat, and keeps what it was told and asked."""

    def __init__(self, **answers):
        self.answers = {seat: list(given) for seat, given in answers.items()}
        self.told = []
        self.asked = []

    async def tell(self, seat, step, observations):
        self.told.append((step, seat, tuple(observations)))

    async def ask(self, seat, step, observations, request):  # noqa: ARG002
        self.asked.append((step, seat, tuple(observations)))
        answer = self.answers[seat].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Act | Wait) else Act(answer)

    def seats_asked(self):
        return [seat for _, seat, _ in self.asked]


async def gathered(clock, cast, requests, step=0, **parts):
    """The actions of a step by seat, without what else is known of them."""
    acts = await clock.gather(step, TimeStep(requests, **parts), cast)
    return {seat: act.action for seat, act in acts.items()}


async def test_a_turn_takes_no_time_and_asks_one_seat():
    clock, cast = SimulatedClock(), FakeCast(ann=["hi"])
    seen = {"ann": ["It is day."], "bob": ["It is night."]}

    assert await gathered(clock, cast, {"ann": MUST}, observations=seen) == {"ann": "hi"}

    assert clock.now == 0.0
    assert cast.asked == [(0, "ann", ("It is day.",))]
    assert cast.told == [(0, "bob", ("It is night.",))]


async def test_a_simultaneous_move_comes_in_seat_order_however_it_is_asked():
    clock, cast = SimulatedClock(), FakeCast(ann=["a"], bob=["b"], cid=["c"])

    acts = await gathered(clock, cast, {"cid": MUST, "ann": MUST, "bob": MUST})

    assert list(acts.items()) == [("ann", "a"), ("bob", "b"), ("cid", "c")]
    assert cast.seats_asked() == ["ann", "bob", "cid"]


async def test_env_9_nobody_is_told_an_action_before_all_have_acted():
    clock = SimulatedClock()
    all_asked, log = asyncio.Event(), []

    class Cast(FakeCast):
        async def ask(self, seat, step, observations, request):  # noqa: ARG002
            log.append(f"ask {seat}")
            if len(log) == 2:
                all_asked.set()
            await all_asked.wait()
            return Act(seat)

    assert await gathered(clock, Cast(), {"bob": MUST, "ann": MUST}) == {"ann": "ann", "bob": "bob"}
    assert log == ["ask ann", "ask bob"]


async def test_a_required_request_waits_for_all_and_takes_as_long_as_the_slowest():
    clock = SimulatedClock(Latency("per_token", 0.5))
    cast = FakeCast(ann=[Act("a", tokens=2)], bob=[Act("b", tokens=10)])

    assert await gathered(clock, cast, {"ann": MUST, "bob": MUST}) == {"ann": "a", "bob": "b"}
    assert clock.now == 5.0


@pytest.mark.parametrize(
    ("latency", "time"),
    [
        (Latency(), 0.0),
        (Latency("zero", 9.0), 0.0),
        (Latency("fixed", 2.0), 2.0),
        (Latency("per_token", 0.25), 3.0),
    ],
)
def test_latency_is_nothing_or_fixed_or_by_the_token(latency, time):
    assert latency.of(Act("a", tokens=12)) == time


async def test_an_optional_seat_that_acts_makes_the_step_come():
    clock = SimulatedClock(Latency("fixed", 2.0))
    cast = FakeCast(ann=[Wait()], bob=["b"])

    assert await gathered(clock, cast, {"ann": MAY, "bob": MAY}, wake=9.0) == {"bob": "b"}
    assert clock.now == 2.0


async def test_a_seat_that_waits_is_asked_again_when_its_time_has_come():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait(3.0), "a"])

    assert await gathered(clock, cast, {"ann": MAY}, wake=9.0) == {"ann": "a"}

    assert clock.now == 3.0
    assert cast.seats_asked() == ["ann", "ann"]


async def test_a_seat_that_waits_is_not_asked_before():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait(3.0), "a"], bob=["b", Wait()])
    requests = {"ann": MAY, "bob": MAY}

    assert await gathered(clock, cast, requests) == {"bob": "b"}
    assert await gathered(clock, cast, requests, step=1) == {"ann": "a"}

    assert clock.now == 3.0
    assert cast.seats_asked() == ["ann", "bob", "bob", "ann"]


async def test_what_a_seat_perceives_ends_its_wait():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait(3.0), "a"], bob=["b"])
    await clock.gather(0, TimeStep({"ann": MAY, "bob": MAY}), cast)

    heard = {"ann": ["bob did b"]}
    assert await gathered(clock, cast, {"ann": MAY}, step=1, observations=heard) == {"ann": "a"}

    assert clock.now == 0.0
    assert cast.asked[-1] == (1, "ann", ("bob did b",))


async def test_a_seat_that_waits_must_act_when_its_request_becomes_required():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait(3.0), "a"], bob=["b"])
    await clock.gather(0, TimeStep({"ann": MAY, "bob": MAY}), cast)

    assert await gathered(clock, cast, {"ann": MUST}, step=1) == {"ann": "a"}


async def test_time_never_goes_back_beside_a_required_seat_that_takes_long():
    clock = SimulatedClock(Latency("fixed", 10.0))
    cast = FakeCast(ann=["a"], bob=[Wait(5.0), "b", Wait()])

    assert await gathered(clock, cast, {"ann": MUST, "bob": MAY}) == {"ann": "a"}
    assert clock.now == 10.0

    assert await gathered(clock, cast, {"bob": MAY}, step=1) == {"bob": "b"}
    assert clock.now == 15.0, "bob began at 5, when its wait was over"


async def test_a_wait_that_is_over_already_lasts_until_something_is_perceived():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait(0.0)])

    assert await gathered(clock, cast, {"ann": MAY}, wake=4.0) == {}
    assert cast.seats_asked() == ["ann"]


async def test_the_world_is_woken_with_no_actions_at_its_time():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait(9.0)])

    assert await gathered(clock, cast, {"ann": MAY}, wake=4.0) == {}
    assert clock.now == 4.0


async def test_a_world_may_ask_nobody_and_wake():
    clock = SimulatedClock()

    assert await gathered(clock, FakeCast(), {}, wake=4.0) == {}
    assert clock.now == 4.0


async def test_a_wake_in_the_past_is_now():
    clock = SimulatedClock(now=7.0)

    assert await gathered(clock, FakeCast(), {}, wake=4.0) == {}
    assert clock.now == 7.0


async def test_a_busy_seat_is_asked_nothing_until_its_action_has_come():
    clock = SimulatedClock(Latency("per_token", 1.0))
    cast = FakeCast(ann=[Act("slow", tokens=5)], bob=[Act("quick", tokens=2), Wait()])
    requests = {"ann": MAY, "bob": MAY}

    assert await gathered(clock, cast, requests) == {"bob": "quick"}
    heard = {"ann": ["bob was quick"]}
    assert await gathered(clock, cast, requests, step=1, observations=heard) == {"ann": "slow"}

    assert clock.now == 5.0
    assert cast.seats_asked() == ["ann", "bob", "bob"]
    assert cast.told == [(1, "ann", ("bob was quick",))]


async def test_what_a_busy_seat_does_is_dropped_when_it_is_asked_no_more():
    clock = SimulatedClock(Latency("per_token", 1.0))
    cast = FakeCast(ann=[Act("slow", tokens=5), Act("new", tokens=1)], bob=[Act("b", tokens=2)])
    await clock.gather(0, TimeStep({"ann": MAY, "bob": MAY}), cast)

    assert await gathered(clock, cast, {}, step=1, wake=2.0) == {}
    assert await gathered(clock, cast, {"ann": MAY}, step=2) == {"ann": "new"}


async def test_of_equal_times_the_seats_come_in_one_step_in_order():
    clock = SimulatedClock(Latency("fixed", 1.0))
    cast = FakeCast(bob=["b"], ann=["a"], cid=[Wait(1.0), Wait()])
    requests = {"cid": MAY, "bob": MAY, "ann": MAY}

    assert list(await gathered(clock, cast, requests)) == ["ann", "bob"]


async def test_env_10_a_seat_that_misses_its_deadline_plays_its_default_marked_late():
    clock = SimulatedClock(Latency("per_token", 1.0))
    cast = FakeCast(ann=[Act("too slow", tokens=9)], bob=[Act("b", tokens=1)])
    request = ActionRequest(deadline=4.0, default="nothing")

    acts = await clock.gather(0, TimeStep({"ann": request, "bob": request}), cast)

    assert acts["ann"].action == "nothing"
    assert acts["ann"].late
    assert not acts["ann"].invalid
    assert acts["ann"].refused[-1].reason == "too late: the deadline was 4.0 s"
    assert not acts["bob"].late
    assert clock.now == 4.0, "the others wait until the deadline and no longer"


async def test_env_10_a_late_answer_is_dropped():
    clock = SimulatedClock(Latency("per_token", 1.0))
    cast = FakeCast(ann=[Act("too slow", tokens=9), Act("b", tokens=1)])
    request = ActionRequest(deadline=4.0, default="nothing", required=False)

    assert await gathered(clock, cast, {"ann": request}) == {"ann": "nothing"}
    assert await gathered(clock, cast, {"ann": MAY}, step=1) == {"ann": "b"}
    assert clock.now == 5.0


async def test_env_10_a_seat_that_waits_past_its_deadline_is_late():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait(9.0)])
    request = ActionRequest(deadline=4.0, default="nothing", required=False)

    acts = await clock.gather(0, TimeStep({"ann": request}), cast)

    assert acts["ann"].late
    assert clock.now == 4.0


async def test_an_answer_at_the_very_deadline_is_in_time():
    clock, cast = SimulatedClock(Latency("fixed", 4.0)), FakeCast(ann=["a"])

    assert await gathered(clock, cast, {"ann": ActionRequest(deadline=4.0)}) == {"ann": "a"}


async def test_a_busy_seat_whose_deadline_is_brought_forward_is_late_then():
    clock = SimulatedClock(Latency("per_token", 1.0))
    cast = FakeCast(ann=[Act("slow", tokens=9)], bob=[Act("b", tokens=1), Wait()])
    await clock.gather(0, TimeStep({"ann": MAY, "bob": MAY}), cast)
    sooner = ActionRequest(deadline=3.0, default="nothing", required=False)

    assert await gathered(clock, cast, {"ann": sooner, "bob": MAY}, step=1) == {"ann": "nothing"}
    assert clock.now == 3.0


async def test_a_deadline_that_passed_before_the_request_came_is_late_at_once():
    clock, cast = SimulatedClock(now=7.0), FakeCast(ann=["a"])
    request = ActionRequest(deadline=4.0, default="nothing")

    assert await gathered(clock, cast, {"ann": request}) == {"ann": "nothing"}
    assert clock.now == 7.0


async def test_a_missed_deadline_without_default_fails_the_episode():
    clock, cast = SimulatedClock(Latency("fixed", 5.0)), FakeCast(ann=["a"])

    with pytest.raises(
        DeadlineMissedError, match=r"seat 'ann' gave no answer by its deadline at 4"
    ):
        await clock.gather(0, TimeStep({"ann": ActionRequest(deadline=4.0)}), cast)


async def test_a_deadline_fails_nothing_if_the_world_moves_on_before_it():
    clock = SimulatedClock(Latency("per_token", 1.0))
    cast = FakeCast(ann=[Act("slow", tokens=9)], bob=[Act("b", tokens=1)])
    request = ActionRequest(deadline=4.0, required=False)

    assert await gathered(clock, cast, {"ann": request, "bob": MAY}) == {"bob": "b"}
    assert await gathered(clock, cast, {}, step=1, wake=6.0) == {}


async def test_a_world_in_which_nothing_will_ever_happen_is_stuck():
    clock, cast = SimulatedClock(), FakeCast(ann=[Wait()], bob=[Wait()])

    with pytest.raises(EnvironmentStuckError, match=r"seats \['ann', 'bob'\] all wait, none says"):
        await clock.gather(0, TimeStep({"bob": MAY, "ann": MAY}), cast)


async def test_of_several_errors_that_of_the_first_seat_is_told():
    errors = {seat: [AgentFailedError(seat)] for seat in ("cid", "ann", "bob")}

    with pytest.raises(AgentFailedError, match=r"ann"):
        await SimulatedClock().gather(0, TimeStep(dict.fromkeys(errors, MUST)), FakeCast(**errors))


async def test_a_bug_is_told_before_failures():
    cast = FakeCast(ann=[AgentFailedError("ann")], bob=[TypeError("a bug of ours")])

    with pytest.raises(TypeError, match=r"a bug of ours"):
        await SimulatedClock().gather(0, TimeStep({"ann": MUST, "bob": MUST}), cast)


async def test_env_11_three_periods_of_their_own_give_one_order_of_events():
    async def ring(names):
        clock = SimulatedClock()
        cast = FakeCast(**{name: _rings(float(names.index(name) + 2)) for name in names})
        events = []
        requests = dict.fromkeys(names, MAY)
        while clock.now < 12.0:
            acts = await clock.gather(len(events), TimeStep(requests, wake=12.0), cast)
            events.append((clock.now, sorted(acts)))
        return events

    events = await ring(["ann", "bob", "cid"])

    assert events[:4] == [
        (2.0, ["ann"]),
        (3.0, ["bob"]),
        (4.0, ["ann", "cid"]),
        (6.0, ["ann", "bob"]),
    ]
    assert events == await ring(["ann", "bob", "cid"])


def _rings(period):
    """Waits and rings in turn, at each multiple of a period."""
    return [answer for n in range(1, 9) for answer in (Wait(n * period), "ding")]
