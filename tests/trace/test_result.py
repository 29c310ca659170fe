"""What an effect gives is of the type that was asked for, in a live run and in a replay."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

import pytest
from pydantic import BaseModel, ConfigDict

from simlab.trace.tracing import effect
from tests.trace.society import one_step, record, replaying


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: str


class Verdict(BaseModel):
    guilty: bool
    why: list[Reason] = []


@dataclass
class Point:
    x: int


class Side(Enum):
    LEFT = "left"


class Stranger:
    """Of no kind that can be made of plain data."""


async def test_a_result_may_be_a_pydantic_model_live_and_in_a_replay(directory):
    async def look():
        given = Verdict(guilty=True, why=[Reason(words="He was seen.")])
        one = await effect("tool", "one", lambda _: given, returns=Verdict)
        of_data = await effect("tool", "data", lambda _: {"guilty": False}, returns=Verdict | None)
        return one, of_data

    live, _ = await record(directory, look)
    replayed, _ = await one_step(replaying(directory), look)

    assert live == replayed
    assert live == (
        Verdict(guilty=True, why=[Reason(words="He was seen.")]),
        Verdict(guilty=False),
    )


@pytest.mark.parametrize(
    ("given", "returns", "message"),
    [
        (
            {"guilty": "maybe"},
            Verdict,
            r"must give Verdict, got .*: result.guilty: input should be",
        ),
        ({"x": "left"}, Point, r"must give Point, got \{'x': 'left'\}: "),
        (Stranger(), Stranger, r"must give Stranger, .*: nothing of that class can be made"),
        ({"a"}, set[str], r"must give set, got \{.*: .*, dicts with texts for keys, .*return such"),
        ({1: "a"}, dict[int, str], r"must give dict, got .*; a log gives back None, bools, .*such"),
        (10**30, int, r"must give int, got .*; a log gives back .*, numbers of 64 bits, "),
        (Side.LEFT, Side, r"must give Side, got .*; a log gives back .*, so let the call return "),
        (date(2026, 1, 2), date, r"must give date, got .*; a log gives back .*, so let the call r"),
    ],
)
async def test_a_result_of_another_type_is_recorded_as_an_error(directory, given, returns, message):
    async def look():
        with pytest.raises(TypeError, match=message) as caught:
            await effect("tool", "it", lambda _: given, returns=returns)
        return str(caught.value)

    live, _ = await record(directory, look)
    replayed, _ = await one_step(replaying(directory), look)

    assert live == replayed


LONG = ["é" * 60, b"b" * 60, "b" * 60, list(range(60))]
"""Contents that a log keeps by reference, two of them of the same bytes."""


class Changing:
    """Is put down as something else each time."""

    def __init__(self):
        self.n_times = 0

    def __trace__(self):
        self.n_times += 1
        return [self.n_times, *LONG]


async def test_a_result_is_put_down_once_and_given_as_it_stands_in_the_log(directory):
    async def look():
        return await effect("tool", "it", lambda _: Changing())

    live, _ = await record(directory, look)
    replayed, _ = await one_step(replaying(directory), look)

    assert live == replayed == [1, *LONG]
