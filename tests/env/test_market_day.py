import json
import re

import pytest

from simlab.env.environment import PASS
from simlab.env.market_day import Answer, Ask, MarketDay, Offer
from simlab.errors import IllegalAction


def market(**options):
    """One vendor who asks the drawn price, and the time step at which the first buyer is there."""
    world = MarketDay(**{"vendors": 1, "buyers": 1, **options})
    timestep = world.reset(3)
    while "buyer_1" not in timestep.requests:
        timestep = world.step({}, timestep.wake)
    return world, timestep


def price_of(timestep):
    prompt = timestep.requests["buyer_1"].prompt
    return int(re.search(r"vendor_1 \$(\d+)", prompt)[1])


def offer(price, vendor="vendor_1"):
    return {"buyer_1": Offer(vendor, price)}


def idle_day(world, seed=1, actions=None):
    """A day in which nobody acts, but for `actions` by time."""
    steps = [world.reset(seed)]
    times = [0.0]
    actions = dict(actions or {})
    while not steps[-1].over:
        due = [time for time in actions if time <= steps[-1].wake]
        now = min(due, default=steps[-1].wake)
        steps.append(world.step(actions.pop(now, {}), now))
        times.append(now)
    return steps, times


def test_prices_are_public_when_a_buyer_comes_and_when_they_change():
    world, timestep = market(buyers=2)
    now = world._now

    changed = world.step({"vendor_1": Ask(99)}, now)

    assert any("Prices: vendor_1 $" in text for text in timestep.observations["buyer_1"])
    assert "vendor_1 now asks $99." in changed.observations["buyer_1"]
    assert "vendor_1 now asks $99." in changed.observations["vendor_1"]
    assert "vendor_1 $99" in changed.requests["buyer_1"].prompt


def test_an_unchanged_price_is_not_news():
    world, timestep = market()

    told = world.step({"vendor_1": Ask(price_of(timestep))}, world._now)

    assert told.observations == {}


def test_the_asked_price_or_more_buys_at_once_for_what_is_asked():
    world, timestep = market()
    price = price_of(timestep)

    end = world.step(offer(price + 7), world._now)

    value, cost = end.info["buyer_1"]["value"], end.info["vendor_1"]["cost"]
    assert end.rewards == {"buyer_1": float(value - price), "vendor_1": float(price - cost)}
    assert end.info["buyer_1"]["paid"] == price
    assert end.ended["buyer_1"] == "terminated"


def test_a_lower_price_is_an_offer_that_the_vendor_may_accept():
    world, timestep = market()
    price = price_of(timestep)

    haggled = world.step(offer(price - 2), world._now)
    end = world.step({"vendor_1": Answer(accept=True)}, world._now + 10)

    request = haggled.requests["vendor_1"]
    assert (request.space, request.required, request.default) == (Answer, False, Answer(False))
    assert f"buyer_1 offers ${price - 2} for a crate." in request.prompt
    assert "buyer_1" not in haggled.requests
    assert end.info["buyer_1"]["paid"] == price - 2


def test_a_refused_offer_is_told_to_its_buyer_alone():
    world, timestep = market(buyers=2)
    world.step(offer(price_of(timestep) - 2), world._now)

    told = world.step({"vendor_1": Answer(accept=False)}, world._now + 10)

    price = price_of(timestep) - 2
    assert told.observations == {"buyer_1": [f"vendor_1 does not sell to you for ${price}."]}


def test_env_10_a_deadline_that_passes_refuses_the_offer_and_delays_nobody():
    world, timestep = market(answer_s=300)
    start = world._now
    haggled = world.step(offer(price_of(timestep) - 2), start)

    late = world.step({}, haggled.wake)

    assert haggled.requests["vendor_1"].deadline == haggled.wake == start + 300
    assert "does not sell to you" in late.observations["buyer_1"][0]
    assert late.requests["vendor_1"].space is Ask


def test_env_10_the_default_played_at_the_deadline_does_the_same():
    def at_the_deadline(actions):
        world, timestep = market()
        haggled = world.step(offer(price_of(timestep) - 2), world._now)
        late = world.step(actions(haggled), haggled.wake)
        return late.observations, late.wake, list(late.requests)

    played = at_the_deadline(lambda told: {"vendor_1": told.requests["vendor_1"].default})

    assert played == at_the_deadline(lambda _: {})


def test_env_10_an_answer_after_the_deadline_has_no_effect():
    world, timestep = market()
    haggled = world.step(offer(price_of(timestep) - 2), world._now)

    late = world.step({"vendor_1": Answer(accept=True)}, haggled.wake + 1)

    assert late.rewards == {}
    assert late.observations["vendor_1"] == ["You answer too late: the offer of buyer_1 is gone."]


def test_an_answer_at_the_very_deadline_is_in_time():
    world, timestep = market()
    haggled = world.step(offer(price_of(timestep) - 2), world._now)

    assert world.step({"vendor_1": Answer(accept=True)}, haggled.wake).rewards


def test_who_has_acted_is_not_asked_again_before_the_pause_is_over():
    world, _ = market(pause_s=600)
    now = world._now

    acted = world.step({"vendor_1": PASS, "buyer_1": PASS}, now)
    rested = world.step({}, now + 600)

    assert acted.requests == {}
    assert not acted.over
    assert set(rested.requests) == {"vendor_1", "buyer_1"}


