"""Run directories: made once, held by one process, sealed for good."""

import fcntl
import os
import tracemalloc
from pathlib import Path

import pytest
import yaml

from simlab.errors import ConfigError, LogDamagedError, RunDirectoryError, StaleEpochError
from simlab.trace import directory as directory_module
from simlab.trace import record_file
from simlab.trace.directory import FORMAT, RunDirectory
from simlab.trace.segment import MAGIC, Segment
from simlab.trace.writer import SegmentWriter
from tests.trace.children import kill_oneself, killed
from tests.trace.society import open_writer


def test_a_run_keeps_what_it_was_made_with(tmp_path):
    RunDirectory.create(tmp_path / "run", {"name": "Güterzug", "seed": 7})

    run = RunDirectory.open(tmp_path / "run").read_run()

    assert run == {"format": FORMAT, "name": "Güterzug", "seed": 7}
    assert RunDirectory.is_one(tmp_path / "run")
    assert not RunDirectory.is_one(tmp_path)


def test_a_directory_that_has_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(RunDirectoryError, match=r"is not a run and not empty; choose another by"):
        RunDirectory.create(tmp_path, {})

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_is_there_is_left_alone(directory):
    with pytest.raises(RunDirectoryError, match=r"exists already; go on with it by --resume"):
        RunDirectory.create(directory.path, {})


def test_what_has_records_and_no_run_file_is_left_alone(directory):
    directory.new_segment("host-1")
    (directory.path / "run.yaml").unlink()

    with pytest.raises(RunDirectoryError, match=r"is not a run and not empty"):
        RunDirectory.create(directory.path, {})

    assert len(directory.segments()) == 1


@pytest.mark.parametrize(
    ("where", "call"), [(fcntl, "flock"), (record_file, "write_whole"), (Path, "rename")]
)
def test_a_run_that_was_killed_before_it_began_is_begun_anew(tmp_path, monkeypatch, where, call):
    path = tmp_path / "run"
    monkeypatch.setattr(where, call, lambda *_: kill_oneself())

    killed(lambda: RunDirectory.create(path, {"seed": 1}))
    monkeypatch.undo()
    assert path.exists()
    RunDirectory.create(path, {"seed": 2})

    assert RunDirectory.open(path).read_run()["seed"] == 2


def test_a_run_is_there_once_all_that_it_begins_with_is(tmp_path):
    path = tmp_path / "run"

    def work():
        with RunDirectory.making(path, {}) as directory:
            directory.new_segment("shared")
            kill_oneself()

    killed(work)

    assert not RunDirectory.is_one(path)
    with pytest.raises(RunDirectoryError, match=r"is not a run and not empty"):
        RunDirectory.create(path, {})


def test_what_the_block_cannot_read_is_not_told_as_the_place_of_the_run(tmp_path):
    def read_parent():
        (tmp_path / "parent.log").read_bytes()

    with (
        pytest.raises(FileNotFoundError, match=r"parent.log"),
        RunDirectory.making(tmp_path / "run", {}),
    ):
        read_parent()


def test_what_the_block_cannot_write_is_told_as_the_place_of_the_run(tmp_path, monkeypatch):
    def refuse(path, *_, **__):
        raise OSError(28, "No space left on device", str(path))

    def work():
        with RunDirectory.making(tmp_path / "run", {}) as directory:
            monkeypatch.setattr(Path, "touch", refuse)
            directory.new_segment("shared")

    with pytest.raises(RunDirectoryError, match=r"run cannot be made: No space left on device; ma"):
        work()


def test_of_a_run_that_cannot_be_made_nothing_is_left_in_the_way(tmp_path):
    def fail(directory):
        directory.new_segment("shared")
        raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        RunDirectory.making(tmp_path / "run", {}) as directory,
    ):
        fail(directory)

    assert [entry.name for entry in (tmp_path / "run").iterdir()] == ["lock"]
    assert RunDirectory.create(tmp_path / "run", {}).segments() == []


