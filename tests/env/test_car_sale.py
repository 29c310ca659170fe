import pytest

from simlab.env.car_sale import HOLD, CarSale, Offer
from simlab.env.environment import Utterance
from simlab.env.spaces import fit, is_legal
from simlab.errors import IllegalAction

LIMITS = {"buyer_limit": 7000, "seller_limit": 6000}


def sale(**options):
    world = CarSale(**LIMITS, **options)
    return world, world.reset(1)


def texts(timestep, seat):
    return [str(seen) for seen in timestep.observations[seat]]


def test_the_sides_move_in_turn():
    world, timestep = sale()
    movers = []

    while not timestep.over:
        (mover,) = timestep.requests
        movers.append(mover)
        timestep = world.step({mover: HOLD})

    assert movers == ["buyer", "seller"] * 6


def test_a_price_that_is_accepted_splits_the_surplus():
    world, _ = sale()
    world.step({"buyer": Offer("Six and a half?", 6500)})

    end = world.step({"seller": Offer("Fine.", 6500)})

    assert end.over
    assert end.rewards == {"buyer": 500.0, "seller": 500.0}
    assert end.ended == {"buyer": "terminated", "seller": "terminated"}
    assert end.info["buyer"] == {
        "outcome": "deal",
        "price": 6500,
        "limit": 7000,
        "surplus": 500.0,
    }


@pytest.mark.parametrize(
    ("first", "second", "price"),
    [
        (Offer("", 6500), Offer("", 6400), 6500),
        (Offer("", 6500), Offer("", 6500), 6500),
    ],
)
def test_a_price_at_least_as_good_as_what_the_other_named_accepts_it(first, second, price):
    world, _ = sale()
    world.step({"buyer": first})

    assert world.step({"seller": second}).info["seller"]["price"] == price


def test_a_buyer_that_offers_more_than_is_asked_pays_what_is_asked():
    world, _ = sale(starts="seller")
    world.step({"seller": Offer("", 6800)})

    assert world.step({"buyer": Offer("", 9999)}).info["buyer"]["price"] == 6800


def test_the_last_price_that_was_named_is_the_one_accepted():
    world, _ = sale()
    world.step({"buyer": Offer("", 6800)})
    world.step({"seller": Offer("", 7500)})
    world.step({"buyer": Offer("", 6300)})

    assert world.step({"seller": Offer("", 6300)}).info["seller"]["price"] == 6300


def test_holding_keeps_the_standing_offer():
    world, _ = sale()
    world.step({"buyer": Offer("", 6800)})
    world.step({"seller": HOLD})
    held = world.step({"buyer": Offer("I mean it.")})

    assert "The buyer stays at $6,800." in texts(held, "seller")
    assert world.step({"seller": Offer("", 6800)}).info["seller"]["price"] == 6800


@pytest.mark.parametrize("max_rounds", [1, 2, 5])
def test_interlab_45_max_rounds_means_that_many_rounds_and_is_a_truncation(max_rounds):
    """InterLab's `max_steps=4` ran 5."""
    world, timestep = sale(max_rounds=max_rounds)
    moves = 0

    while not timestep.over:
        (mover,) = timestep.requests
        timestep = world.step({mover: HOLD})
        moves += 1

    assert moves == 2 * max_rounds
    assert timestep.ended == {"buyer": "truncated", "seller": "truncated"}
    assert timestep.rewards == {"buyer": 0.0, "seller": 0.0}
    assert timestep.info["seller"]["outcome"] == "no deal"


@pytest.mark.parametrize("last", [Offer("Done.", 6500), Offer("Done.", 6100)])
def test_interlab_45_a_deal_on_the_last_move_is_not_lost(last):
    """InterLab calls it a time-out."""
    world, _ = sale(max_rounds=1)
    world.step({"buyer": Offer("", 6500)})

    end = world.step({"seller": last})

    assert end.ended == {"buyer": "terminated", "seller": "terminated"}
    assert end.info["buyer"]["outcome"] == "deal"
    assert end.rewards == {"buyer": 500.0, "seller": 500.0}


@pytest.mark.parametrize("starts", ["buyer", "seller"])
def test_interlab_45_who_is_said_to_start_starts(starts):
    """InterLab's `minimizer_starts_first` meant the opposite of what it said."""
    _, timestep = sale(starts=starts)

    assert list(timestep.requests) == [starts]


@pytest.mark.parametrize("starts", ["buyer", "seller"])
def test_examples_are_moves_between_the_two_sides(starts):
    world, timestep = sale(starts=starts)
    opening = [offer.price for offer in timestep.requests[starts].examples]
    other = {"buyer": "seller", "seller": "buyer"}[starts]
    theirs = 9000 if other == "seller" else 4000

    world.step({starts: Offer("", opening[0])})
    again = world.step({other: Offer("", theirs)})
    prices = [offer.price for offer in again.requests[starts].examples]

    assert all(min(opening[0], theirs) < price < max(opening[0], theirs) for price in prices)
    assert all(
        f"${price:,}" in offer.say
        for price, offer in zip(prices, again.requests[starts].examples, strict=True)
    )


