"""Live runs: what hosts on a Ray cluster say of the run that they are of, for whoever looks.

``python -m simlab.actors.live ADDRESS`` writes them as a line of JSON, again and again, until its
standard input is closed: whoever wants to know need not import Ray, nor outlive its troubles.
"""

import asyncio
import json
import select
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

NAMESPACE = "simlab"
"""Of the names of hosts in Ray; they are there as long as the hosts are."""

_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that has hosts on a cluster.

    Attributes:
        path: Of its directory, on the machine of its driver.
        machine: Name of that machine.
        pid: Of the driver, which holds the directory's lock.
        n_hosts: How many hosts it has there now.
    """

    path: str
    machine: str
    pid: int
    n_hosts: int = 0


def host_name(run: LiveRun, system: str, host: str, epoch: int) -> str:
    """What a host is called in Ray; no two are called the same."""
    return json.dumps([run.path, run.machine, run.pid, system, host, epoch])


def runs_of(names: Iterable[str]) -> list[LiveRun]:
    """The runs of hosts that are called so; names that are none of ours are passed over."""
    found = Counter(run for name in names if (run := _run_of(name)) is not None)
    return [LiveRun(run.path, run.machine, run.pid, n) for run, n in found.items()]


def _run_of(name: str) -> LiveRun | None:
    try:
        told = json.loads(name)
    except ValueError:
        return None
    if not isinstance(told, list) or len(told) != 6:
        return None
    path, machine, pid = told[:3]
    if not (isinstance(path, str) and isinstance(machine, str) and isinstance(pid, int)):
        return None
    return LiveRun(path, machine, pid)


def main() -> None:
    """Write the live runs of a cluster until nobody listens."""
    from simlab.actors.ray import live_runs  # imports Ray, which takes long
    from simlab.errors import ConfigError

    is_wanted = True
    while is_wanted:
        try:
            runs = asyncio.run(live_runs(sys.argv[1]))
            told: dict[str, object] = {"runs": [asdict(run) for run in runs]}
        except ConfigError as error:
            told = {"error": error.message}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        ready, _, _ = select.select([sys.stdin], [], [], _EVERY_S)
        is_wanted = not ready


if __name__ == "__main__":
    main()
