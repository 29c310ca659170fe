"""A world that kills or stops a process, once, when its own has written so many records.

Run files of tests name it ``tests/sim/killing.py:KillingCarSale``; the rest is the bundled world.
"""

import os
import signal
from pathlib import Path

from simlab.env.car_sale import CarSale
from simlab.trace.writer import SegmentWriter

_append = SegmentWriter.append
_plans: list["_Plan"] = []


class _Plan:
    """Signal a process at this one's nth record, if none has been signalled for this plan yet."""

    def __init__(self, token: Path, at: int, with_signal: int, victim: Path | None) -> None:
        self.token = token
        self.left = at
        self.signal = with_signal
        self.victim = victim

    def count(self) -> None:
        self.left -= 1
        if self.left == 0:
            pid = int(self.victim.read_text()) if self.victim else os.getpid()
            if self._is_first(pid):
                os.kill(pid, self.signal)

    def _is_first(self, pid: int) -> bool:
        try:
            with self.token.open("x") as file:
                file.write(str(pid))
        except FileExistsError:
            return False
        return True


def _counted_append(self: SegmentWriter, kind: int, episode: int, payload: bytes) -> None:
    _append(self, kind, episode, payload)
    for plan in _plans:
        plan.count()


class KillingCarSale(CarSale):
    """The car sale, in which somebody dies.

    Args:
        token: A file that says who was signalled; beside it, `players` lists all processes in which
            the world was made.
        kill_at: At which record; 0 never.
        kill_with: The signal.
        victim: A file that says who is signalled; empty for the process that counts.
        options: Of the car sale.
    """

    def __init__(
        self,
        *,
        token: str = "",
        kill_at: int = 0,
        kill_with: int = signal.SIGKILL,
        victim: str = "",
        **options: object,
    ) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        if kill_at and not any(plan.token == Path(token) for plan in _plans):
            _plans.append(_Plan(Path(token), kill_at, kill_with, Path(victim) if victim else None))
            SegmentWriter.append = _counted_append  # type: ignore[method-assign]
            with Path(token).with_name("players").open("a") as players:
                players.write(f"{os.getpid()}\n")
