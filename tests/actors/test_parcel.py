import pickle

import msgspec
import pytest

from simlab.actors.parcel import (
    Answered,
    Asked,
    Batch,
    Credited,
    Failed,
    GaveUp,
    Told,
    decode_batch,
    encode_batch,
    pack_error,
    pickle_5,
    unpack_error,
)
from simlab.errors import ActorError


def test_a_batch_is_read_as_it_was_written():
    parcels = [
        Told("x", b"1"),
        Asked(7, "y", b"\x00\xff"),
        Answered(8, b""),
        Failed(9, b"2"),
        GaveUp(10),
        Credited("z", 3, 1_000),
    ]
    batch = Batch("system", "a", 1, "b", 2, 5, parcels)

    assert decode_batch(encode_batch(batch)) == batch


def test_what_is_no_batch_is_refused():
    with pytest.raises(msgspec.DecodeError):
        decode_batch(b"hello")


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_an_error_arrives_as_it_was_with_a_note_of_where_it_was_raised():
    error = unpack_error(pickle.loads(pack_error(raised(KeyError("x")), pickle_5)), "host-1")

    assert isinstance(error, KeyError)
    assert error.args == ("x",)
    assert error.__notes__[0].startswith("raised in host 'host-1':\nTraceback")
    assert "test_parcel.py" in error.__notes__[0]


def test_an_error_that_cannot_be_pickled_arrives_as_its_words():
    error = raised(ValueError("wrong", lambda: None))

    arrived = unpack_error(pickle.loads(pack_error(error, pickle_5)), "host-1")

    assert isinstance(arrived, ActorError)
    assert arrived.message.startswith("ValueError (which cannot be pickled): ('wrong', ")
    assert "test_parcel.py" in arrived.__notes__[0]


def test_packing_an_error_leaves_it_as_it_was():
    error = raised(KeyError("x"))

    pack_error(error, pickle_5)

    assert not hasattr(error, "__notes__")
