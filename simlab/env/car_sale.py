"""A used car: a buyer and a seller with private limits negotiate its price.

Alternating offers (Rubinstein 1982, without discounting): the sides move in turn, each says
something and names a price, or holds. Who names a price at least as good as the one that the other
side named last accepts that one. Each side has a private limit in dollars:
the buyer's is the most that the car is worth to it, the seller's the least that it can let it go
for. A deal at ``price`` gives the buyer ``limit - price`` and the seller ``price - limit`` dollars.
Going beyond one's own limit is allowed and costs: the surplus is then negative. Without a deal
after ``max_rounds`` rounds, in each of which both sides move once, both get 0 and are truncated; a
deal on the very last move counts.

What is said reaches both seats, the speaker's included: a memory is made of observations only.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from simlab.env.environment import ActionRequest, Ending, Seat, SeatSpec, TimeStep, Utterance
from simlab.env.legal import legal_actions
from simlab.env.options import at_least, episode_options, one_of, words

MAX_PRICE: Final = 50_000
"""The highest price that can be named, in dollars."""

Price = Annotated[int, Field(gt=0, le=MAX_PRICE)]

_OPENING: Final = 1_500
"""How far from its own limit an example opens, in dollars."""

_EXAMPLES: Final = {
    "buyer": (
        ("I like it, and I can offer you ${price:,}.", 0),
        ("That is too much for me. I will pay ${price:,}.", 100),
    ),
    "seller": (
        ("It runs very well. I ask ${price:,} for it.", 0),
        ("That is not enough for me. Let us say ${price:,}.", 100),
    ),
}
"""Words of examples, and how many dollars the second one gives way."""

_OTHER: Final = {"buyer": "seller", "seller": "buyer"}


@dataclass(frozen=True, slots=True)
class Offer:
    """A move: words and a price.

    Attributes:
        say: Free words, heard by both; empty to say nothing.
        price: In whole dollars; None holds the price that one has named before, if any. A price as
            good as the other side's takes that one.
    """

    say: Annotated[str, Field(description="what you say to the other side")]
    price: Annotated[
        Price | None, Field(description="your price in dollars; the other side's accepts it")
    ] = None


HOLD: Final = Offer(say="")
"""Says nothing and holds; played for an answer that does not fit, so that nonsense ends nothing."""


class CarSale:
    """The negotiation, for the seats ``buyer`` and ``seller``.

    An episode's options may give ``car``, ``buyer_limit`` and ``seller_limit`` anew.

    Args:
        max_rounds: Rounds of two moves before the sides part without a deal.
        starts: The seat that moves first.
        car: What is for sale, in words.
        buyer_limit: In dollars; None draws it from the seed, from 6,500 to 9,500 in hundreds.
        seller_limit: In dollars; None draws it from the seed, from 5,000 to 7,000 in hundreds. So
            there is mostly, but not always, a price that suits both.

    Raises:
        ValueError: A setting is of the wrong kind or out of range.
    """

    seats: Mapping[Seat, SeatSpec]

    def __init__(
        self,
        *,
        max_rounds: int = 6,
        starts: str = "buyer",
        car: str = "a 2014 Honda Civic",
        buyer_limit: int | None = None,
        seller_limit: int | None = None,
    ) -> None:
        self.max_rounds = at_least("max_rounds", max_rounds, 1)
        self.starts = one_of("starts", starts, tuple(_OTHER))
        self._usual = {"car": car, "buyer_limit": buyer_limit, "seller_limit": seller_limit}
        _check_limits(self._usual)
        self.seats = {
            "buyer": SeatSpec("You want to buy a used car for as little as you can.", Offer),
            "seller": SeatSpec("You want to sell your used car for as much as you can.", Offer),
        }
        self._timestep = TimeStep()

    def reset(self, seed: int, options: Mapping[str, Any] | None = None) -> TimeStep:
        """Begin a negotiation; see `Environment.reset`."""
        scene = self._usual | episode_options(options, self._usual)
        _check_limits(scene)
        self._car: str = scene["car"]
        self._limits = _drawn_limits(seed, scene)
        self._offers: dict[Seat, int] = {}
        self._moves_left = 2 * self.max_rounds
        return self._ask(self.starts, {seat: [self._briefing(seat)] for seat in _OTHER})

    def step(self, actions: Mapping[Seat, Any], now: float = 0.0) -> TimeStep:  # noqa: ARG002
        """Take one side's move; see `Environment.step`."""
        ((mover, offer),) = legal_actions(self._timestep, actions).items()
        asked = self._offers.get(_OTHER[mover])
        self._moves_left -= 1
        if asked is not None and _suits(mover, offer.price, asked):
            return self._deal(mover, offer, asked)
        if offer.price is not None:
            self._offers[mover] = offer.price
        told = [*_said(mover, offer), self._position(mover, held=offer.price is None)]
        if self._moves_left == 0:
            return self._no_deal(told)
        return self._ask(_OTHER[mover], {seat: list(told) for seat in _OTHER})

    def _ask(self, mover: Seat, told: Mapping[Seat, list[Any]]) -> TimeStep:
        request = ActionRequest(
            Offer, prompt=self._prompt(mover), default=HOLD, examples=self._examples(mover)
        )
        self._timestep = TimeStep({mover: request}, told)
        return self._timestep

    def _deal(self, mover: Seat, offer: Offer, price: int) -> TimeStep:
        told = [*_said(mover, offer), f"The {mover} accepts ${price:,}. They have a deal."]
        surplus = {
            "buyer": float(self._limits["buyer"] - price),
            "seller": float(price - self._limits["seller"]),
        }
        return self._end("terminated", told, surplus, {"outcome": "deal", "price": price})

    def _no_deal(self, told: list[Any]) -> TimeStep:
        told = [*told, "There is no deal: no moves are left."]
        surplus = dict.fromkeys(_OTHER, 0.0)
        return self._end("truncated", told, surplus, {"outcome": "no deal", "price": None})

    def _end(
        self,
        ending: Ending,
        told: list[Any],
        surplus: Mapping[Seat, float],
        outcome: Mapping[str, Any],
    ) -> TimeStep:
        self._timestep = TimeStep(
            observations={seat: [*told, _result(surplus[seat])] for seat in _OTHER},
            rewards=surplus,
            ended=dict.fromkeys(_OTHER, ending),
            info={
                seat: {**outcome, "limit": self._limits[seat], "surplus": surplus[seat]}
                for seat in _OTHER
            },
        )
        return self._timestep

    def _briefing(self, seat: Seat) -> str:
        if seat == "buyer":
            return f"You want to buy {self._car}. {self._limit_of(seat)}"
        return f"You are selling {self._car}. {self._limit_of(seat)}"

    def _limit_of(self, seat: Seat) -> str:
        limit = f"${self._limits[seat]:,}"
        if seat == "buyer":
            return f"You can pay at most {limit}. Pay as little as you can."
        return f"You need at least {limit}. Get as much as you can."

    def _examples(self, mover: Seat) -> tuple[Offer, ...]:
        """Two moves that go half of the way to the other side, and never beyond one's limit.

        A small model copies what it is shown, so they are moves that a sensible trader might make.
        """
        sign = 1 if mover == "buyer" else -1
        nearer = min if mover == "buyer" else max
        limit = self._limits[mover]
        own = self._offers.get(mover, limit - sign * _OPENING)
        aim = nearer(self._offers.get(_OTHER[mover], limit), limit)
        half = (max(0, sign * (aim - own)) + 100) // 200 * 100
        examples = []
        for said, step in _EXAMPLES[mover]:
            price = max(1, nearer(own + sign * (half + step), limit))
            examples.append(Offer(said.format(price=price), price))
        return tuple(examples)

    def _position(self, seat: Seat, *, held: bool = False) -> str:
        price = self._offers.get(seat)
        if price is None:
            return f"The {seat} has named no price yet."
        if held:
            return f"The {seat} stays at ${price:,}."
        return f"The {seat} {'offers' if seat == 'buyer' else 'asks'} ${price:,}."

    def _prompt(self, mover: Seat) -> str:
        own = self._offers.get(mover)
        yours = f"Your last price was ${own:,}." if own is not None else "You have named no price."
        theirs = self._position(_OTHER[mover])
        return f"{self._limit_of(mover)} {theirs} {yours} {_left(self._moves_left)}"


