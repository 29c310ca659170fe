"""Commands in processes of their own: runs that go on, and the app that watches them."""

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from simlab.errors import ControlError
from simlab.sim.control.client import ControlClient

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Watching:
    """An app that `simlab watch` has started.

    Attributes:
        process: Its own.
        link: The address that it has printed.
    """

    process: subprocess.Popen
    link: str

    @property
    def base(self):
        """Of the addresses of its pages."""
        return "/".join(self.link.split("/", 3)[:3])


@contextmanager
def running(path, *given):
    """A run that goes on; it listens when the block begins, unless it has ended."""
    with _process("run", *given, "--out", path, "--hosts", 0, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not _listens(path):
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
        yield process


@contextmanager
def watching(*given, **environment):
    """The app over runs."""
    with _process("watch", *given, stdout=subprocess.PIPE, **environment) as process:
        yield Watching(process, process.stdout.readline().strip())


@contextmanager
def _process(*given, stdout, **environment):
    """A command; told to end with the block, so that it leaves nothing behind."""
    command = [sys.executable, "-m", "simlab.cli", *map(str, given)]
    paths = {"PYTHONPATH": str(ROOT), **environment}
    process = subprocess.Popen(command, stdout=stdout, text=True, env={**os.environ, **paths})
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _listens(path):
    try:
        ControlClient(path).close()
    except ControlError:
        return False
    return True
