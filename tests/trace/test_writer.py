"""Commits survive the machine, appends survive the process, and nothing is written after a seal."""

import asyncio
import errno
import os
import random
import threading

import pytest

from simlab.errors import LogWriteError, StaleEpochError
from simlab.trace import writer as writer_module
from simlab.trace.append_file import AppendFile
from simlab.trace.events import BLOB
from simlab.trace.log import Log
from simlab.trace.pieces import PiecesWriter
from simlab.trace.segment import MAGIC, Segment
from simlab.trace.writer import SegmentWriter
from tests.trace.children import killed
from tests.trace.society import open_writer


class ForgetfulFile(AppendFile):
    """Loses power at its nth operation: what was not synced is there in part, the rest is zeros."""

    def __init__(self, path, *, lasts=10**9, seed=0):
        super().__init__(path)
        self.path = path
        self.left = lasts
        self.random = random.Random(seed)
        self.n_syncs = 0
        self.size = self.synced = 0

    def write(self, data):
        self.use()
        super().write(data)
        self.size += len(data)

    def sync(self):
        self.n_syncs += 1
        self.use()
        self.synced = self.size

    def use(self):
        self.left -= 1
        if self.left < 0:
            if self.left == -1:
                os.truncate(self.path, self.random.randint(self.synced, self.size))
                os.truncate(self.path, self.size + self.random.choice((0, 4096)))
            raise OSError(errno.EIO, "power lost")


def payloads(path):
    return [bytes(record.payload) for record in Segment(path).records()]


@pytest.mark.parametrize("lasts", range(2, 41, 3))
async def test_sim_2_every_acknowledged_commit_survives_a_loss_of_power(tmp_path, lasts):
    path = tmp_path / "000001-driver.log"
    acknowledged = []
    writer = SegmentWriter(
        path, open_file=lambda path: ForgetfulFile(path, lasts=lasts, seed=lasts)
    )

    async def write(task):
        for number in range(8):
            payload = f"record {number} of {task}".encode()
            writer.append(4, task, payload)
            await writer.commit()
            acknowledged.append(payload)

    done = await asyncio.gather(*map(write, range(4)), return_exceptions=True)

    assert any(isinstance(error, LogWriteError) for error in done)
    assert set(acknowledged) <= set(payloads(path))


async def test_commits_that_come_together_share_a_sync(tmp_path):
    file = ForgetfulFile(tmp_path / "000001-driver.log")
    writer = SegmentWriter(file.path, open_file=lambda _: file)

    async def write(task):
        for _ in range(5):
            writer.append(4, task, b"step")
            await writer.commit()

    await asyncio.gather(*map(write, range(50)))

    assert file.n_syncs <= 10
    assert len(payloads(file.path)) == 250


async def test_a_slow_sync_leaves_the_event_loop_free(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "_QUICK_S", -1.0)
    released = threading.Event()

    class SlowFile(AppendFile):
        def sync(self):
            assert released.wait(10)

    writer = SegmentWriter(tmp_path / "000001-driver.log", open_file=SlowFile)
    writer.append(4, 0, b"step")
    commits = [asyncio.ensure_future(writer.commit()) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(commit.done() for commit in commits)

    released.set()
    await asyncio.gather(*commits)
    writer.close()


async def test_closing_waits_for_a_sync_that_is_under_way(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "_QUICK_S", -1.0)
    writer = SegmentWriter(tmp_path / "000001-driver.log")
    writer.append(4, 0, b"step")
    commit = asyncio.ensure_future(writer.commit())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    writer.close()

    await commit


def test_commits_work_in_one_event_loop_after_another(tmp_path):
    writer = SegmentWriter(tmp_path / "000001-driver.log")

    async def write():
        writer.append(4, 0, b"step")
        await writer.commit()

    for _ in range(3):
        asyncio.run(write())

    assert len(payloads(writer.path)) == 3


async def test_a_second_event_loop_commits_beside_the_first(tmp_path):
    writer = SegmentWriter(tmp_path / "000001-driver.log")
    await writer.commit()

    await asyncio.to_thread(asyncio.run, writer.commit())
    await writer.commit()


def test_interlab_32_what_was_appended_survives_a_kill(tmp_path):
    path = tmp_path / "000001-driver.log"

    def work():
        writer = SegmentWriter(path)
        for number in range(100):
            writer.append(8, 0, b"span %d" % number)

    killed(work)

    assert payloads(path) == [b"span %d" % number for number in range(100)]


def test_records_of_many_threads_are_whole(tmp_path):
    writer = SegmentWriter(tmp_path / "000001-driver.log")

    def write(task):
        for number in range(50):
            writer.intern(f"{task} {number} " * 9)
            writer.append(4, task, b"%d" % number)

    threads = [threading.Thread(target=write, args=(task,)) for task in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    records = [r for r in Segment(writer.path).records() if r.kind != BLOB]
    for task in range(4):
        of_task = [int(bytes(r.payload)) for r in records if r.episode == task]
        assert of_task == list(range(50))


async def test_on_a_full_disk_nothing_committed_is_lost_and_later_commits_are_refused(
    tmp_path, monkeypatch
):
    writer = SegmentWriter(tmp_path / "000001-driver.log")
    writer.append(4, 0, b"committed")
    await writer.commit()
    write = os.write

    def write_some(descriptor, data):
        if len(data) < 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:9])

    with monkeypatch.context() as full:
        full.setattr(os, "write", write_some)
        with pytest.raises(LogWriteError, match=r"000001-driver\.log cannot be written: No space"):
            writer.append(4, 0, b"one too many")
    with pytest.raises(LogWriteError, match="go on with --resume"):
        await writer.commit()
    with pytest.raises(LogWriteError):
        writer.append(4, 0, b"behind a record that is missing")

    writer.close()
    assert payloads(writer.path) == [b"committed"]
    assert Segment(writer.path).torn_bytes > 0


