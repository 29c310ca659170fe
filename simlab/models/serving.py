"""Serving models: what a cluster serves, under which names, and who may use it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from simlab.find import content_of
from simlab.models.engines import ModelSpec, build
from simlab.models.held import EngineStatistics, Held
from simlab.models.weights import fingerprint

PREFIX = "simlab-"
"""Names of apps that SimLab starts begin so."""

RUNNING = "RUNNING"
"""The state of an app that answers."""


@dataclass(frozen=True, slots=True)
class App:
    """An app of Ray Serve: one model and its replicas.

    Attributes:
        name: Unique in the cluster.
        state: ``RUNNING``, ``DEPLOYING``, ``DEPLOY_FAILED``, ``UNHEALTHY`` or ``DELETING``.
        n_replicas: How many replicas it has.
        message: What Serve says of it, such as why it is ``UNHEALTHY``.
    """

    name: str
    state: str
    n_replicas: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class ReplicaStatistics:
    """What a replica is busy with.

    Attributes:
        pid: Of its process.
        running: Calls that have no answer yet.
        engine: What its engine tells; None for models without one.
        model: What the model was called where it was started.
    """

    pid: int
    running: int
    engine: EngineStatistics | None = None
    model: str = ""


class Server(Protocol):
    """Where apps are started."""

    async def start(self, app: str, name: str, spec: ModelSpec) -> int:
        """Serve a model, and wait until it answers.

        Args:
            app: A name that no app has yet: Serve would start all replicas of one anew.
            name: Of the model, for messages.
            spec: Of the model.

        Returns:
            How many replicas there are.

        Raises:
            ConfigError: The cluster has not what they need, or they do not start; says why.
        """
        ...

    async def stop(self, app: str) -> None:
        """End an app and its replicas, if it is there."""
        ...

    async def apps(self) -> list[App]:
        """All apps of the cluster, by name."""
        ...

    async def statistics(self, app: App) -> list[ReplicaStatistics | None]:
        """What each replica of an app is busy with, by number; None of one that does not answer."""
        ...


def shared_app(spec: ModelSpec) -> str:
    """The name of the app that all runs of a cluster share for models that answer alike.

    Those have equal options, and equal contents of their weights and of the files that they name:
    what was overwritten since is another model. How many replicas it has, and what the model is
    called, is nothing to those who ask it.

    Raises:
        ConfigError: Weights are not there.
    """
    options = spec.model_dump(mode="json", exclude={"replicas", "adapter"})
    encoded = msgspec.json.encode([options, *_contents(spec)], order="deterministic")
    return PREFIX + hashlib.blake2b(encoded, digest_size=6).hexdigest()


def own_app(shared: str, owner: str) -> str:
    """The name of an app for one owner alone, such as a run by its directory.

    Args:
        shared: What `shared_app` gives for the model.
        owner: Tells it from others.
    """
    digest = hashlib.blake2b(owner.encode(), digest_size=6).hexdigest()
    return f"{shared}-{digest}"


def _contents(spec: ModelSpec) -> Iterator[str]:
    """What tells a model's weights and files from others, as `run.yaml` does."""
    model = build("served", spec)
    if isinstance(model, Held):
        yield fingerprint(model.folder())
    for value in (spec.engine, *spec.options.values()):
        file = value.rpartition(":")[0] if isinstance(value, str) else ""
        if file.endswith(".py"):
            yield content_of(Path(file))
