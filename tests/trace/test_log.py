"""A log is read as far as it goes, by those who come later and by those who look on."""

import os

import msgspec
import numpy as np
import pytest

from simlab.errors import LogDamagedError
from simlab.trace.contents import NUMBERS, PIECES, numbers_hash, reference_to
from simlab.trace.events import (
    BLOB,
    Effect,
    Ended,
    Fault,
    Noted,
    Outcome,
    SpanOpened,
    Started,
    Stepped,
    SteppedCore,
    encode,
)
from simlab.trace.index import Found
from simlab.trace.journal import Journal
from simlab.trace.log import Log, committed_in
from simlab.trace.segment import RUN, Segment
from simlab.trace.tracing import effect, turn
from simlab.trace.writer import SegmentWriter
from tests.trace.rewriting import rewrite
from tests.trace.society import Model, new_run, open_writer, play, play_run


def encoded(log, episode=0):
    return [(event.KIND, encode(event)) for event in log.events(episode)]


async def test_events_come_by_episode_in_the_order_of_the_record(directory):
    await play_run(directory, episodes=2)

    log = Log(directory)

    assert log.episodes == [0, 1]
    for episode in log.episodes:
        steps = [log.core(e, SteppedCore).step for e in log.events(episode, (Stepped,))]
        assert steps == [0, 1, 2]
        kinds = [type(event) for event in log.events(episode)]
        assert (kinds[0], kinds[-1], len(kinds)) == (Started, Ended, 29)
    assert log.n_events == 58


async def test_a_segment_tells_which_episodes_have_committed_in_it(directory):
    await play_run(directory, episodes=2)
    writer = open_writer(directory)
    journal = Journal(3, seed=5, writer=writer)
    with turn(journal, "buyer", 0, "act"):
        await effect("tool", "?", lambda _: "done")
    writer.close()

    assert [committed_in(segment) for segment in directory.segments()] == [{0, 1}, set()]


async def test_episodes_of_several_segments_are_one(directory):
    await play_run(directory)
    writer = open_writer(directory, "host-1")
    await play(Journal(3, seed=5, writer=writer), Model(), n_steps=1)
    writer.close()

    log = Log(directory)

    assert (log.episodes, log.ended(), log.failed()) == ([0, 3], {0, 3}, set())
    assert [log.n_steps(episode) for episode in (0, 1, 3)] == [3, 0, 1]


async def test_what_is_not_there_is_none_or_nothing(directory):
    log = Log(directory)

    assert (log.episodes, log.n_events, log.end(0)) == ([], 0, None)
    assert list(log.events(0)) == []


@pytest.mark.parametrize("quarter", range(4))
async def test_sim_1_a_run_cut_at_every_byte_opens_to_its_longest_valid_prefix(directory, quarter):
    await play_run(directory, n_steps=1)
    (file,) = directory.segments()
    whole = file.path.read_bytes()
    offsets = Segment(file.path).index.offsets
    all_events = encoded(Log(directory))
    kinds = Segment(file.path).index.kinds
    first, last = len(whole) * quarter // 4, len(whole) * (quarter + 1) // 4

    for length in reversed(range(first, last)):
        os.truncate(file.path, length)
        log = Log(directory)

        n_records = max(0, np.searchsorted(offsets, length, "right") - 1)
        n_events = np.count_nonzero(kinds[:n_records] != BLOB)
        assert encoded(log) == all_events[:n_events]
        start = offsets[n_records] if length >= offsets[0] else 0
        assert log.torn_bytes == length - start
        for event in log.events(0, (Stepped, Effect)):
            log.whole(event.request if isinstance(event, Effect) else None)


async def test_refresh_reads_what_has_come_since(directory):
    log = Log(directory)
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    await journal.begin({})

    assert log.refresh()
    assert log.episodes == [0]
    assert not log.refresh()
    assert log.end(0) is None

    text = "an end that is told at more length than stands in its place"
    await journal.end(Outcome(0, {}, {}, {"judge": journal.plain(text)}))
    assert log.refresh()
    assert log.core(log.end(0), Outcome).scores == {"judge": text}
    assert encoded(log) == encoded(Log(directory))