async def test_all_who_wait_hear_of_a_failed_sync(tmp_path):
    path = tmp_path / "000001-driver.log"
    writer = SegmentWriter(path, open_file=lambda path: ForgetfulFile(path, lasts=2))
    writer.append(4, 0, b"step")

    done = await asyncio.gather(*[writer.commit() for _ in range(3)], return_exceptions=True)

    assert [type(error) for error in done] == [LogWriteError] * 3


async def test_a_writer_whose_segment_was_sealed_is_refused_naming_both_epochs(directory):
    segment = directory.new_segment("host-1")
    writer = SegmentWriter(segment.path, seal=segment.seal)
    writer.append(4, 0, b"counts")
    await writer.commit()
    directory.seal(segment, next_epoch=7)

    writer.append(4, 0, b"counts no more")
    with pytest.raises(StaleEpochError, match=r"of epoch 1 was sealed and .* in epoch 7"):
        await writer.commit()
    with pytest.raises(StaleEpochError):
        writer.append(4, 0, b"nor does this")

    assert [event.payload for event in segment.open().records()] == [b"counts"]


def test_a_sealed_segment_takes_no_new_writer(directory):
    segment = directory.new_segment("host-1")
    directory.seal(segment)

    with pytest.raises(StaleEpochError, match=r"000001-host-1.log of epoch 1 was sealed;"):
        SegmentWriter(segment.path, seal=segment.seal)


def test_a_closed_writer_refuses(tmp_path):
    writer = SegmentWriter(tmp_path / "000001-driver.log")
    writer.close()

    with pytest.raises(ValueError, match=r"000001-driver\.log is closed"):
        writer.append(4, 0, b"")


def test_a_new_segment_begins_as_one(tmp_path):
    SegmentWriter(tmp_path / "000001-driver.log").close()

    assert (tmp_path / "000001-driver.log").read_bytes() == MAGIC


def test_a_content_is_stored_once_and_before_its_first_use(directory):
    writer = open_writer(directory)
    text = "an offer that is made again and again, word for word"

    reference, again = writer.intern(text), writer.intern("".join(text))
    writer.append(4, 0, b"use")
    writer.close()

    assert again == reference
    assert [record.kind for record in Segment(writer.path).records()] == [BLOB, 4]
    assert Log(directory).content_of(reference.code, memoryview(reference.data)) == text


def test_lists_of_integers_come_back_from_their_pieces(directory):
    writer, lists = open_writer(directory), PiecesWriter()
    prompts = [list(range(n)) for n in (100, 200, 300)]
    references = [writer.intern(prompt, lists) for prompt in prompts]
    writer.append(4, 0, b"use")
    writer.close()

    log = Log(directory)
    found = [log.content_of(r.code, memoryview(r.data)) for r in reversed(references)]

    assert found == prompts[::-1]
    log.check_contents()


def test_what_is_known_by_heart_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "_REMEMBERED_BYTES", 200)
    writer = SegmentWriter(tmp_path / "000001-driver.log")

    texts = [f"{number} " * 60 for number in range(9)]
    first = [writer.intern(text) for text in texts]

    assert [writer.intern(text) for text in texts] == first
    assert len(writer._known) == 1


def test_a_content_that_was_forgotten_is_stored_again(directory, monkeypatch):
    monkeypatch.setattr(writer_module, "_REMEMBERED_BYTES", 1)
    monkeypatch.setattr(writer_module, "_REMEMBERED_HASHES", 2)
    writer = open_writer(directory)
    texts = [f"{number} is said at more length than a reference" * 2 for number in range(3)]

    for text in (*texts, texts[0]):
        writer.intern(text)
    writer.append(4, 0, b"use")
    writer.close()

    assert [record.kind for record in Segment(writer.path).records()] == [BLOB] * 4 + [4]
    Log(directory).check_contents()