def _left(moves: int) -> str:
    if moves == 1:
        return "This is the last move."
    return f"{moves} moves are left, counting both sides."


def _check_limits(scene: Mapping[str, Any]) -> None:
    words("car", scene["car"])
    for name in ("buyer_limit", "seller_limit"):
        if scene[name] is not None:
            at_least(name, scene[name], 1)


def _drawn_limits(seed: int, scene: Mapping[str, Any]) -> dict[Seat, int]:
    """The limits in dollars; both are drawn whether given or not, so that one leaves the other."""
    rng = random.Random(seed)
    drawn = {"buyer": rng.randrange(6500, 9501, 100), "seller": rng.randrange(5000, 7001, 100)}
    fixed = {"buyer": scene["buyer_limit"], "seller": scene["seller_limit"]}
    return {seat: drawn[seat] if fixed[seat] is None else fixed[seat] for seat in _OTHER}


def _suits(mover: Seat, price: int | None, asked: int) -> bool:
    """Whether the mover's price is at least as good to the other side as what that side asked."""
    if price is None:
        return False
    return price >= asked if mover == "buyer" else price <= asked


def _said(mover: Seat, offer: Offer) -> list[Any]:
    text = offer.say.strip()
    return [Utterance(mover, text)] if text else [f"The {mover} says nothing."]


def _result(surplus: float) -> str:
    if surplus == 0:
        return "You gain nothing and lose nothing."
    return f"You {'gain' if surplus > 0 else 'lose'} ${abs(surplus):,.0f}."