@pytest.mark.parametrize("price", [0, -1, 50_001])
def test_a_price_out_of_range_is_illegal_and_changes_nothing(price):
    world, timestep = sale()

    with pytest.raises(IllegalAction, match=r"price must be (more than 0|at most 50000), got "):
        world.step({"buyer": Offer("", price)})
    follows = world.step({"buyer": HOLD})

    assert "11 moves" not in timestep.requests["buyer"].prompt
    assert "11 moves are left" in follows.requests["seller"].prompt


def test_going_beyond_ones_own_limit_is_legal_and_costs():
    world, _ = sale()
    world.step({"buyer": Offer("", 8000)})

    end = world.step({"seller": Offer("", 8000)})

    assert end.rewards == {"buyer": -1000.0, "seller": 2000.0}
    assert texts(end, "buyer")[-1] == "You lose $1,000."


def test_a_surplus_of_exactly_nothing_is_told():
    """LangGym printed a difference of 0.0 as unknown."""
    world, _ = sale()
    world.step({"buyer": Offer("", 7000)})

    end = world.step({"seller": Offer("", 7000)})

    assert texts(end, "buyer")[-1] == "You gain nothing and lose nothing."


def test_what_is_said_reaches_both_and_the_speaker_too():
    world, _ = sale()

    follows = world.step({"buyer": Offer(" Is it rusty? ", 6100)})

    said = [Utterance("buyer", "Is it rusty?"), "The buyer offers $6,100."]
    assert follows.observations == {"buyer": said, "seller": said}


def test_silence_is_told_as_silence():
    world, _ = sale()

    follows = world.step({"buyer": HOLD})

    assert texts(follows, "seller") == [
        "The buyer says nothing.",
        "The buyer has named no price yet.",
    ]


def test_a_limit_reaches_its_own_seat_only():
    world = CarSale(buyer_limit=7123, seller_limit=6789)
    timestep = world.reset(1)
    heard = {"buyer": [], "seller": []}

    while not timestep.over:
        for seat, request in timestep.requests.items():
            heard[seat].append(request.prompt)
        for seat in timestep.observations:
            heard[seat] += texts(timestep, seat)
        (mover,) = timestep.requests
        timestep = world.step({mover: Offer("Hm.", 7000 if mover == "seller" else 6800)})

    assert any("$7,123" in text for text in heard["buyer"])
    assert not any("6,789" in text for text in heard["buyer"])
    assert any("$6,789" in text for text in heard["seller"])
    assert not any("7,123" in text for text in heard["seller"])


def test_a_request_says_all_that_is_needed_to_move():
    world, _ = sale(max_rounds=2)
    world.step({"buyer": Offer("", 6500)})
    asked = world.step({"seller": Offer("", 7500)})
    last = world.step({"buyer": Offer("", 6600)})

    assert asked.requests["buyer"].prompt == (
        "You can pay at most $7,000. Pay as little as you can. The seller asks $7,500. "
        "Your last price was $6,500. 2 moves are left, counting both sides."
    )
    assert "This is the last move." in last.requests["seller"].prompt


def test_limits_follow_from_the_seed_in_hundreds_and_their_ranges():
    world = CarSale()
    drawn = []

    for seed in range(200):
        world.reset(seed)
        drawn.append((world._limits["buyer"], world._limits["seller"]))

    buyers, sellers = zip(*drawn, strict=True)
    assert (min(buyers), max(buyers)) == (6500, 9500)
    assert (min(sellers), max(sellers)) == (5000, 7000)
    assert all(limit % 100 == 0 for limit in buyers + sellers)
    assert any(buyer < seller for buyer, seller in drawn)


def test_fixing_one_limit_leaves_the_other_as_the_seed_drew_it():
    free, fixed = CarSale(), CarSale(seller_limit=6000)

    free.reset(11)
    fixed.reset(11)

    assert fixed._limits == {"buyer": free._limits["buyer"], "seller": 6000}


def test_options_of_an_episode_win_and_do_not_stay():
    world = CarSale(**LIMITS)

    once = world.reset(1, {"buyer_limit": 9000, "car": "a red van"})
    again = world.reset(1)

    assert texts(once, "buyer") == [
        "You want to buy a red van. You can pay at most $9,000. Pay as little as you can."
    ]
    assert "at most $7,000" in texts(again, "buyer")[0]
    assert "a 2014 Honda Civic" in texts(again, "buyer")[0]


def test_words_alone_are_a_move():
    assert fit(Offer, {"say": "No."}) == Offer("No.")


def test_the_default_is_a_legal_move_that_ends_nothing():
    _, timestep = sale()
    request = timestep.requests["buyer"]

    assert request.default == HOLD
    assert is_legal(request, Offer(say=""))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rounds": 0}, "max_rounds must be a whole number of at least 1, got 0"),
        ({"starts": "dealer"}, r"starts must be one of \('buyer', 'seller'\), got 'dealer'"),
        ({"buyer_limit": -1}, "buyer_limit must be a whole number of at least 1, got -1"),
        ({"car": ""}, "car must be text that is not empty, got ''"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused_with_their_values(options, message):
    with pytest.raises(ValueError, match=message):
        CarSale(**options)