def test_two_who_make_one_run_do_not_mix(tmp_path):
    with (
        RunDirectory.making(tmp_path / "run", {"seed": 1}),
        pytest.raises(RunDirectoryError, match=f"in use by process {os.getpid()}"),
    ):
        RunDirectory.create(tmp_path / "run", {"seed": 2})

    assert RunDirectory.open(tmp_path / "run").read_run()["seed"] == 1


@pytest.mark.parametrize("inside", ["file", "file/x", "file/x/y"])
def test_a_place_that_takes_no_run_is_refused_with_the_reason(tmp_path, inside):
    (tmp_path / "file").touch()

    with pytest.raises(RunDirectoryError, match=rf"{inside} cannot be made: Not a directory; "):
        RunDirectory.create(tmp_path / inside, {})


def test_a_run_without_its_segments_is_refused(directory):
    (directory.path / "segments").rmdir()

    with pytest.raises(RunDirectoryError, match=r"run has no folder segments/, which keeps all "):
        directory.segments()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is not a run: it has no run.yaml"),
        ("[1, 2]", "has no number under 'format'|is not a run's file"),
        ("a: b: c", "is not YAML"),
        ("created: 2024-13-99", "is not YAML in UTF-8: month must be in 1..12"),
        (b"\xff", "is not YAML in UTF-8: .* can't decode byte 0xff"),
        (f"format: {FORMAT + 1}", f"has format {FORMAT + 1}, this SimLab reads up to {FORMAT}"),
    ],
)
def test_what_is_no_run_is_refused_in_words(tmp_path, text, said):
    if text is not None:
        (tmp_path / "run.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ConfigError, match=said):
        RunDirectory.open(tmp_path)


def test_a_run_file_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "run.yaml").mkdir()

    with pytest.raises(RunDirectoryError, match=r"run.yaml cannot be read: Is a directory; res"):
        RunDirectory.open(tmp_path)


def test_nothing_in_a_run_can_name_code_to_be_run(tmp_path):
    (tmp_path / "run.yaml").write_text("format: !!python/object/apply:os.getcwd []")

    with pytest.raises(RunDirectoryError, match="is not YAML"):
        RunDirectory.open(tmp_path)


def test_a_second_process_is_refused_naming_the_first(directory):
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with directory.locked():
                os.write(ready[1], b"!")
                os.read(done[0], 1)
        finally:
            os._exit(0)
    os.read(ready[0], 1)

    try:
        with (
            pytest.raises(RunDirectoryError, match=rf"in use by process {child}; wait for it"),
            directory.locked(),
        ):
            pass
    finally:
        os.write(done[1], b"!")
        os.waitpid(child, 0)

    with directory.locked():
        pass


def test_a_lock_ends_with_its_process(directory):
    def work():
        with directory.locked():
            kill_oneself()

    killed(work)

    with directory.locked():
        assert (directory.path / "lock").read_text() == str(os.getpid())


def test_interlab_31_epochs_only_grow_and_no_two_hosts_share_a_segment(directory):
    files = [directory.new_segment(host) for host in ("driver", "host-1", "driver")]

    assert [file.epoch for file in files] == [1, 2, 3]
    assert [file.path.name for file in files] == [
        "000001-driver.log", "000002-host-1.log", "000003-driver.log"
    ]  # fmt: skip
    assert directory.segments() == files
    assert directory.segment(2) == files[1]


@pytest.mark.parametrize(
    ("sealed", "missing", "name"),
    [
        (True, 1, "000001-a.log"),
        (True, 2, "000002-b.log"),
        (True, 3, "000003-c.log"),
        (False, 2, r"000002-\*.log"),
    ],
)
def test_a_segment_that_was_removed_is_told_by_name(directory, sealed, missing, name):
    files = [directory.new_segment(host) for host in "abc"]
    if sealed:
        directory.seal_all()
    files[missing - 1].path.unlink()

    for use in (directory.segments, directory.seal_all, lambda: directory.new_segment("d")):
        with pytest.raises(LogDamagedError, match=rf"segment {name} is missing .*; restore the fi"):
            use()


