"""Segments: cut anywhere they open to their whole records; damage is never passed over."""

import os
import re
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.errors import LogDamagedError
from simlab.trace.index import HEADER
from simlab.trace.segment import LARGEST, MAGIC, Segment, pack
from simlab.trace.writer import SegmentWriter

RECORDS = [(3, 0, b""), (4, 1, b"a model said so"), (7, 2**32 - 1, bytes(40)), (4, 0, b"end" * 9)]
"""Kind, episode and payload of the records of a small segment."""

WHOLE = MAGIC + b"".join(pack(*record) for record in RECORDS)

_sizes = [HEADER.size + len(payload) for _, _, payload in RECORDS]
ENDS = [len(MAGIC) + sum(_sizes[:n]) for n in range(len(RECORDS) + 1)]
"""Where each record ends; the first is the end of what a segment begins with."""


def read(segment):
    return [(record.kind, record.episode, bytes(record.payload)) for record in segment.records()]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("segments") / "000001-driver.log"


def test_sim_1_cut_at_every_byte_a_segment_opens_to_the_records_that_end_before(file):
    for length in range(len(WHOLE) + 1):
        file.write_bytes(WHOLE[:length])
        n_whole = sum(end <= length for end in ENDS[1:])

        segment = Segment(file)

        assert read(segment) == RECORDS[:n_whole]
        assert segment.length == (ENDS[n_whole] if length >= len(MAGIC) else 0)
        assert segment.torn_bytes == length - segment.length
        assert file.stat().st_size == length


def test_sim_1_cut_at_every_byte_a_segment_takes_appends(file):
    for length in range(len(WHOLE) + 1):
        file.write_bytes(WHOLE[:length])
        n_whole = sum(end <= length for end in ENDS[1:])

        writer = SegmentWriter(file)
        writer.append(4, 5, b"written after the cut")
        writer.close()

        segment = Segment(file)
        assert read(segment) == [*RECORDS[:n_whole], (4, 5, b"written after the cut")]
        assert segment.torn_bytes == 0


def test_sim_1_damage_before_the_tail_names_segment_offset_and_checksums(file):
    damaged = bytearray(WHOLE)
    damaged[ENDS[1] + HEADER.size] ^= 1
    file.write_bytes(damaged)

    with pytest.raises(LogDamagedError) as caught:
        Segment(file)

    found = re.search(r"its checksum is (\w{8}), the header says (\w{8})", caught.value.message)
    assert f"{file.name} is damaged at byte {ENDS[1]}:" in caught.value.message
    assert found[1] != found[2]


def test_a_header_that_promises_too_much_before_whole_records_is_damage(file):
    damaged = bytearray(WHOLE)
    struct.pack_into("<I", damaged, ENDS[0] + 4, LARGEST)
    file.write_bytes(damaged)

    with pytest.raises(LogDamagedError, match=rf"at byte {ENDS[0]}: its header promises {LARGEST}"):
        Segment(file)


def test_damage_is_told_from_a_torn_tail_across_much_rubbish(file):
    rubbish = bytes(range(256)) * (3 << 12)
    file.write_bytes(WHOLE + rubbish)
    assert Segment(file).torn_bytes == len(rubbish)

    file.write_bytes(WHOLE + rubbish + pack(4, 0, b"a whole record"))
    with pytest.raises(LogDamagedError, match=f"at byte {len(WHOLE)}"):
        Segment(file)


def test_a_tail_of_zeros_is_torn(file):
    file.write_bytes(WHOLE + bytes(5000))

    assert Segment(file).torn_bytes == 5000


def test_what_does_not_begin_as_a_segment_is_none(file):
    file.write_bytes(b"#!/bin/sh\nexit 0\n")

    with pytest.raises(LogDamagedError, match="at byte 0: it begins with b'#!/bin/s'"):
        Segment(file)


def test_a_segment_whose_beginning_was_wiped_is_damaged(file):
    file.write_bytes(bytes(len(MAGIC)) + WHOLE[len(MAGIC) :])

    with pytest.raises(LogDamagedError, match="at byte 0: it begins with"):
        Segment(file)


