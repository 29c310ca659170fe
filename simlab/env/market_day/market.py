"""The market itself: who is there, what they own and want, and what happens as time passes."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simlab.env.environment import Ending, Seat


@dataclass(slots=True, eq=False)
class Haggle:
    """An offer below the asked price, in dollars, that waits for an answer until `deadline`."""

    buyer: Seat
    vendor: Seat
    price: int
    deadline: float


@dataclass(slots=True)
class Vendor:
    """A stall: dollars by crate, crates left, and the offers to be answered, oldest first."""

    cost: int
    price: int
    stock: int
    free_at: float = 0.0
    offers: list[Haggle] = field(default_factory=list)


@dataclass(slots=True)
class Buyer:
    """Somebody who wants one crate, which is worth `value` dollars; free from arrival on."""

    value: int
    leaves: float
    free_at: float
    offer: Haggle | None = None


@dataclass(slots=True)
class News:
    """What a step brings to each seat, gathered while it happens."""

    told: dict[Seat, list[Any]] = field(default_factory=dict)
    rewards: dict[Seat, float] = field(default_factory=dict)
    ended: dict[Seat, Ending] = field(default_factory=dict)
    info: dict[Seat, dict[str, Any]] = field(default_factory=dict)

    def tell(self, seat: Seat, text: str) -> None:
        """Add an observation of `seat`."""
        self.told.setdefault(seat, []).append(text)


class Market:
    """The state of a market day, with everything that can happen in it.

    Args:
        vendors: Who sells, by seat.
        to_come: Who will buy, by seat.
        closes: World time in seconds.

    Attributes:
        vendors: Those who have crates left.
        buyers: Those who are there now.
        closed: Whether the day is over: time is up, or nobody is left to sell or to buy.
        news: What has happened since it was last replaced.
    """

    def __init__(
        self, vendors: dict[Seat, Vendor], to_come: dict[Seat, Buyer], *, closes: float
    ) -> None:
        self.vendors = vendors
        self.buyers: dict[Seat, Buyer] = {}
        self.closed = False
        self.news = News()
        self._to_come = to_come
        self._closes = closes

    def board(self) -> str:
        """The asked prices, in words."""
        prices = (f"{seat} ${vendor.price}" for seat, vendor in self.vendors.items())
        return f"Prices: {', '.join(prices)}."

    def pass_time(self, until: float, *, inclusive: bool) -> None:
        """Let happen what is due before `until`, and with `inclusive` at that very time."""
        while not self.closed:
            if not (self.vendors and (self.buyers or self._to_come)):
                self._close()
                return
            time, _, seat, happen = min(self._coming(), key=lambda coming: coming[:3])
            if time > until or (time == until and not inclusive):
                return
            happen(seat)

    def next_time(self) -> float:
        """When something happens by itself next."""
        return min(coming[0] for coming in self._coming())

    def ask(self, seat: Seat, price: int) -> None:
        """A vendor asks another price; all see it."""
        vendor = self.vendors[seat]
        if price != vendor.price:
            vendor.price = price
            self._tell_all(f"{seat} now asks ${price}.")

    def offer(self, haggle: Haggle) -> None:
        """A buyer names a price: buys at once, or waits for an answer."""
        vendor = self.vendors.get(haggle.vendor)
        if vendor is None:
            self.news.tell(haggle.buyer, f"You come too late: {haggle.vendor} has sold out.")
        elif haggle.price >= vendor.price:
            self._sell(haggle.vendor, haggle.buyer, vendor.price)
        else:
            self.buyers[haggle.buyer].offer = haggle
            vendor.offers.append(haggle)
            self.news.tell(haggle.vendor, f"{haggle.buyer} offers you ${haggle.price} for a crate.")

    def answer(self, haggle: Haggle, *, accept: bool) -> None:
        """A vendor answers an offer, which may be gone by now."""
        buyer = self.buyers.get(haggle.buyer)
        if buyer is None or buyer.offer is not haggle:
            text = f"You answer too late: the offer of {haggle.buyer} is gone."
            self.news.tell(haggle.vendor, text)
        elif accept:
            self._withdraw(haggle.buyer)
            self._sell(haggle.vendor, haggle.buyer, haggle.price)
        else:
            self._refuse(haggle.buyer)

    def _coming(self) -> Iterator[tuple[float, int, Seat, Callable[[Seat], None]]]:
        """What happens by itself: when, in which order at the same time, to whom."""
        yield self._closes, 3, "", self._close
        for seat, buyer in self._to_come.items():
            yield buyer.free_at, 2, seat, self._arrive
        for seat, buyer in self.buyers.items():
            yield buyer.leaves, 1, seat, self._leave
            if buyer.offer is not None:
                yield buyer.offer.deadline, 0, seat, self._refuse

    def _arrive(self, seat: Seat) -> None:
        buyer = self.buyers[seat] = self._to_come.pop(seat)
        worth = f"A crate is worth ${buyer.value} to you."
        self.news.tell(seat, f"You come to the market. {worth} {self.board()}")

    def _leave(self, seat: Seat) -> None:
        self._withdraw(seat)
        self.news.tell(seat, "You leave the market without a crate.")
        self._end_buyer(seat, paid=None)

    def _close(self, _: Seat = "") -> None:
        self.closed = True
        self.buyers |= self._to_come
        for seat in (*self.vendors, *self.buyers):
            self.news.tell(seat, "The market closes.")
        for seat in tuple(self.buyers):
            self._end_buyer(seat, paid=None)
        for seat in tuple(self.vendors):
            self._end_vendor(seat)

    def _refuse(self, seat: Seat) -> None:
        if haggle := self._withdraw(seat):
            self.news.tell(seat, f"{haggle.vendor} does not sell to you for ${haggle.price}.")

    def _withdraw(self, seat: Seat) -> Haggle | None:
        buyer = self.buyers[seat]
        haggle, buyer.offer = buyer.offer, None
        if haggle is not None:
            self.vendors[haggle.vendor].offers.remove(haggle)
        return haggle

    def _sell(self, vendor_seat: Seat, buyer_seat: Seat, price: int) -> None:
        vendor, buyer = self.vendors[vendor_seat], self.buyers[buyer_seat]
        vendor.stock -= 1
        self._reward(vendor_seat, price - vendor.cost)
        self._reward(buyer_seat, buyer.value - price)
        self._tell_all(f"{vendor_seat} sells a crate to {buyer_seat} for ${price}.")
        self._end_buyer(buyer_seat, paid=price)
        if vendor.stock == 0:
            self._sell_out(vendor_seat)

    def _sell_out(self, seat: Seat) -> None:
        for haggle in tuple(self.vendors[seat].offers):
            self._refuse(haggle.buyer)
        self._tell_all(f"{seat} has sold out.")
        self._end_vendor(seat)

    def _reward(self, seat: Seat, dollars: int) -> None:
        self.news.rewards[seat] = self.news.rewards.get(seat, 0.0) + dollars

    def _tell_all(self, text: str) -> None:
        for seat in (*self.vendors, *self.buyers):
            self.news.tell(seat, text)

    def _end_buyer(self, seat: Seat, *, paid: int | None) -> None:
        self.news.info[seat] = {"value": self.buyers.pop(seat).value, "paid": paid}
        self.news.ended[seat] = "terminated"

    def _end_vendor(self, seat: Seat) -> None:
        vendor = self.vendors.pop(seat)
        self.news.info[seat] = {"cost": vendor.cost, "crates_left": vendor.stock}
        self.news.ended[seat] = "terminated"


def draw_vendor(rng: random.Random, *, stock: int) -> Vendor:
    """A vendor whose crates cost $4 to $8 each and who first asks $4 to $8 more."""
    cost = rng.randint(4, 8)
    return Vendor(cost, price=cost + rng.randint(4, 8), stock=stock)


def draw_buyer(rng: random.Random, *, duration_s: int, stay_s: int) -> Buyer:
    """A buyer to whom a crate is worth $8 to $18 and who comes in the first 60 % of the day."""
    value = rng.randint(8, 18)
    arrives = float(rng.randrange(1 + duration_s * 3 // 5))
    return Buyer(value, leaves=arrives + stay_s, free_at=arrives)
