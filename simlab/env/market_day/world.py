"""A market day: a free-running world in which vendors and buyers act when they decide to.

Vendors sell crates of apples at prices that all can see, and change them when they like. Buyers
come and leave at times that the seed draws; each wants one crate, which is worth something to it
alone. A buyer that names at least the asked price buys at once for what is asked; less is an offer,
which the vendor may accept until its deadline and refuses by default. Time is in seconds since the
market opened, money in whole dollars: the buyer's reward is ``value - price`` and the vendor's
``price - cost`` for each crate. Whoever has acted cannot act again for ``pause_s``; offers alone
can be answered at any time.

All requests are optional, so a seat acts or waits, and `TimeStep.wake` is the next moment at which
something can happen. What is due before an action's time happens before the action, what is due at
that very time after it. Actions of one step happen in the order of seats; one that comes too late,
such as for a crate that has just been sold, has no effect, and its seat is told so.

A vendor's part ends when it has sold out, a buyer's when it has bought or leaves, everybody's when
the market closes or nobody is left to sell or to buy. These are rules of the market: all ends are
``terminated``.
"""

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal

from simlab.env.environment import PASS, ActionRequest, Seat, SeatSpec, TimeStep
from simlab.env.legal import legal_actions
from simlab.env.market_day.actions import Answer, Ask, Offer
from simlab.env.market_day.market import (
    Buyer,
    Haggle,
    Market,
    News,
    Vendor,
    draw_buyer,
    draw_vendor,
)
from simlab.env.options import at_least, episode_options

OPENS_AT_S: Final = 9 * 3600
"""When the market opens, in seconds since midnight; only for the time of day in prompts."""


