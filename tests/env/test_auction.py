import random

import pytest

from simlab.env.auction import Auction, Bid
from simlab.errors import IllegalAction


def auction(**options):
    world = Auction(bidders=3, items=1, **options)
    return world, world.reset(2)


def bids(*amounts):
    return {f"bidder_{n}": Bid(amount) for n, amount in enumerate(amounts, start=1)}


def test_the_highest_bid_wins_and_pays_the_second_highest():
    world, _ = auction()

    end = world.step(bids(40, 70, 60))

    value = end.info["bidder_2"]["value"]
    assert end.rewards == {"bidder_1": 0.0, "bidder_2": value - 60.0, "bidder_3": 0.0}
    assert end.observations["bidder_1"][0] == "Item 1 goes to bidder_2 for $60."
    assert end.observations["bidder_2"][0] == "Item 1 goes to you for $60."


def test_with_first_prices_the_winner_pays_its_own_bid():
    world, _ = auction(price_rule="first")

    end = world.step(bids(40, 70, 60))

    assert end.rewards["bidder_2"] == end.info["bidder_2"]["value"] - 70


def test_the_only_bidder_gets_the_item_for_nothing_at_second_prices():
    world, _ = auction()

    end = world.step(bids(0, 0, 5))

    assert end.rewards["bidder_3"] == end.info["bidder_3"]["value"]


def test_without_bids_the_item_is_not_sold():
    world, _ = auction()

    end = world.step(bids(0, 0, 0))

    assert set(end.rewards.values()) == {0.0}
    assert end.observations["bidder_1"] == [
        "Item 1 is not sold: nobody bid.",
        "The auction is over. In all you gain $0.",
    ]


def test_a_bid_above_ones_value_can_cost():
    world, _ = auction(price_rule="first")

    end = world.step(bids(5000, 0, 0))

    assert end.rewards["bidder_1"] < 0
    assert "In all you lose $" in end.observations["bidder_1"][-1]


def test_bidding_ones_value_is_never_worse_at_second_prices():
    """Vickrey 1961: whatever the others bid."""
    rng = random.Random(0)
    for seed in range(30):
        world = Auction(bidders=3, items=1)
        gains = []
        others = [rng.randint(0, 120), rng.randint(0, 120)]
        value = int(world.reset(seed).requests["bidder_1"].prompt.split("$")[1].split()[0])
        for amount in (value, value + 20, max(0, value - 20)):
            world.reset(seed)
            gains.append(world.step(bids(amount, *others)).rewards["bidder_1"])

        assert gains[0] == max(gains)


def test_the_seed_breaks_ties_for_every_bidder_at_some_time():
    world = Auction(bidders=3, items=1)
    winners = set()

    for seed in range(30):
        world.reset(seed)
        told = world.step(bids(50, 50, 50)).observations
        winners |= {seat for seat, seen in told.items() if "goes to you for $50" in seen[0]}

    assert winners == {"bidder_1", "bidder_2", "bidder_3"}


def test_env_9_a_value_is_told_to_its_bidder_alone_and_no_bid_to_anybody():
    world = Auction(bidders=2, items=2, lowest_value=100, highest_value=999)
    first = world.reset(4)
    second = world.step({"bidder_1": Bid(777), "bidder_2": Bid(333)})
    value = second.info["bidder_1"]["value"]

    assert f"${value} to you" in first.requests["bidder_1"].prompt
    assert str(value) not in first.requests["bidder_2"].prompt
    assert "777" not in repr([second.requests, second.observations])


def test_values_and_order_do_not_depend_on_what_was_bid():
    one, other = Auction(), Auction()
    one.reset(9)
    other.reset(9)

    low, high = one.step(bids(1, 2, 3)), other.step(bids(900, 800, 700))

    assert [r.prompt for r in low.requests.values()] == [r.prompt for r in high.requests.values()]


def test_items_are_sold_one_after_another_to_the_end():
    world = Auction(bidders=2, items=3)
    timestep, sold = world.reset(0), 0

    while not timestep.over:
        timestep = world.step({"bidder_1": Bid(1), "bidder_2": Bid(0)})
        sold += 1

    assert sold == 3
    assert timestep.ended == {"bidder_1": "terminated", "bidder_2": "terminated"}


def test_a_bid_below_nothing_is_refused():
    world, _ = auction()

    with pytest.raises(IllegalAction, match="amount must be at least 0, got -1"):
        world.step(bids(1, -1, 1))


@pytest.mark.parametrize(
    "options",
    [
        {"bidders": 1},
        {"items": 0},
        {"price_rule": "third"},
        {"lowest_value": -1},
        {"lowest_value": 10, "highest_value": 9},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_with_their_values(options):
    with pytest.raises(ValueError, match=r"must be .*, got"):
        Auction(**options)
