"""Lists of integers cost what is new in them."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.errors import LogDamagedError
from simlab.trace import pieces as pieces_module
from simlab.trace.events import encode
from simlab.trace.pieces import BLOCK, PiecesWriter, put_together


def data_of(numbers):
    return array("q", numbers).tobytes()


def write(writer, name, numbers):
    """Write a list, as the writer of a segment does; its base, and its pieces."""
    base, pieces = writer.write(numbers, data_of(numbers))
    writer.keep(name, data_of(numbers))
    return base, pieces


def test_a_list_that_goes_on_from_another_costs_what_is_new():
    writer = PiecesWriter()
    first = list(range(1000))
    write(writer, b"first", first)

    base, pieces = write(writer, b"second", [*first, 7, 8, 9])

    assert base == b"first"
    assert pieces == [[0, 1000], 7, 8, 9]


def test_a_list_whose_middle_was_cut_out_costs_what_is_new():
    writer = PiecesWriter()
    first = list(range(1000))
    write(writer, b"first", first)

    _, pieces = write(writer, b"second", [*first[:100], *first[333:], 7])

    assert pieces == [[0, 100], [333, 1000], 7]


def test_lists_are_built_upon_the_one_they_have_most_in_common_with():
    writer = PiecesWriter()
    persona = list(range(50))
    write(writer, b"buyer", [*persona, *range(100, 200)])
    write(writer, b"seller", [*persona, *range(300, 400)])

    base, _ = write(writer, b"next", [*persona, *range(100, 220)])

    assert base == b"buyer"


def test_a_list_with_nothing_in_common_stands_as_it_is():
    writer = PiecesWriter()
    write(writer, b"first", list(range(100)))

    assert write(writer, b"second", list(range(500, 540))) == (None, list(range(500, 540)))


def test_what_is_kept_to_build_upon_is_bounded(monkeypatch):
    monkeypatch.setattr(pieces_module, "_RECENT_BYTES", 2 * 8 * 100)
    writer = PiecesWriter()
    for first in (0, 1000, 2000):
        write(writer, b"%d" % first, list(range(first, first + 100)))

    assert write(writer, b"old", list(range(100)))[0] is None
    assert write(writer, b"new", list(range(2000, 2100)))[0] == b"2000"
    assert write(writer, b"long", list(range(5000, 9000)))[0] is None
    assert write(writer, b"longer", list(range(5000, 9100)))[0] == b"long"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 3), max_size=4 * BLOCK) | st.just(list(range(3 * BLOCK))),
        min_size=1,
        max_size=6,
    )
)
def test_lists_come_back_as_they_were(lists):
    writer, stored = PiecesWriter(), {None: []}
    for number, numbers in enumerate(lists):
        whole = [*lists[0], *numbers, *lists[0][BLOCK // 2 :]]
        base, pieces = write(writer, encode(number), whole)
        stored[encode(number)] = put_together(stored[base], pieces)

        assert stored[encode(number)] == whole


def test_pieces_that_double_without_end_are_refused(monkeypatch):
    monkeypatch.setattr(pieces_module, "MOST", 1000)
    base = list(range(100))

    with pytest.raises(LogDamagedError, match="a list of integers must have at most 1000"):
        put_together(base, [[0, 100]] * 1_000_000)
