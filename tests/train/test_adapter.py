"""Adapter folders: whole or not there, and never changed."""

import os

import pytest

from simlab.errors import ConfigError, LogWriteError
from simlab.models.weights import fingerprint
from simlab.train.adapter import (
    AdapterRecord,
    check_base,
    publishing,
    read_record,
    write_record,
)


def publish(folder, base="base", words="tensors"):
    with publishing(folder) as made:
        (made / "adapter_model.safetensors").write_text(words)
        write_record(made, AdapterRecord(base, options={"loss": "sft"}))


def publish_half(folder):
    """End as a process does that is killed while it writes."""
    with publishing(folder) as made:
        (made / "junk").write_text("half")
        raise KeyboardInterrupt


def test_train_19_nothing_is_visible_until_all_of_it_is_durable(tmp_path, monkeypatch):
    folder = tmp_path / "agent@1"
    synced = []

    def fsync(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        assert not folder.exists() or synced[-1] == str(tmp_path)

    monkeypatch.setattr(os, "fsync", fsync)
    publish(folder)

    names = [os.path.relpath(path, tmp_path) for path in synced]
    assert sorted(names[:2]) == [
        "agent@1.tmp/adapter.json",
        "agent@1.tmp/adapter_model.safetensors",
    ]
    assert names[2:] == ["agent@1.tmp", "."]


def test_train_19_what_a_killed_process_has_left_is_thrown_away(tmp_path):
    folder = tmp_path / "agent@1"
    with pytest.raises(KeyboardInterrupt):
        publish_half(folder)
    assert not folder.exists()

    publish(folder)

    assert {path.name for path in folder.iterdir()} == {
        "adapter.json",
        "adapter_model.safetensors",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["agent@1"]


def test_a_version_is_never_written_again(tmp_path):
    publish(tmp_path / "agent@1")
    before = fingerprint(tmp_path / "agent@1", whole=True)

    with pytest.raises(ConfigError, match="is there already, and a version never changes"):
        publish(tmp_path / "agent@1", words="others")

    assert fingerprint(tmp_path / "agent@1", whole=True) == before


def test_the_files_of_a_version_can_only_be_read(tmp_path):
    publish(tmp_path / "agent@1")

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "agent@1").iterdir()}
    assert modes == {0o444}


def test_the_digest_of_a_folder_follows_from_its_files(tmp_path):
    for name, words in (("agent@1", "tensors"), ("agent@2", "tensors"), ("agent@3", "others")):
        publish(tmp_path / name, words=words)

    first, second, third = (fingerprint(tmp_path / f"agent@{n}", whole=True) for n in (1, 2, 3))
    assert first == second
    assert first != third


def test_where_an_adapter_comes_from_is_read_as_it_was_written(tmp_path):
    publish(tmp_path / "agent@1")

    assert read_record(tmp_path / "agent@1") == AdapterRecord("base", options={"loss": "sft"})


def test_an_adapter_of_another_base_is_refused(tmp_path):
    publish(tmp_path / "agent@1", base="one")

    check_base(tmp_path / "agent@1", "one")
    with pytest.raises(ConfigError, match="must be of the weights that are trained, 'other'"):
        check_base(tmp_path / "agent@1", "other")


def test_an_adapter_of_others_says_nothing_of_its_base(tmp_path):
    assert read_record(tmp_path) is None
    check_base(tmp_path, "any")


def test_an_adapter_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="must be a folder in PEFT's format, and there is none"):
        check_base(tmp_path / "agent@1", "base")


def test_a_record_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "adapter.json").write_text("{")

    with pytest.raises(ConfigError, match=r"must have a readable adapter\.json"):
        read_record(tmp_path)


def test_a_place_that_takes_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(LogWriteError, match="cannot be written"):
        publish(tmp_path / "file" / "agent@1")
