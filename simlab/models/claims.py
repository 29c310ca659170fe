"""Claims: what each replica takes of a machine, and whether a cluster has room for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simlab.errors import ConfigError
from simlab.models.embedder import AnyModel
from simlab.models.engines import ModelSpec, build
from simlab.models.held import Held


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of a cluster: resources by Ray's names, memory in bytes."""

    has: Mapping[str, float]
    free: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one replica takes of the machine that it is on; one on GPUs claims no other memory."""

    gpus: float = 0
    cpus: float = 0
    memory_bytes: int = 0

    def resources(self) -> dict[str, float]:
        """What is claimed, by Ray's names."""
        claimed = {"GPU": self.gpus, "CPU": self.cpus, "memory": self.memory_bytes}
        return {kind: each for kind, each in claimed.items() if each}


def claim_of(name: str, spec: ModelSpec, machines: Sequence[Machine]) -> Claim:
    """What one replica of a model takes of a cluster.

    GPUs that its file does not speak of are as many as its engine computes on, where there are any.

    Raises:
        ConfigError: The file claims other GPUs than the engine computes on.
    """
    model = build(name, spec)
    n_gpus = model.gpus() if isinstance(model, Held) else None
    gpus = spec.num_gpus
    if gpus is None:
        gpus = n_gpus or 0 if any(machine.has.get("GPU") for machine in machines) else 0
    elif gpus and n_gpus is not None and math.ceil(gpus) != n_gpus:
        raise ConfigError(
            f"models.{name}.num_gpus must be as many as engine {spec.engine!r} computes on, which "
            f"with these options is {n_gpus!r}, got {gpus!r}; leave it out"
        )
    return Claim(gpus, spec.num_cpus, 0 if gpus else _memory_bytes(model))


def check_room(name: str, claim: Claim, n_replicas: int, machines: Sequence[Machine]) -> None:
    """See that machines have what replicas claim: Serve would wait for it for ever.

    All replicas claim the same, so they fit if the machines together have room for so many.

    Raises:
        ConfigError: They have not; says how much is wanted and how much is there.
    """
    claimed = claim.resources()
    for kind, each in claimed.items():
        if _room({kind: each}, machines) < n_replicas:
            raise ConfigError(f"models.{name}: {_shortage(kind, each, n_replicas, machines)}")
    if claimed and (room := _room(claimed, machines)) < n_replicas:
        raise ConfigError(
            f"models.{name}: {n_replicas} replicas want {claimed!r} each on one machine, and those "
            f"of the cluster have room for {room}; ask for fewer or join a larger cluster"
        )


def _memory_bytes(model: AnyModel) -> int:
    return model.memory_bytes() if isinstance(model, Held) else 0


def _room(claimed: Mapping[str, float], machines: Sequence[Machine]) -> int:
    """How many replicas fit, each whole on one machine."""
    return sum(
        min(int(machine.free.get(kind, 0) / each + 1e-6) for kind, each in claimed.items())
        for machine in machines
    )


def _shortage(kind: str, each: float, n_replicas: int, machines: Sequence[Machine]) -> str:
    unit, word, digits = (2**30, "GiB of memory", ".1f") if kind == "memory" else (1, kind, "g")

    def told(amount: float) -> str:
        return format(amount / unit, digits)

    has = told(sum(machine.has.get(kind, 0) for machine in machines))
    free = ", ".join(told(machine.free.get(kind, 0)) for machine in machines) or "0"
    return (
        f"{n_replicas} replicas of {told(each)} {word} want {told(n_replicas * each)}, each whole "
        f"on one machine, and the cluster has {has}, of which {free} are free by machine; ask for "
        f"fewer{', take a dtype of 16 bits,' if kind == 'memory' else ''} or join a larger cluster"
    )
