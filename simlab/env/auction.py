"""Sealed-bid auctions: several items, one after another, for bidders with private values.

Each bidder's value of each item is drawn from the seed, independently and uniformly, in whole
dollars; it is told to that bidder alone, with the request. All bid at once and nobody sees a bid.
The highest bid wins. With ``price_rule="second"`` the winner pays the second highest bid, so that
bidding one's value is best whatever the others do (Vickrey 1961); with ``"first"`` it pays its own.
The winner's reward is ``value - price`` in dollars, which is negative for a price above the value;
the others get 0. A bid of 0 stays out; without a bid above 0 the item is not sold. Among equal
highest bids the seed decides, by an order of bidders that it draws for each item.

The items are the auction's own length, so its end is ``terminated``.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from simlab.env.environment import ActionRequest, Seat, SeatSpec, TimeStep
from simlab.env.options import at_least, episode_options, one_of
from simlab.env.script import Scene, Script

MAX_BID: Final = 100_000
"""The highest bid that can be made, in dollars."""

_RULES: Final = {
    "first": "The highest bid wins and pays what it bid.",
    "second": "The highest bid wins and pays the second highest bid.",
}


@dataclass(frozen=True, slots=True)
class Bid:
    """A sealed bid.

    Attributes:
        amount: In whole dollars; 0 stays out.
    """

    amount: Annotated[int, Field(ge=0, le=MAX_BID, description="your bid in dollars")]


STAY_OUT: Final = Bid(0)
"""Played for an answer that does not fit."""


@dataclass(frozen=True, slots=True)
class _Lot:
    """An item: what it is worth to each bidder in dollars, and who goes first among equal bids."""

    values: Mapping[Seat, int]
    precedence: Sequence[Seat]


class Auction(Script):
    """The auctions, for the seats ``bidder_1`` to ``bidder_n``.

    Args:
        bidders: How many seats.
        items: How many are sold, one after another.
        price_rule: What the winner pays: its own bid (``first``) or the next one (``second``).
        lowest_value: The least that an item can be worth to a bidder, in dollars.
        highest_value: The most.

    Raises:
        ValueError: A setting is of the wrong kind or out of range.
    """

    def __init__(
        self,
        *,
        bidders: int = 3,
        items: int = 3,
        price_rule: str = "second",
        lowest_value: int = 10,
        highest_value: int = 100,
    ) -> None:
        super().__init__()
        bidders = at_least("bidders", bidders, 2)
        self.items = at_least("items", items, 1)
        self.price_rule = one_of("price_rule", price_rule, _RULES)
        self.lowest_value = at_least("lowest_value", lowest_value, 0)
        self.highest_value = at_least("highest_value", highest_value, lowest_value)
        role = "You bid for items in an auction. Pay less for an item than it is worth to you."
        self.seats = {f"bidder_{n}": SeatSpec(role, Bid) for n in range(1, bidders + 1)}

    def play(self, seed: int, options: Mapping[str, Any]) -> Scene:
        """The auctions; see `Script.play`."""
        episode_options(options, ())
        rng = random.Random(seed)
        gains = dict.fromkeys(self.seats, 0.0)
        told = {seat: [self._opening()] for seat in self.seats}
        rewards: dict[Seat, float] = {}
        info: dict[Seat, dict[str, Any]] = {}
        for number in range(1, self.items + 1):
            lot = self._draw(rng)
            bids = yield TimeStep(self._requests(number, lot), told, rewards, info=info)
            winner, price = _sold(bids, lot.precedence, self.price_rule)
            told = {seat: [_announced(number, seat, winner, price)] for seat in self.seats}
            rewards = {s: float(lot.values[s] - price if s == winner else 0) for s in self.seats}
            gains = {seat: gains[seat] + rewards[seat] for seat in self.seats}
            info = {s: {"value": lot.values[s], "bid": bids[s].amount} for s in self.seats}
        for seat in told:
            told[seat].append(f"The auction is over. {_total(gains[seat])}")
        return TimeStep({}, told, rewards, dict.fromkeys(self.seats, "terminated"), info=info)

    def _draw(self, rng: random.Random) -> _Lot:
        values = {seat: rng.randint(self.lowest_value, self.highest_value) for seat in self.seats}
        return _Lot(values, rng.sample(tuple(self.seats), len(self.seats)))

    def _opening(self) -> str:
        items = "1 item is" if self.items == 1 else f"{self.items} items are"
        return f"{items} sold to {len(self.seats)} bidders. {_RULES[self.price_rule]}"

    def _requests(self, number: int, lot: _Lot) -> dict[Seat, ActionRequest]:
        return {
            seat: ActionRequest(Bid, prompt=self._prompt(number, value), default=STAY_OUT)
            for seat, value in lot.values.items()
        }

    def _prompt(self, number: int, value: int) -> str:
        return (
            f"Item {number} of {self.items} is worth ${value:,} to you. "
            f"{_RULES[self.price_rule]} Bid in dollars; 0 stays out."
        )


def _sold(
    bids: Mapping[Seat, Bid], precedence: Sequence[Seat], price_rule: str
) -> tuple[Seat | None, int]:
    """Who gets the item and for how many dollars; nobody for 0 where no bid is above 0."""
    first, second = sorted(precedence, key=lambda seat: -bids[seat].amount)[:2]
    if bids[first].amount == 0:
        return None, 0
    return first, bids[first if price_rule == "first" else second].amount


def _announced(number: int, seat: Seat, winner: Seat | None, price: int) -> str:
    if winner is None:
        return f"Item {number} is not sold: nobody bid."
    who = "you" if seat == winner else winner
    return f"Item {number} goes to {who} for ${price:,}."


def _total(gain: float) -> str:
    return f"In all you {'gain' if gain >= 0 else 'lose'} ${abs(gain):,.0f}."
