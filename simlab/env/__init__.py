"""Worlds: what they are, how to write one, how to check it, and those that come along.

Start with `Environment` and `TimeStep`, then write a world as a class or, where it reads best as a
script, with `simlab.env.script`; `simlab.env.check` says whether it keeps the contract. The bundled
worlds are `car_sale`, `iterated_dilemma`, `auction`, `round_table`, `market_day` and `dialogue`.
"""

from simlab.env.environment import (
    PASS,
    UNSET,
    ActionRequest,
    Briefing,
    Ending,
    Environment,
    Refusal,
    Seat,
    SeatSpec,
    TimeStep,
    Utterance,
    Wait,
)

__all__ = [
    "PASS",
    "UNSET",
    "ActionRequest",
    "Briefing",
    "Ending",
    "Environment",
    "Refusal",
    "Seat",
    "SeatSpec",
    "TimeStep",
    "Utterance",
    "Wait",
]
