"""What can be done at the market."""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import Field

VendorName = TypeVar("VendorName", bound=str)

Dollars = Annotated[int, Field(ge=1, le=1000)]


@dataclass(frozen=True, slots=True)
class Ask:
    """A vendor asks `price` for a crate from now on."""

    price: Annotated[Dollars, Field(description="the price that you ask for a crate, in dollars")]


@dataclass(frozen=True, slots=True)
class Offer(Generic[VendorName]):
    """A buyer names `price` to `vendor`: what is asked or more buys at once, less is an offer."""

    vendor: Annotated[VendorName, Field(description="whose crate you want")]
    price: Annotated[Dollars, Field(description="what you would pay, in dollars")]


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor takes an offer or refuses it."""

    accept: Annotated[bool, Field(description="true to sell for what was offered")]
