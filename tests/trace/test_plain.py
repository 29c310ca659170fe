"""Any value becomes plain data: typed, never an error, never a memory address."""

import datetime
import enum
import math
from collections import deque
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

import msgspec
import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.errors import SimlabError
from simlab.find import find
from simlab.trace.contents import reference_to
from simlab.trace.events import encode
from simlab.trace.plain import DEEPEST, SHORT, plain, same, serialised_by


@dataclass
class Offer:
    price: float
    say: str = ""


class Bid(pydantic.BaseModel):
    amount: int


class Ask(msgspec.Struct):
    amount: int


class Colour(enum.Enum):
    RED = 1


class Unknown:
    pass


class Seal:
    def __trace__(self):
        return {"seal": "kept"}


class Broken:
    def __trace__(self):
        raise RuntimeError("no trace of me")


class MuteError(Exception):
    def __str__(self):
        raise LookupError("words")


def test_interlab_5_dataclasses_carry_their_type_and_fields():
    assert plain(Offer(3.5, "take it")) == {"_type": "Offer", "price": 3.5, "say": "take it"}


@pytest.mark.parametrize("kind", [Bid, Ask])
def test_interlab_5_models_and_structs_carry_their_type_and_fields(kind):
    assert plain(kind(amount=2)) == {"_type": kind.__name__, "amount": 2}


def test_interlab_5_what_is_unknown_degrades_to_a_stub_without_an_address():
    stub = plain(Unknown())

    assert stub == {"_type": "Unknown", "stub": __name__}
    assert plain(Unknown()) == stub


def test_the_stub_of_a_class_in_a_users_file_does_not_tell_the_folder(own_file, tmp_path):
    stubs = []
    for folder in "ab":
        (tmp_path / folder).mkdir()
        kind = find(own_file("class Thing: pass\n", f"{folder}/mine.py") + ":Thing")
        stubs.append(plain(kind()))

    assert stubs == [{"_type": "Thing", "stub": "simlab_user_mine"}] * 2


def test_errors_are_kept_without_addresses():
    assert plain(ValueError(f"odd: {object()}"))["message"] == "odd: <object object>"


def test_interlab_5_a_method_of_the_type_decides_what_is_kept():
    assert plain([Seal()]) == [{"seal": "kept"}]


def test_interlab_5_a_given_serialiser_wins_and_can_be_undone():
    with serialised_by(Seal, lambda _: {"mine": 1}):
        with serialised_by(Seal, lambda _: 2):
            assert plain(Seal()) == {"_type": "Seal", "value": 2}
        assert plain(Seal()) == {"_type": "Seal", "mine": 1}

    assert plain(Seal()) == {"seal": "kept"}


def test_a_serialiser_that_fails_leaves_a_stub_that_says_so():
    with serialised_by(Unknown, lambda _: 1 / 0):
        failed = plain({"inner": Unknown()})

    assert failed["inner"]["failed"] == "ZeroDivisionError: division by zero"
    assert plain(Broken())["failed"] == "RuntimeError: no trace of me"


class Loud(str):
    def __str__(self):
        raise KeyError("words")


class Rude(list):
    def __iter__(self):
        raise LookupError(f"for {object()} \ud800")


@dataclass
class Lazy:
    price: float

    @property
    def price(self):
        raise SimlabError("not yet")

    @price.setter
    def price(self, value):
        pass


@pytest.mark.parametrize(
    ("value", "failed"),
    [
        (Loud("x"), "KeyError: 'words'"),
        (Rude([[1]]), "LookupError: for <object object> ?"),
        (Lazy(3), "SimlabError: not yet"),
    ],
)
def test_a_value_whose_own_code_fails_leaves_a_stub_that_says_so(value, failed):
    kept = plain({"inner": [value]})

    assert kept["inner"][0] == {"_type": type(value).__name__, "stub": __name__, "failed": failed}
    assert encode(kept)


def test_an_error_that_cannot_say_its_message_is_kept_all_the_same():
    kept = plain(MuteError())

    assert kept["message"] == "its message cannot be had: str() raised LookupError"


def test_interlab_5_an_array_keeps_shape_and_values():
    array = np.arange(6, dtype=np.int16).reshape(2, 3)

    kept = plain(array)

    assert kept["shape"] == [2, 3]
    back = np.frombuffer(kept["data"], kept["dtype"]).reshape(kept["shape"])
    assert (back == array).all()