def test_an_agent_that_always_acts_at_once_does_not_stop_time():
    world = MarketDay()
    timestep, now, steps = world.reset(5), 0.0, 0

    while not timestep.over:
        actions = {seat: request.default for seat, request in timestep.requests.items()}
        now = now if actions else timestep.wake
        timestep = world.step(actions, now)
        steps += 1

    assert now == 7200
    assert steps < 200


def test_the_last_crate_goes_to_the_first_in_seat_order_and_the_other_is_told():
    world = MarketDay(vendors=2, buyers=2, stock=1)
    timestep = world.reset(1)
    while not {"buyer_1", "buyer_2"} <= set(timestep.requests):
        timestep = world.step({}, timestep.wake)

    both = {seat: Offer("vendor_1", 1000) for seat in ("buyer_2", "buyer_1")}
    told = world.step(both, world._now)

    assert set(told.ended) == {"buyer_1", "vendor_1"}
    assert told.observations["buyer_2"][-1] == "You come too late: vendor_1 has sold out."


def test_a_vendor_that_sold_out_refuses_its_other_offers_and_is_asked_no_more():
    world = MarketDay(vendors=2, buyers=2, stock=1)
    timestep = world.reset(1)
    while not {"buyer_1", "buyer_2"} <= set(timestep.requests):
        timestep = world.step({}, timestep.wake)
    now = world._now
    world.step({"buyer_2": Offer("vendor_1", 1)}, now)

    sold = world.step(offer(1000), now)

    assert sold.ended == {"buyer_1": "terminated", "vendor_1": "terminated"}
    assert sold.observations["buyer_2"][1:] == [
        "vendor_1 does not sell to you for $1.",
        "vendor_1 has sold out.",
    ]
    assert "vendor_1" not in sold.requests
    with pytest.raises(IllegalAction, match="expected an action of one of"):
        world.step({"vendor_1": Ask(5)}, now)


def test_only_vendors_with_crates_can_be_named():
    world, _ = market()

    with pytest.raises(IllegalAction, match="vendor must be 'vendor_1', got 'vendor_9'"):
        world.step(offer(5, "vendor_9"), world._now)


def test_a_buyer_that_leaves_takes_its_offer_away():
    world, _ = market(stay_s=100, answer_s=300, buyers=2)
    haggled = world.step(offer(1), world._now)

    left = world.step({}, haggled.wake)

    assert left.ended == {"buyer_1": "terminated"}
    assert left.observations["buyer_1"] == ["You leave the market without a crate."]
    assert left.requests["vendor_1"].space is Ask


def test_the_market_closes_for_everybody_at_its_time():
    world = MarketDay(duration_s=3000, stay_s=9000)

    steps, times = idle_day(world)

    assert times[-1] == 3000
    assert set(steps[-1].ended) == set(world.seats)
    assert all(seen[-1] == "The market closes." for seen in steps[-1].observations.values())


def test_the_market_closes_early_when_nobody_is_left_to_buy():
    world, timestep = market(stock=5)

    end = world.step(offer(price_of(timestep)), world._now)

    assert end.over
    assert set(end.ended) == {"buyer_1", "vendor_1"}
    assert end.info["vendor_1"]["crates_left"] == 4


def test_buyers_come_and_leave_at_times_of_the_seed():
    def days(seed):
        steps, times = idle_day(MarketDay(), seed)
        return [(time, sorted(step.observations)) for step, time in zip(steps, times, strict=True)]

    assert days(1) == days(1)
    assert days(1) != days(2)


def test_a_step_that_comes_late_finds_what_happened_meanwhile_in_order():
    """On a real clock a step can come after its `wake`; the seats perceive the same."""
    one, other = MarketDay(), MarketDay()
    steps, _ = idle_day(one)
    timestep = other.reset(1)
    late = other.step({}, 7200.0)

    heard = {seat: [] for seat in one.seats}
    for step in steps[1:]:
        for seat, seen in step.observations.items():
            heard[seat] += seen

    assert timestep.observations == steps[0].observations
    assert late.observations == heard
    assert late.over


def test_time_does_not_run_backwards():
    world, _ = market()

    with pytest.raises(ValueError, match=r"now must be at least \d+\.0, got 0\.0"):
        world.step({}, 0.0)


def test_env_11_agents_with_periods_of_their_own_give_one_order_of_events():
    def day():
        world = MarketDay(vendors=3, buyers=3, duration_s=3600)
        timestep, now, events = world.reset(7), 0.0, []
        due = {seat: 100.0 + 70 * n for n, seat in enumerate(world.seats)}
        while not timestep.over:
            asked = {seat: max(due[seat], now) for seat in timestep.requests}
            now = min([*asked.values(), timestep.wake])
            acting = {s: timestep.requests[s] for s, time in asked.items() if time == now}
            actions = {
                seat: Ask(20 - int(now / 400)) if request.space is Ask else request.default
                for seat, request in acting.items()
            }
            due |= dict.fromkeys(acting, now + 333.0)
            events.append([now, sorted(actions), dict(timestep.observations)])
            timestep = world.step(actions, now)
        return json.dumps(events)

    assert day() == day()


@pytest.mark.parametrize(
    "options",
    [{"vendors": 0}, {"buyers": 0}, {"stock": 0}, {"duration_s": 0.5}, {"pause_s": 0}],
    ids=str,
)
def test_wrong_settings_are_refused_with_their_values(options):
    with pytest.raises(ValueError, match="must be a whole number of at least 1, got"):
        MarketDay(**options)