async def test_refresh_checks_only_new_bytes(directory, monkeypatch):
    writer = open_writer(directory)
    await play(Journal(0, seed=5, writer=writer), Model())
    log = Log(directory)
    before = writer.path.stat().st_size
    await Journal(1, seed=6, writer=writer).begin({})
    starts = []
    scan = Found.scan
    monkeypatch.setattr(Found, "scan", lambda *given: (starts.append(given[-1]), scan(*given))[1])

    log.refresh()

    assert starts == [before]
    assert log.episodes == [0, 1]


async def test_refresh_forgets_what_was_read_behind_a_seal(directory):
    segment = directory.new_segment("host-1")
    writer = SegmentWriter(segment.path)
    journal = Journal(0, seed=5, writer=writer)
    await journal.begin({})
    sealed_at = segment.path.stat().st_size
    await journal.end(Outcome(0, {}, {}, {}))
    log = Log(directory)
    assert log.ended() == {0}

    segment.seal.write_text(f'{{"host": "host-1", "epoch": 1, "bytes": {sealed_at}}}')

    assert log.refresh()
    assert (log.ended(), log.episodes) == (set(), [0])


async def test_refresh_reads_a_segment_that_another_was_put_in_the_place_of(directory, tmp_path):
    await play_run(directory)
    (file,) = directory.segments()
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[: len(whole) // 2])
    log = Log(directory)
    assert log.ended() == set()

    (tmp_path / "copy").write_bytes(whole)
    (tmp_path / "copy").rename(file.path)

    assert log.refresh()
    assert log.ended() == {0}
    assert encoded(log) == encoded(Log(directory))


async def test_reading_changes_no_file(directory):
    await play_run(directory)
    (file,) = directory.segments()
    os.truncate(file.path, file.path.stat().st_size - 3)
    before = file.path.read_bytes()

    assert Log(directory).torn_bytes > 0

    assert file.path.read_bytes() == before


async def test_the_digest_of_a_run_is_that_of_its_episodes(tmp_path, directory):
    await play_run(directory, episodes=2)
    other = new_run(tmp_path / "other")
    for episode in (1, 0):
        writer = open_writer(other, f"host-{episode}")
        await play(Journal(episode, seed=5 + episode, writer=writer), Model())
        writer.close()

    assert Log(directory).digest() == Log(other).digest()
    assert len(Log(directory).digest()) == 32


async def test_an_unfinished_episode_has_another_digest_than_a_finished_one(directory):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    log = Log(directory)
    digests = [log.digest()]

    async def digest_after(commit):
        await commit
        log.refresh()
        digests.append(log.digest())

    await digest_after(journal.begin({}))
    await digest_after(journal.step(SteppedCore(0, 0.0, [], {})))
    await digest_after(journal.end(Outcome(1, {}, {}, {})))

    assert len(set(digests)) == 4


async def test_spans_and_notes_enter_no_digest(tmp_path, directory):
    digest = await play_run(directory)
    bare = new_run(tmp_path / "bare")
    await play_run(bare)
    rewrite(bare, SpanOpened.KIND, b"think", b"drink")
    rewrite(bare, Noted.KIND, b"thought", b"thirsty")

    assert Log(bare).digest() == Log(directory).digest()
    assert Log(directory).end(0).digest == digest


async def test_a_failure_is_an_end(directory):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    await journal.begin({})
    await journal.end(Outcome(0, {}, {}, {}, Fault("ModelError", "overloaded", "model")))
    writer.close()

    log = Log(directory)

    assert (log.ended(), log.failed()) == ({0}, {0})
    assert log.core(log.end(0), Outcome).failed.boundary == "model"


async def test_a_content_that_was_changed_is_named_with_segment_and_offset(directory):
    await play_run(directory)
    rewrite(directory, BLOB, b"buyer says in step 1", b"buyer lies in step 1")

    with pytest.raises(LogDamagedError, match=r"segment 000001-driver\.log at byte \d+: the conte"):
        Log(directory).check_contents()


async def test_contents_that_are_whole_pass_the_check(directory):
    await play_run(directory)

    Log(directory).check_contents()


def test_a_content_that_is_nowhere_is_missed(directory):
    reference = reference_to("an offer that was made elsewhere, in another run than this one")
    log = Log(directory)

    with pytest.raises(LogDamagedError, match="stored nowhere; a segment is missing"):
        log.whole(reference)


def test_a_list_that_is_built_upon_itself_is_damage(directory):
    writer = open_writer(directory)
    name = numbers_hash(b"anything")
    payload = name + PIECES + msgspec.msgpack.encode((name, [[0, 9]]))
    writer.append(BLOB, RUN, payload)
    writer.close()

    with pytest.raises(LogDamagedError, match="is part of itself"):
        Log(directory).content_of(NUMBERS, memoryview(name))


async def test_interlab_35_what_was_read_can_be_written_again(tmp_path, directory):
    """InterLab cannot write a node that it has read."""
    await play_run(directory)
    log = Log(directory)
    copy = new_run(tmp_path / "copy")
    writer = open_writer(copy)

    def store(code, data):
        return writer.intern(log.content_of(code, data))

    for event in log.events(0):
        payload = encode(event)
        msgspec.msgpack.decode(payload, ext_hook=store)
        writer.append(event.KIND, 0, payload)
    writer.close()

    again = Log(copy)
    assert encoded(again) == encoded(log)
    assert again.digest() == log.digest()
    again.check_contents()


async def test_interlab_12_a_part_of_a_log_is_read_alone(directory):
    await play_run(directory)
    log = Log(directory)

    ends = list(log.events(0, (Started, Ended)))

    assert [encode(end) for end in ends] == [
        encode(event) for event in log.events(0) if isinstance(event, Started | Ended)
    ]


async def test_a_damaged_log_is_not_opened(directory):
    await play_run(directory)
    (file,) = directory.segments()
    damaged = bytearray(file.path.read_bytes())
    damaged[len(damaged) // 2] ^= 16
    file.path.write_bytes(damaged)

    with pytest.raises(LogDamagedError, match="000001-driver"):
        Log(directory)


async def test_a_stretch_of_an_episode_is_read_without_the_rest(directory):
    await play_run(directory)
    log = Log(directory)
    whole = encoded(log)

    for start, stop in ((0, 0), (0, 5), (3, 9), (20, 99), (28, None), (40, None)):
        part = [(event.KIND, encode(event)) for event in log.events(0, start=start, stop=stop)]
        assert part == whole[start:stop]


async def test_places_of_steps_are_those_among_all_events(directory):
    await play_run(directory)
    log = Log(directory)

    places = log.places(0, (Stepped,))

    events = list(log.events(0))
    assert len(events) == log.n_events_of(0)
    assert [at for at, event in enumerate(events) if isinstance(event, Stepped)] == list(places)
    assert len(log.places(7, (Stepped,))) == 0


async def test_a_log_that_is_read_on_record_by_record_is_what_it_is_at_once(directory):
    await play_run(directory, episodes=2)
    (file,) = directory.segments()
    data = file.path.read_bytes()
    ends = [*[record.offset for record in file.open().records()][1:], len(data)]
    file.path.write_bytes(data[: ends[0]])
    log = Log(directory)

    for end in ends[1:]:
        with file.path.open("ab") as segment:
            segment.write(data[segment.tell() : end])
        log.refresh()

    at_once = Log(directory)
    assert [encoded(log, e) for e in (0, 1)] == [encoded(at_once, e) for e in (0, 1)]
    assert len(log._episodes[0]) <= np.log2(len(ends)) + 1


async def test_what_has_changed_since_some_lengths_is_told_by_episode(directory):
    await play_run(directory)
    log = Log(directory)
    before = log.lengths

    writer = open_writer(directory)
    await play(Journal(3, seed=5, writer=writer), Model())
    writer.close()
    log.refresh()

    assert log.changed_since(before) == [3]
    assert log.changed_since({}) == [0, 3]
    assert log.changed_since(log.lengths) == []
