"""A world that kills or stops its process, once, when that has written so many records.

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
    """Signal this process at its nth record, if none has been signalled for this plan yet."""

    def __init__(self, token: Path, at: int, with_signal: int) -> None:
        self.token = token
        self.left = at
        self.signal = with_signal

    def count(self) -> None:
        self.left -= 1
        if self.left == 0 and self._is_first():
            os.kill(os.getpid(), self.signal)

    def _is_first(self) -> bool:
        try:
            with self.token.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return False
        return True


def _counted_append(self: SegmentWriter, kind: int, episode: int, payload: bytes) -> None:
    _append(self, kind, episode, payload)
    for plan in _plans:
        plan.count()


class KillingCarSale(CarSale):
    """The car sale; `token` is a file that says who was signalled, `kill_at` at which record."""

    def __init__(
        self,
        *,
        token: str = "",
        kill_at: int = 0,
        kill_with: int = signal.SIGKILL,
        **options: object,
    ) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        if kill_at and not any(plan.token == Path(token) for plan in _plans):
            _plans.append(_Plan(Path(token), kill_at, kill_with))
            SegmentWriter.append = _counted_append  # type: ignore[method-assign]