def test_the_number_in_the_name_of_a_segment_costs_nothing_however_large(directory):
    directory.new_segment("a")
    (directory.path / "segments" / "2000000-b.log").touch()

    tracemalloc.start()
    with pytest.raises(LogDamagedError, match=r"segment 000002-\*.log is missing"):
        directory.segments()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1 << 20


@pytest.mark.parametrize("name", ["9999999999-b", "²-b", "٣-b", "2-", "x-b", "2b", "-2-b"])
def test_what_is_not_named_as_a_segment_is_none(directory, name):
    directory.new_segment("a")
    (directory.path / "segments" / f"{name}.log").touch()

    assert [segment.epoch for segment in directory.segments()] == [1]


@pytest.mark.parametrize("host", ["../driver", "a/b", "", ".hidden", "a b", "-x", "é"])
def test_interlab_14_path_like_names_of_hosts_are_refused(directory, host):
    with pytest.raises(ValueError, match="a host is named by letters, digits"):
        directory.new_segment(host)

    assert directory.segments() == []


def test_an_epoch_that_nobody_was_given_is_unknown(directory):
    with pytest.raises(RunDirectoryError, match="has no segment of epoch 3"):
        directory.segment(3)


def test_a_seal_says_how_much_counts_and_sealing_twice_changes_nothing(directory):
    file = directory.new_segment("host-1")
    writer = SegmentWriter(file.path)
    writer.append(4, 0, b"counts")
    directory.seal(file, next_epoch=2)
    length = file.sealed_length()
    writer.append(4, 0, b"written by a host that does not know yet")

    directory.seal(file, next_epoch=3)
    directory.seal_all()

    assert file.sealed_length() == length
    assert [record.payload for record in file.open().records()] == [b"counts"]


def test_a_segment_that_holds_nothing_can_be_sealed(directory):
    file = directory.new_segment("host-1")

    directory.seal(file)

    assert file.sealed_length() == 0
    assert list(file.open().records()) == []


def test_a_commit_while_a_segment_is_sealed_is_counted_or_refused(directory, monkeypatch):
    file = directory.new_segment("host-1")
    writer = SegmentWriter(file.path, seal=file.seal)
    writer.append(4, 0, b"appended before")

    def measured(path):
        with pytest.raises(StaleEpochError):
            writer.sync()
        return Segment(path)

    monkeypatch.setattr(directory_module, "Segment", measured)
    directory.seal(file, next_epoch=2)

    monkeypatch.undo()
    assert [record.payload for record in file.open().records()] == [b"appended before"]


def test_a_seal_that_was_begun_is_finished(directory, monkeypatch):
    file = directory.new_segment("host-1")
    file.path.write_bytes(MAGIC)

    def fail(_path):
        raise OSError("the machine stops here")

    monkeypatch.setattr(directory_module, "Segment", fail)
    with pytest.raises(OSError, match="stops here"):
        directory.seal(file)
    monkeypatch.undo()
    assert file.sealed_length() is None

    directory.seal_all()

    assert file.sealed_length() == len(MAGIC)


def test_a_damaged_segment_is_not_sealed(directory):
    writer = open_writer(directory)
    for _ in range(2):
        writer.append(4, 0, b"record")
    writer.close()
    damaged = bytearray(writer.path.read_bytes())
    damaged[len(MAGIC)] ^= 1
    writer.path.write_bytes(damaged)

    with pytest.raises(LogDamagedError, match="000001-driver"):
        directory.seal_all()


def test_run_files_are_plain_yaml(directory):
    assert yaml.safe_load((directory.path / "run.yaml").read_text())["format"] == FORMAT
