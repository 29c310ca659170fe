"""Append-only files: what the writer of a segment needs of an operating system."""

import os
from pathlib import Path


class AppendFile:
    """A file that is written at its end only; made if it is not there.

    Args:
        path: Where; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, data: bytes) -> None:
        """Hand bytes to the operating system, where they outlive this process.

        Raises:
            OSError: They, or some of them, were not taken.
        """
        written = os.write(self._descriptor, data)
        while written < len(data):
            written += os.write(self._descriptor, data[written:])

    def sync(self) -> None:
        """Wait until all that was written would outlive the machine.

        Raises:
            OSError: It would not; what was written since the sync before may be lost.
        """
        os.fdatasync(self._descriptor)

    def cut(self, length: int) -> None:
        """Drop what stands behind the first `length` bytes, for good."""
        os.ftruncate(self._descriptor, length)
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Give the file back; it is not synced."""
        os.close(self._descriptor)
