"""Alive: which process holds a run, found out without touching its lock."""

import os
from pathlib import Path

_LOCKS = Path("/proc/locks")


def holder_of(run: Path) -> int | None:
    """The id of the process of this machine that runs it, or None.

    The lock is not tried: to hold it for an instant would refuse a process that begins just then.
    Where the system lists who holds locks, that is taken; else that the process is there which the
    lock names.
    """
    lock = run / "lock"
    try:
        said = lock.read_bytes()[:32] if lock.is_file() and not lock.is_symlink() else b""
        inode = lock.stat().st_ino if said else 0
    except OSError:
        return None
    if not said.strip().isdigit():
        return None
    pid = int(said)
    listed = _listed(inode)
    return pid if (_is_there(pid) if listed is None else pid in listed) else None


def _listed(inode: int) -> set[int] | None:
    """Who holds locks of a file, where the system lists them."""
    try:
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return None
    fields = [line.split() for line in lines]
    return {
        int(parts[-4])
        for parts in fields
        if parts[1] == "FLOCK" and parts[-3].rpartition(":")[2] == str(inode)
    }


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
