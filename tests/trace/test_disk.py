"""The disk: what it takes is whole, and what it refuses is told."""

import os
from pathlib import Path

import pytest

from simlab.errors import LogWriteError, RunDirectoryError
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import made, read_json, replacing, write_whole, written
from simlab.trace.writer import SegmentWriter

FULL = Path("/dev/full")
"""Where writing fails as on a disk that is full."""


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "summary.json"
    write_whole(file, b"old")

    def fail(_descriptor):
        raise OSError("power lost")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(LogWriteError, match=r"summary.json cannot be written: power lost; what "):
        write_whole(file, b"new")

    assert file.read_bytes() == b"old"


def test_json_is_read_as_what_is_asked_for(tmp_path):
    write_whole(tmp_path / "list.json", b'[1, "2"]')

    assert read_json(tmp_path / "list.json", list[int], strict=False) == [1, 2]
    assert read_json(tmp_path / "none.json", list[int]) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[1,", "Input data was truncated"),
        (b'["one"]', r"Expected `int`, got `str`"),
        (b'["\xff"]', r"Expected `int`, got `str`|'utf-8' codec can't decode"),
        (b"[" * 100_000, "maximum recursion depth|Expected `int`, got `array`"),
    ],
)
def test_json_that_cannot_be_read_is_told_with_what_to_do(tmp_path, text, why):
    (tmp_path / "list.json").write_bytes(text)

    with pytest.raises(
        RunDirectoryError, match=rf"list.json cannot be read: ({why}).*; delete it$"
    ):
        read_json(tmp_path / "list.json", list[int], remedy="delete it")


def test_what_a_link_points_to_stays_as_it_is(tmp_path):
    victim, file = tmp_path / "victim", tmp_path / "summary.json"
    victim.write_bytes(b"precious")
    file.symlink_to(victim)

    write_whole(file, b"new")

    assert (file.read_bytes(), file.is_symlink()) == (b"new", False)
    assert victim.read_bytes() == b"precious"


def test_what_fails_half_way_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    file = tmp_path / "table"
    write_whole(file, b"old")

    with pytest.raises(ZeroDivisionError), replacing(file) as half:
        half.write(b"ne" * (1 // 0))

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"table": b"old"}


def test_of_two_writers_of_a_file_each_puts_there_its_own_whole(tmp_path):
    file = tmp_path / "table"

    with replacing(file) as second:
        second.write(b"second's ")
        with replacing(file) as first:
            first.write(b"first's")
        assert file.read_bytes() == b"first's"
        second.write(b"whole")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "table": b"second's whole"
    }


def test_a_full_disk_is_told_with_what_is_safe_and_what_to_do(tmp_path, full_for):
    file = tmp_path / "summary.json"
    file.write_bytes(b"old")

    with pytest.raises(LogWriteError) as caught, full_for("summary.json"):
        write_whole(file, b"new")

    assert caught.value.message == (
        f"{file} cannot be written: No space left on device; what was committed stays, so free "
        "the disk and go on with --resume"
    )
    assert file.read_bytes() == b"old"


def test_a_seal_that_finds_no_room_is_told_and_made_later(directory, full_for):
    file = directory.new_segment("host-1")
    refusal = pytest.raises(LogWriteError, match=r"host-1.seal cannot be written: No space")

    with refusal, full_for("000001-host-1.seal"):
        directory.seal_all()
    directory.seal_all()

    assert file.sealed_length() == 0


def test_a_segment_that_finds_no_room_is_told(directory, monkeypatch):
    def refuse(path, *_, **__):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(LogWriteError, match=r"000001-host-1.log cannot be written: No space"):
        directory.new_segment("host-1")
    monkeypatch.undo()
    file = directory.new_segment("host-1")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(LogWriteError, match=r"segment 000001-host-1.log cannot be written: No sp"):
        SegmentWriter(file.path)


def test_a_lock_that_finds_no_room_for_its_number_is_told(directory):
    (directory.path / "lock").unlink()
    (directory.path / "lock").symlink_to(FULL)

    with pytest.raises(LogWriteError, match=r"lock cannot be written: "), directory.locked():
        pass


def test_a_run_for_which_there_is_no_room_is_told(tmp_path, full_for):
    path = tmp_path / "run"
    refusal = pytest.raises(RunDirectoryError, match=r"run cannot be made: No space left on device")

    with refusal, full_for("run.yaml"):
        RunDirectory.create(path, {})

    RunDirectory.create(path, {})


@pytest.mark.parametrize("told", [written, made])
def test_errors_that_are_not_the_systems_are_raised_as_they_are(told, tmp_path):
    with pytest.raises(ZeroDivisionError), told(tmp_path):
        raise ZeroDivisionError
