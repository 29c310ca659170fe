"""The order file of a run: all orders that it was given, and those that still hold."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from simlab.env.environment import Seat
from simlab.errors import RunDirectoryError
from simlab.sim.control.order import Order
from simlab.trace.disk import written

FILE = "orders.jsonl"


class _Line(msgspec.Struct, omit_defaults=True):
    """What a line holds.

    An order and its episode (None: all); or that one was refused, or that whoever had taken a seat
    by it has left; or, at the beginning of a branch, how many orders its parent was given.
    """

    order: dict[str, Any] | None = None
    episode: int | None = None
    holds: bool = False
    refused: str | None = None
    left: str | None = None
    n_orders: int = 0


@dataclass(frozen=True, slots=True)
class _Holding:
    order: Order
    episode: int | None


class OrderFile:
    """Keeps the orders of a run over the death of its driver.

    An order that waits for a step holds until an episode has recorded it, which knows it by its id:
    so a run that is gone on with gives all of them to its episodes again. A branch, whose episodes
    have recorded orders of its parent, counts on from there.

    Reading leaves the file as it is. A torn line at its end was acknowledged to nobody; the next
    one takes its place.

    Args:
        run: The run's directory.

    Raises:
        RunDirectoryError: The file is damaged, or a link.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / FILE
        self._holding: dict[str, _Holding] = {}
        self._left: set[str] = set()
        self._n_orders = 0
        self._size_bytes = 0
        self._read()

    def next_id(self) -> str:
        """The id of a new order."""
        return str(self._n_orders + 1)

    def add(self, order: Order, episode: int | None, *, holds: bool) -> None:
        """Keep an order before it is given to anybody.

        Args:
            order: Has the next id, or was kept before and is found to wait for a step.
            episode: To which it goes; None for all that are live or begin later.
            holds: Whether it may wait for a step.

        Raises:
            LogWriteError: The disk does not take it.
        """
        self._write(_Line(order.as_dict(), episode, holds))

    def refuse(self, order: Order) -> None:
        """Note that an order was refused, and holds of nothing."""
        self._write(_Line(refused=order.id))

    def leave(self, order: str) -> None:
        """Note that whoever has taken a seat by an order, or was to take it, has left."""
        self._write(_Line(left=order))

    def is_left(self, order: str) -> bool:
        """Whether whoever has taken a seat by an order has left."""
        return order in self._left

    def leases_of(self, episode: int, seat: Seat) -> list[str]:
        """The orders by which somebody has a seat, or is to have it, unless they are over."""
        found = [order for order in self.of(episode) if order.kind == "lease"]
        return [order.id for order in found if order.seat == seat]

    def edits_of(self, episode: int | None, seat: Seat) -> tuple[Order, ...]:
        """The edits of a seat that hold of an episode, in their order; None as in `of`."""
        found = self.of(episode)
        return tuple([order for order in found if (order.kind, order.seat) == ("edit", seat)])

    @property
    def models(self) -> dict[str, Any]:
        """The entries of the models that orders have added, by name."""
        return {
            name: entry
            for held in self._holding.values()
            for name, entry in held.order.args.get("models", {}).items()
        }

    def begin_branch(self, branch: Path, edits: Iterable[Order]) -> None:
        """Let a branch of this run count on from here.

        Args:
            branch: Its directory, in which there are no orders yet.
            edits: In the beginning that it shares with this run, as they hold in all its episodes;
                these have recorded them. Looked at only if this run was given orders.

        Raises:
            LogWriteError: The disk does not take it.
        """
        if self._n_orders:
            file = OrderFile(branch)
            file._write(_Line(n_orders=self._n_orders))
            for edit in edits:
                file.add(edit, None, holds=True)

    def of(self, episode: int | None) -> tuple[Order, ...]:
        """The orders that hold of an episode, in their order; it may have recorded some.

        Args:
            episode: Its number; None for those that hold of all.
        """
        return tuple([h.order for h in self._holding.values() if h.episode in (None, episode)])

    def _take(self, line: _Line) -> None:
        self._n_orders = max(self._n_orders, line.n_orders)
        if line.refused is not None:
            self._holding.pop(line.refused, None)
            is_last = line.refused == str(self._n_orders)
            if is_last and line.refused not in self._left:  # whose ids are not given again
                self._n_orders -= 1  # a bad command leaves no trace in any digest
        elif line.left is not None:
            self._holding.pop(line.left, None)
            self._left.add(line.left)
        elif line.order is not None:
            order = Order.of(line.order)
            self._n_orders = max(self._n_orders, int(order.id))
            if line.holds:
                self._holding[order.id] = _Holding(order, line.episode)

    def _write(self, line: _Line) -> None:
        encoded = msgspec.json.encode(line) + b"\n"
        with written(self._path), self._path.open("ab") as file:
            file.truncate(self._size_bytes)
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
        self._size_bytes += len(encoded)
        self._take(line)

    def _read(self) -> None:
        """Take the whole lines.

        A directory from a stranger could lead by a link to any other file, which would be cut.
        """
        if self._path.is_symlink():
            raise RunDirectoryError(
                f"{self._path} must be a file of the run, got a link; remove it"
            )
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        self._size_bytes = len(whole)
        try:
            for line in whole.splitlines():
                self._take(msgspec.json.decode(line, type=_Line))
        except (msgspec.DecodeError, KeyError, ValueError, TypeError) as error:
            raise RunDirectoryError(
                f"{self._path} is damaged: {error}; restore it from a copy"
            ) from error