def test_interlab_5_a_large_array_is_stored_apart():
    """InterLab writes arrays of any size into its files of JSON."""
    seen = []

    kept = plain(np.zeros((100, 100)), lambda content: (seen.append(content), "apart")[1])

    assert (kept["shape"], kept["data"]) == ([100, 100], "apart")
    assert [len(content) for content in seen] == [80_000]


def test_an_array_of_objects_keeps_its_items():
    kept = plain(np.array([Offer(1.0), None], dtype=object))

    assert kept["items"] == [{"_type": "Offer", "price": 1.0, "say": ""}, None]


@pytest.mark.parametrize("falsy", [None, "", 0, 0.0, False, [], {}, b""])
def test_interlab_10_falsy_values_survive(falsy):
    kept = plain(falsy)

    assert kept == falsy
    assert type(kept) is type(falsy)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({3, 1, 2}, {"_type": "set", "items": [1, 2, 3]}),
        (b"raw", b"raw"),
        (bytearray(b"raw"), b"raw"),
        (datetime.date(2024, 5, 1), {"_type": "date", "value": "2024-05-01"}),
        (datetime.datetime(2024, 5, 1, 9), {"_type": "datetime", "value": "2024-05-01T09:00:00"}),
        (datetime.timedelta(seconds=5), {"_type": "timedelta", "value": "0:00:05"}),
        (PurePosixPath("a/b"), {"_type": "PurePosixPath", "value": "a/b"}),
        (deque([1, 2]), [1, 2]),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        ((1, "x"), [1, "x"]),
        ({(1, 2): "x"}, {"_type": "dict", "items": [[[1, 2], "x"]]}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Colour.RED, {"_type": "Colour", "name": "RED", "value": 1}),
        (1 + 2j, {"_type": "complex", "real": 1.0, "imag": 2.0}),
        (2**70, {"_type": "int", "value": str(2**70)}),
        ([2**70], [{"_type": "int", "value": str(2**70)}]),
        (int, {"_type": "type", "name": "int"}),
        (len, {"_type": "function", "name": "len"}),
        (ValueError("no"), {"_type": "ValueError", "message": "no"}),
        ([True, 1], [True, 1]),
    ],
)
def test_common_types_are_kept_as_what_they_are(value, kept):
    """InterLab keeps a type and a memory address of most of these, and fails on others."""
    assert plain(value) == kept
    assert encode(plain(value))


def test_types_of_plain_data_are_exact():
    class Name(str):
        __slots__ = ()

    kept = plain([Name("x"), np.float64(1.5), Colour.RED.value])

    assert [type(part) for part in kept] == [str, float, int]


def test_a_value_within_itself_is_cut_where_it_comes_again():
    """InterLab fails on a list that holds itself."""
    loop = []
    loop.extend([loop, loop, {"again": loop}])

    assert plain(loop) == [
        {"_type": "list", "cut": "within itself"},
        {"_type": "list", "cut": "within itself"},
        {"again": {"_type": "list", "cut": "within itself"}},
    ]


def test_a_value_that_comes_twice_beside_itself_is_kept_twice():
    shared = ["x"]

    assert plain([shared, shared]) == [["x"], ["x"]]


def test_nesting_is_cut_off_at_a_depth():
    deep = "end"
    for _ in range(10_000):
        deep = [deep]

    kept = plain(deep)
    for _ in range(DEEPEST + 1):
        (kept,) = kept

    assert kept == {"_type": "list", "cut": f"deeper than {DEEPEST}"}


def test_only_long_contents_are_interned():
    seen = []
    value = ["a" * SHORT, "b" * (SHORT + 1), list(range(SHORT)), list(range(SHORT + 1))]

    plain(value, seen.append)

    assert seen == [value[1], value[3]]


def test_lists_that_are_not_of_integers_alone_stay_in_place():
    values = [0.5, *range(100)], [True] * 100, [None, *range(100)]

    assert [plain(value, reference_to) for value in values] == [list(value) for value in values]


def test_texts_with_lone_surrogates_are_contents_however_short():
    kept = plain({"said": "\ud800", "\udfff": 1}, reference_to)

    assert kept["_type"] == "dict"
    assert encode(kept)


def test_nan_is_the_same_as_itself():
    assert same({"x": [math.nan]}, {"x": [math.nan]})
    assert not same(1, 1.0)
    assert not same(True, 1)
    assert not same({"x": 1}, {"y": 1})


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None)
@given(_PLAIN)
def test_plain_data_is_its_own_plain_form(value):
    kept = plain(value)

    assert same(plain(kept), kept)
