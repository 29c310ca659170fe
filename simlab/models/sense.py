"""What a sensible player does in each bundled world, read from the words of the request alone.

Each rule knows a request by a phrase in it, finds the numbers and names that it needs, of several
the last, since what was observed stands before what is asked, and decides. What is a matter of
taste depends on the draw's seed, so other seeds play otherwise.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simlab.models.model import ChatMessage

WAIT = "WAIT"
"""The answer that does nothing for now."""

_ODD = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_LIMIT = re.compile(r"You (can pay at most|need at least) \$([\d,]+)")
_THEIRS = re.compile(r"The (?:buyer offers|seller asks) \$([\d,]+)")
_OWN_PRICE = re.compile(r"Your last price was \$([\d,]+)")
_MOVES = re.compile(r"(\d+) moves are left")
_WORTH = re.compile(r"is worth \$([\d,]+) to you")
_STALL = re.compile(r"(vendor_\d+) \$(\d+)")
_COST = re.compile(r"cost you \$(\d+)")
_OFFERED = re.compile(r"offers \$(\d+) for a crate")
_CLOCK = re.compile(r"It is (\d+):(\d+)\..* closes at (\d+):(\d+)")
_SEAT = re.compile(r"You are (\w+)\.")
_OTHERS_MOVE = re.compile(r"the other player (cooperated|defected)")
_SHORTEN = re.compile(r"in at most (\d+) words")

_AGREED = ("It is a deal.", "Agreed.", "All right, I take it.", "You have a deal.")
_BUYERS_WORDS = (
    "I can offer {}.",
    "How about {}?",
    "It has its years. I would pay {}.",
    "My budget is small, {} is what I have in mind.",
)
_SELLERS_WORDS = (
    "I am asking {}.",
    "It runs well. {} and it is yours.",
    "I could let it go for {}.",
    "Others have asked about it, but {} would do.",
)
_PROMISES = (
    "Let us both cooperate.",
    "I will do what you do.",
    "We both gain if we cooperate.",
    "I keep my word if you keep yours.",
)
_OPINIONS = (
    "I am in favour, because it would help most of us.",
    "I have doubts about the cost, and would like to hear from those it affects.",
    "We could try it for a year and then decide again.",
    "I am against it, since what we have works well enough.",
    "I agree with much that was said; let us look at the facts first.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model was asked.

    Attributes:
        text: The last user's turn that asks, refusals left aside.
        chat: The whole prompt.
        seed: Of the draw.
    """

    text: str
    chat: Sequence[ChatMessage]
    seed: int

    def draw(self, n: int, salt: int = 0) -> int:
        """A number below `n` that follows from the seed; others for other salts."""
        mixed = (self.seed + (salt + 1) * _ODD) & _MASK
        mixed = ((mixed ^ (mixed >> 31)) * _ODD) & _MASK
        return (mixed >> 33) % n

    def one_of(self, choices: Sequence[Any], salt: int = 0) -> Any:
        """One of the choices, by the seed."""
        return choices[self.draw(len(choices), salt)]


Rule = Callable[[Asked], Any]
"""Decides; returns plain data, words, or `WAIT`."""


def sell_or_buy_car(asked: Asked) -> Mapping[str, Any]:
    """Concede towards the limit, never beyond it; take a price nearly as good as one's next.

    Each move closes 30 to 50 percent of the way to the limit (time-dependent concession, Faratin et
    al. 1998, sec. 4.1); the last move goes all the way.
    """
    side, limit_words = _last(_LIMIT, asked.text).groups()
    buys, limit = side == "can pay at most", _dollars(limit_words)
    theirs = _number_in(_THEIRS, asked.text)
    moves = _number_in(_MOVES, asked.text) or 1
    price = _next_price(asked, limit, buys=buys, is_last=moves <= 2)
    if theirs is not None and _is_good(theirs, price, limit, buys=buys, is_last=moves <= 2):
        return {"say": asked.one_of(_AGREED), "price": theirs}
    words = asked.one_of(_BUYERS_WORDS if buys else _SELLERS_WORDS)
    return {"say": words.format(f"${price:,}"), "price": price}