@settings(max_examples=40, deadline=None)
@given(where=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_sim_1_any_flipped_bit_of_a_sealed_segment_is_found_at_or_before_it(file, where, bit):
    damaged = bytearray(WHOLE)
    damaged[where] ^= 1 << bit
    file.write_bytes(damaged)

    with pytest.raises(LogDamagedError) as caught:
        Segment(file, length=len(WHOLE))

    assert file.name in caught.value.message
    assert int(re.search(r"at byte (\d+)", caught.value.message)[1]) <= where


@settings(max_examples=40, deadline=None)
@given(where=st.integers(len(MAGIC), len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_of_an_open_segment_is_damage_or_drops_the_last_record(file, where, bit):
    damaged = bytearray(WHOLE)
    damaged[where] ^= 1 << bit
    file.write_bytes(damaged)

    if where >= ENDS[-2]:
        assert read(Segment(file)) == RECORDS[:-1]
    else:
        with pytest.raises(LogDamagedError):
            Segment(file)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 31), st.integers(0, 2**32 - 1), st.binary(max_size=99))))
def test_records_come_back_as_they_were(file, records):
    file.write_bytes(MAGIC + b"".join(pack(*record) for record in records))

    segment = Segment(file)

    assert read(segment) == records
    assert segment.index.kinds.tolist() == [kind for kind, _, _ in records]
    assert segment.index.episodes.tolist() == [episode for _, episode, _ in records]
    for offset, (_, _, payload) in zip(segment.index.offsets.tolist(), records, strict=True):
        assert segment.payload_at(offset) == payload


def test_only_what_was_sealed_counts(file):
    file.write_bytes(WHOLE + b"written by a host that was replaced")

    assert read(Segment(file, length=ENDS[2])) == RECORDS[:2]


def test_a_sealed_segment_that_lost_bytes_is_damaged(file):
    file.write_bytes(WHOLE[:-1])

    with pytest.raises(LogDamagedError, match=f"had {len(WHOLE)} bytes and has {len(WHOLE) - 1}"):
        Segment(file, length=len(WHOLE))


def test_reading_on_gives_what_was_appended_since(file):
    file.write_bytes(WHOLE[: ENDS[2] + 5])
    segment = Segment(file)

    file.write_bytes(WHOLE)
    new = segment.read_on()

    assert new.kinds.tolist() == [kind for kind, _, _ in RECORDS[2:]]
    assert len(segment.read_on()) == 0
    assert read(segment) == RECORDS


def test_what_was_found_before_an_error_is_given_once_it_has_passed(file):
    file.write_bytes(WHOLE[: ENDS[1]])
    segment = Segment(file)
    file.write_bytes(WHOLE[: ENDS[3]] + bytes(20) + pack(4, 0, b"behind a gap"))
    with pytest.raises(LogDamagedError, match=f"at byte {ENDS[3]}"):
        segment.read_on()

    file.write_bytes(WHOLE)

    assert segment.read_on().offsets.tolist() == ENDS[1:-1]


def test_a_tail_that_is_written_anew_is_read_anew(file):
    file.write_bytes(WHOLE + pack(4, 0, b"a torn record")[:-1])
    segment = Segment(file)
    read(segment)

    file.write_bytes(WHOLE + pack(4, 0, b"another one"))
    segment.read_on()

    assert segment.payload_at(len(WHOLE)) == b"another one"


def test_an_open_segment_that_shrinks_under_its_reader_is_damaged(file):
    file.write_bytes(WHOLE)
    segment = Segment(file)
    file.write_bytes(WHOLE[: ENDS[1]])

    with pytest.raises(LogDamagedError, match=rf"had {len(WHOLE)} bytes and has {ENDS[1]}"):
        segment.read_on()


@pytest.mark.parametrize("length", [0, len(MAGIC), ENDS[1], ENDS[3] + 1])
def test_a_segment_that_is_cut_under_its_reader_is_damaged_and_kills_nobody(file, length):
    file.write_bytes(WHOLE)
    segment = Segment(file)
    os.truncate(file, length)

    with pytest.raises(LogDamagedError, match=rf"had {len(WHOLE)} bytes and has {length}"):
        read(segment)


