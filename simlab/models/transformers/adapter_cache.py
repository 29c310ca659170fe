"""The adapters that an engine keeps in memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from simlab.models.transformers.adapter import Adapter


class AdapterCache:
    """Adapters by their folders, the latest used of them; safe to ask from any thread.

    One that was dropped is read again when it is asked for, and so answers as before: a folder
    never changes. Whoever computes with one that is dropped meanwhile goes on with it.

    Args:
        read: Reads the adapter of a folder.
        capacity: The most that are kept; at least 1.
    """

    def __init__(self, read: Callable[[str], Adapter], capacity: int) -> None:
        self._read = read
        self._capacity = capacity
        self._kept: OrderedDict[str, Adapter] = OrderedDict()
        self._changing = threading.Lock()
        self._reading = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the adapters that are kept, the latest used last."""
        with self._changing:
            return tuple(adapter.name for adapter in self._kept.values())

    def find(self, path: str) -> Adapter | None:
        """The adapter of a folder, if it is kept."""
        with self._changing:
            if path in self._kept:
                self._kept.move_to_end(path)
            return self._kept.get(path)

    def open(self, path: str) -> Adapter:
        """The adapter of a folder, read if it is not kept; blocks. Two calls at once read it once.

        Raises:
            ModelError: The folder holds no adapter that fits.
        """
        with self._reading:
            adapter = self.find(path) or self._read(path)
            with self._changing:
                self._kept[path] = adapter
                if len(self._kept) > self._capacity:
                    self._kept.popitem(last=False)
        return adapter
