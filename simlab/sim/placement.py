"""Placement: on which host an episode is played, and which epochs of hosts were lost."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from simlab.trace.directory import RunDirectory
from simlab.trace.log import committed_in


class Placement:
    """Knows the epoch and the load of each host of a run, and chooses among them.

    Args:
        directory: Of the run, which keeps a segment for each host and epoch.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory
        self._load: Counter[str] = Counter()
        self._epochs: dict[str, int] = {}
        self._committed: dict[int, set[int]] = {}
        self._replaced = asyncio.Event()

    def epoch_of(self, host: str) -> int:
        """The epoch that a host is in."""
        return self._epochs[host]

    def committed_in(self, epoch: int) -> set[int] | None:
        """The episodes that have committed anything in an epoch that was lost; None in others."""
        return self._committed.get(epoch)

    def lose(self, epoch: int) -> None:
        """Seal what a host has written that has died, before anyone goes on from it."""
        segment = self._directory.segment(epoch)
        self._directory.seal(segment)
        self._committed[epoch] = committed_in(segment)

    def replace(self, host: str, epoch: int) -> None:
        """A host has been started anew."""
        self._epochs[host] = epoch
        self._replaced.set()

    async def choose(self, hosts: Iterable[str], after: int) -> str:
        """The host with the least to do, among those that were started after an epoch.

        An episode moves to later epochs only, so that its records are in the order of epochs.
        """
        while True:
            epochs = {host: self._epochs[host] for host in hosts}
            fit = [
                h for h, epoch in epochs.items() if epoch > after and epoch not in self._committed
            ]
            if fit:
                return min(fit, key=lambda host: (self._load[host], host))
            self._replaced.clear()
            await self._replaced.wait()

    @contextmanager
    def loaded(self, host: str) -> Iterator[None]:
        """Within the block a host has an episode more to play."""
        self._load[host] += 1
        try:
            yield
        finally:
            self._load[host] -= 1

    def new_epoch(self, host: str) -> int:
        """The epoch of a host that is about to start, and its segment.

        Hosts of dedicated actors bear these actors' names, which no file need take.
        """
        file_safe = re.sub(r"[^A-Za-z0-9_.-]", "-", host)
        epoch = self._directory.new_segment(file_safe).epoch
        self._epochs.setdefault(host, epoch)
        return epoch