def test_a_record_larger_than_what_is_read_at_once_is_read_whole(file):
    large = [(4, 0, b"before"), (4, 1, bytes(range(256)) * (3 << 12)), (4, 2, b"behind")]
    file.write_bytes(MAGIC + b"".join(pack(*record) for record in large))

    assert read(Segment(file)) == large
    assert Segment(file).payload_at(len(MAGIC), most=3) == b"bef"


def test_a_hole_of_terabytes_behind_the_records_is_torn_and_costs_nothing(file):
    file.write_bytes(WHOLE)
    os.truncate(file, 1 << 42)

    segment = Segment(file)
    assert (read(segment), segment.length) == (RECORDS, len(WHOLE))


def test_a_record_behind_a_hole_is_found(file):
    file.write_bytes(WHOLE)
    with file.open("r+b") as written:
        written.seek(1 << 40)
        written.write(pack(4, 0, b"a whole record"))

    with pytest.raises(LogDamagedError, match=f"at byte {len(WHOLE)}"):
        Segment(file)


NOISE = HEADER.pack(0, 1 << 13, 0, 1) * (1 << 12)
"""What looks like many records, of which none checks."""


@pytest.fixture
def little_searched(monkeypatch):
    monkeypatch.setattr("simlab.trace.segment._MOST_SEARCHED", 1 << 16)
    monkeypatch.setattr("simlab.trace.segment._SHORT", 1 << 10)


@pytest.mark.usefixtures("little_searched")
@pytest.mark.parametrize("byte", [b"\x00", b"\x01"])
def test_a_tail_that_would_take_days_to_look_through_is_given_up_as_damaged(file, byte):
    file.write_bytes(WHOLE + byte * (18 << 20))

    with pytest.raises(LogDamagedError, match=r"too much to be searched for others; restore .*ate"):
        Segment(file)


@pytest.mark.usefixtures("little_searched")
def test_a_record_that_is_cut_is_torn_also_where_it_is_too_much_to_be_searched(file):
    record = pack(4, 0, NOISE * 4)
    file.write_bytes(WHOLE + record[: len(record) // 2])

    segment = Segment(file)

    assert (read(segment), segment.torn_bytes) == (RECORDS, len(record) // 2)


@pytest.mark.usefixtures("little_searched")
def test_a_whole_record_is_found_behind_what_only_looks_like_many_long_ones(file):
    cut = HEADER.pack(0, LARGEST - 1, 0, 4)
    file.write_bytes(WHOLE + cut + NOISE[: 1 << 14] + pack(4, 0, b"whole") + bytes(1 << 14))

    with pytest.raises(LogDamagedError, match=f"at byte {len(WHOLE)}: its header promises"):
        Segment(file)


@pytest.mark.usefixtures("little_searched")
def test_a_tail_of_headers_is_tried_a_bounded_number_of_times(file, monkeypatch):
    tries = []
    monkeypatch.setattr(Segment, "_end_of_one", lambda _, offset: tries.append(offset))
    file.write_bytes(MAGIC + (bytes(12) + b"\x01" + bytes(3)) * (1 << 12))

    with pytest.raises(LogDamagedError, match="too much to be searched"):
        Segment(file)

    assert len(tries) < 20


@pytest.mark.parametrize("whole", [WHOLE, b""])
def test_a_torn_tail_is_searched_once_as_long_as_it_stays_as_it_is(file, monkeypatch, whole):
    file.write_bytes(whole + bytes(100))
    segment = Segment(file)
    monkeypatch.delattr(Segment, "_record_follows")

    assert len(segment.read_on()) == 0


def test_a_record_of_a_gigabyte_is_refused():
    class Huge(bytes):
        def __len__(self):
            return LARGEST

    with pytest.raises(ValueError, match=f"less than {LARGEST} bytes, got {LARGEST}"):
        pack(4, 0, Huge())