def _next_price(asked: Asked, limit: int, *, buys: bool, is_last: bool) -> int:
    """In dollars, rounded by 50 away from the limit; the limit itself on the last move."""
    own = _number_in(_OWN_PRICE, asked.text)
    if is_last:
        return limit
    if own is None:
        percent = 62 + asked.draw(13, 1) if buys else 128 + asked.draw(20, 1)
        aim = limit * percent // 100
    else:
        aim = own + (limit - own) * (30 + asked.draw(21, 1)) // 100
    return min(aim // 50 * 50 or 1, limit) if buys else max(-(-aim // 50) * 50, limit)


def _is_good(theirs: int, price: int, limit: int, *, buys: bool, is_last: bool) -> bool:
    if buys:
        return theirs <= limit and (is_last or theirs <= price * 103 // 100)
    return theirs >= limit and (is_last or theirs >= price * 97 // 100)


def play_dilemma(asked: Asked) -> str:
    """Tit for tat (Axelrod 1984); but try one defection in 16 moves, and forgive one in 8."""
    for message in reversed(asked.chat):
        moves = _OTHERS_MOVE.findall(message.text)
        if moves:
            odds = 15 if moves[-1] == "cooperated" else 2
            return "cooperate" if asked.draw(16) < odds else "defect"
    return "cooperate"


def bid(asked: Asked) -> Mapping[str, int]:
    """One's value where the second price is paid (Vickrey 1961), else 70 to 90 percent of it."""
    value = _dollars(_last(_WORTH, asked.text).group(1))
    if "second highest bid" in asked.text:
        return {"amount": value}
    return {"amount": value * (70 + asked.draw(21)) // 100}


def ask_for_crate(asked: Asked) -> Mapping[str, int] | str:
    """A price that falls towards the cost as the day goes by; nothing new is no reason to act."""
    cost = _number_in(_COST, asked.text) or 0
    hour, minute, last_hour, last_minute = map(int, _last(_CLOCK, asked.text).groups())
    minutes_left = (last_hour - hour) * 60 + last_minute - minute
    price = cost + 2 + asked.draw(2) + minutes_left // 30
    seat = _SEAT.search(asked.chat[0].text)
    own = dict(_stalls(asked.text)).get(seat.group(1) if seat else "")
    return WAIT if own is not None and own <= price else {"price": price}


def answer_offer(asked: Asked) -> Mapping[str, bool]:
    """Sell for what leaves at least two dollars over the cost."""
    offered = _number_in(_OFFERED, asked.text) or 0
    return {"accept": offered >= (_number_in(_COST, asked.text) or 0) + 2}


def offer_for_crate(asked: Asked) -> Mapping[str, Any] | str:
    """Haggle at the cheapest stall half of the time, else pay what is asked, if it is worth it."""
    value = _dollars(_last(_WORTH, asked.text).group(1))
    vendor, price = min(_stalls(asked.text), key=lambda stall: stall[1])
    if asked.draw(2) == 0 or price > value:
        price = min(price - 1 - asked.draw(2, 1), value)
    return {"vendor": vendor, "price": price} if price > 0 else WAIT


def _stalls(text: str) -> list[tuple[str, int]]:
    """The vendors and their prices on the latest board."""
    board = text.rpartition("Prices: ")[2].partition(".")[0]
    return [(vendor, int(price)) for vendor, price in _STALL.findall(board)]


def summarise(asked: Asked) -> str:
    """The first words."""
    n_words = int(_last(_SHORTEN, asked.text).group(1))
    return " ".join(asked.text.partition("\n\n")[2].split()[:n_words])


RULES: Mapping[str, Rule] = {
    "moves are left, counting both sides": sell_or_buy_car,
    "This is the last move.": sell_or_buy_car,
    "Do you cooperate or defect?": play_dilemma,
    "Say one short sentence to the other player": lambda asked: asked.one_of(_PROMISES),
    "Bid in dollars; 0 stays out": bid,
    "What do you ask for a crate now?": ask_for_crate,
    "for a crate. It cost you": answer_offer,
    "Name a vendor and a price": offer_for_crate,
    "Say what you think": lambda asked: asked.one_of(_OPINIONS),
    "Summarise this in at most": summarise,
}
"""Who decides, by a phrase of the request."""


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    matches = list(pattern.finditer(text))
    if not matches:
        raise ValueError(f"expected words that match {pattern.pattern!r}, got {text!r}")
    return matches[-1]


def _number_in(pattern: re.Pattern[str], text: str) -> int | None:
    numbers = pattern.findall(text)
    return _dollars(numbers[-1]) if numbers else None


def _dollars(digits: str) -> int:
    return int(digits.replace(",", ""))