class MarketDay:
    """The market, for the seats ``vendor_1`` to ``vendor_m`` and ``buyer_1`` to ``buyer_n``.

    Args:
        vendors: How many stalls.
        buyers: How many come during the day.
        stock: Crates at each stall.
        duration_s: How long the market is open.
        stay_s: How long a buyer stays, unless the market closes before.
        answer_s: How long a vendor may think about an offer.
        pause_s: How long a seat cannot act after it has acted.

    Raises:
        ValueError: A setting is no whole number or under 1.
    """

    def __init__(
        self,
        *,
        vendors: int = 2,
        buyers: int = 4,
        stock: int = 3,
        duration_s: int = 7200,
        stay_s: int = 3600,
        answer_s: int = 300,
        pause_s: int = 600,
    ) -> None:
        self.stock = at_least("stock", stock, 1)
        self.duration_s = at_least("duration_s", duration_s, 1)
        self.stay_s = at_least("stay_s", stay_s, 1)
        self.answer_s = at_least("answer_s", answer_s, 1)
        self.pause_s = at_least("pause_s", pause_s, 1)
        self._sellers = [f"vendor_{n + 1}" for n in range(at_least("vendors", vendors, 1))]
        self._shoppers = [f"buyer_{n + 1}" for n in range(at_least("buyers", buyers, 1))]
        vendor = SeatSpec("You sell crates of apples at a market. Earn as much as you can.")
        buyer = SeatSpec("You want one crate of apples from a market. Pay as little as you can.")
        self.seats: Mapping[Seat, SeatSpec] = {
            **dict.fromkeys(self._sellers, vendor),
            **dict.fromkeys(self._shoppers, buyer),
        }
        self._timestep = TimeStep()

    def reset(self, seed: int, options: Mapping[str, Any] | None = None) -> TimeStep:
        """Open the market; see `Environment.reset`."""
        episode_options(options, ())
        rng = random.Random(seed)
        vendors = {seat: draw_vendor(rng, stock=self.stock) for seat in self._sellers}
        stay = {"duration_s": self.duration_s, "stay_s": self.stay_s}
        buyers = {seat: draw_buyer(rng, **stay) for seat in self._shoppers}
        self._market = market = Market(vendors, buyers, closes=float(self.duration_s))
        for seat, vendor in vendors.items():
            market.news.tell(seat, f"The market opens. {_stock(vendor)} {market.board()}")
        market.pass_time(0.0, inclusive=True)
        return self._say(0.0)

    def step(self, actions: Mapping[Seat, Any], now: float = 0.0) -> TimeStep:
        """Let time pass until `now` and take the actions; see `Environment.step`.

        Raises:
            ValueError: `now` is before the last step's.
        """
        legal = legal_actions(self._timestep, actions)
        if now < self._now:
            raise ValueError(f"now must be at least {self._now}, got {now!r}")
        self._market.news = News()
        self._market.pass_time(now, inclusive=False)
        for seat, action in legal.items():
            self._take(seat, action, now)
        self._market.pass_time(now, inclusive=True)
        return self._say(now)

    def _take(self, seat: Seat, action: Any, now: float) -> None:
        market = self._market
        if isinstance(action, Answer):
            market.answer(self._asked[seat], accept=action.accept)
            return
        trader = market.vendors.get(seat) or market.buyers.get(seat)
        if trader is None:
            return
        trader.free_at = now + self.pause_s
        if isinstance(action, Ask):
            market.ask(seat, action.price)
        elif isinstance(action, Offer):
            market.offer(Haggle(seat, action.vendor, action.price, now + self.answer_s))

    def _say(self, now: float) -> TimeStep:
        self._now = now
        market, news = self._market, self._market.news
        requests = {} if market.closed else self._requests()
        wake = None if market.closed else self._wake()
        self._timestep = TimeStep(
            requests, news.told, news.rewards, news.ended, wake=wake, info=news.info
        )
        return self._timestep

    def _wake(self) -> float:
        market = self._market
        free_at = [vendor.free_at for vendor in market.vendors.values()]
        free_at += [buyer.free_at for buyer in market.buyers.values()]
        return min([market.next_time(), *(time for time in free_at if time > self._now)])

    def _requests(self) -> dict[Seat, ActionRequest]:
        market = self._market
        self._asked = {s: vendor.offers[0] for s, vendor in market.vendors.items() if vendor.offers}
        requests = {seat: self._ask_answer(haggle) for seat, haggle in self._asked.items()}
        facts = f"It is {_time_of_day(self._now)}. {market.board()}"
        for seat, vendor in market.vendors.items():
            if not vendor.offers and vendor.free_at <= self._now:
                requests[seat] = self._ask_price(vendor, facts)
        for seat, buyer in market.buyers.items():
            if buyer.offer is None and buyer.free_at <= self._now:
                requests[seat] = self._ask_offer(buyer, facts)
        return requests

    def _ask_answer(self, haggle: Haggle) -> ActionRequest:
        vendor = self._market.vendors[haggle.vendor]
        prompt = (
            f"{haggle.buyer} offers ${haggle.price} for a crate. It cost you ${vendor.cost}, "
            f"you ask ${vendor.price}. Do you accept?"
        )
        return ActionRequest(
            Answer,
            prompt=prompt,
            required=False,
            deadline=haggle.deadline,
            default=Answer(accept=False),
        )

    def _ask_price(self, vendor: Vendor, facts: str) -> ActionRequest:
        closing = f"The market closes at {_time_of_day(self.duration_s)}."
        prompt = f"{facts} {_stock(vendor)} {closing} What do you ask for a crate now?"
        return ActionRequest(Ask, prompt=prompt, required=False, default=PASS)

    def _ask_offer(self, buyer: Buyer, facts: str) -> ActionRequest:
        leaving = _time_of_day(min(buyer.leaves, self.duration_s))
        own = f"A crate is worth ${buyer.value} to you. You leave at {leaving}."
        rule = "Name a vendor and a price: the asked price buys at once, less is an offer."
        space = _offers_to(tuple(self._market.vendors))
        return ActionRequest(space, prompt=f"{facts} {own} {rule}", required=False, default=PASS)


@lru_cache(maxsize=1024)
def _offers_to(vendors: tuple[Seat, ...]) -> Any:
    """The space of offers to one of `vendors`; kept, as each space is prepared once only."""
    names: Any = Literal[vendors]
    return Offer[names]


def _stock(vendor: Vendor) -> str:
    crates = "1 crate" if vendor.stock == 1 else f"{vendor.stock} crates"
    return f"You have {crates}; a crate cost you ${vendor.cost}."


def _time_of_day(time: float) -> str:
    minutes = int(OPENS_AT_S + time) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
