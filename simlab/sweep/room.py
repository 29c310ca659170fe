"""Room: whether a cluster has what a sweep needs, seen before anything is started.

Whatever is claimed is claimed by replicas and by the trainer; trials and hosts claim nothing. So
once these have what they need, no trial can wait for it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simlab.errors import ConfigError
from simlab.models.claims import Claim, Machine, claim_of
from simlab.models.serving import shared_app
from simlab.sim.config import RunFile
from simlab.sim.service import served_specs
from simlab.sweep.swept import Base, is_served


@dataclass(frozen=True, slots=True)
class Need:
    """What part of a sweep claims.

    Attributes:
        what: In words.
        claim: Of each of them.
        count: How many there are.
    """

    what: str
    claim: Claim
    count: int = 1


def needs_of_models(
    files: Sequence[RunFile], up: Sequence[str], machines: Sequence[Machine]
) -> list[Need]:
    """What the replicas of the models of files claim, those aside that are up already.

    Args:
        files: Of trials; models of equal options share their replicas.
        up: Names of the apps that are there.
        machines: Of the cluster.
    """
    needs: dict[str, Need] = {}
    for file in files:
        for name, spec in served_specs(file).items() if is_served(file) else ():
            app, count = shared_app(spec), spec.replicas or 1
            if app not in up and (app not in needs or needs[app].count < count):
                needs[app] = Need(f"models.{name}", claim_of(name, spec, machines), count)
    return list(needs.values())


def gpus_of_trainer(bases: Sequence[Base], share: float, machines: Sequence[Machine]) -> float:
    """How many GPUs the trainer claims.

    Args:
        bases: What it trains; none without a trainer.
        share: What it claims if it computes on any.
        machines: Of the cluster.
    """
    has = any(machine.has.get("GPU") for machine in machines)
    wants = any(base.device.startswith("cuda") or (has and base.device == "auto") for base in bases)
    return share if wants else 0.0


def check_room_for(needs: Sequence[Need], machines: Sequence[Machine]) -> None:
    """See that a cluster has all that parts of a sweep claim together.

    Raises:
        ConfigError: It has not; gives the sum, and says what to set.
    """
    wanted: defaultdict[str, float] = defaultdict(float)
    for need in needs:
        for kind, each in need.claim.resources().items():
            wanted[kind] += each * need.count
    for kind, amount in wanted.items():
        free = sum(machine.free.get(kind, 0) for machine in machines)
        if amount > free + 1e-6:
            has = sum(machine.has.get(kind, 0) for machine in machines)
            parts = " + ".join(_parts(needs, kind))
            raise ConfigError(
                f"the sweep needs {_told(kind, amount)} ({parts}), and the cluster has "
                f"{_told(kind, has)}, of which {_told(kind, free)} are free; set fewer replicas or "
                f"{'a smaller share by num_gpus and trainer_gpus' if kind == 'GPU' else 'less'}, "
                "or join a larger cluster"
            )


def _parts(needs: Sequence[Need], kind: str) -> Iterator[str]:
    for need in needs:
        each = need.claim.resources().get(kind)
        if each:
            count = f"{need.count} x " if need.count > 1 else ""
            yield f"{need.what}: {count}{_told(kind, each)}"


def _told(kind: str, amount: float) -> str:
    return f"{amount / 2**30:.1f} GiB of memory" if kind == "memory" else f"{amount:g} {kind}"
