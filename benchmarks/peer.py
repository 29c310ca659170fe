"""Peers: other libraries, each in a virtual environment of its own, measured in the same run.

Their versions are fixed in ``benchmarks/peers/NAME.txt``; what measures them is the module
``benchmarks/peers/MODULE.py``, which runs under their Python and imports nothing of SimLab's.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Figures
from benchmarks.report import progress

ROOT = Path(__file__).parents[1]
"""Of the repository."""

ENVIRONMENTS = ROOT / ".peers"
"""Where peers are installed; not under version control."""

INSTALL_LIMIT_S = 900
"""An installation that takes longer is given up."""


class PeerUnavailableError(Exception):
    """A peer cannot be installed or does not run here."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another library, and the module that measures it.

    Attributes:
        name: On PyPI; its versions are in ``peers/NAME.txt``.
        module: In ``benchmarks.peers``; prints its figures as one JSON object in its last line.
        arguments: Of the module.
        installed: True: SimLab's own environment has it.
        limit_s: A measurement that takes longer is given up.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    installed: bool = False
    limit_s: float = 400.0

    def figures(self) -> Figures:
        """What its module measures; ``unavailable`` says why if there is nothing."""
        try:
            python = Path(sys.executable) if self.installed else self._install()
            return self._run(python)
        except PeerUnavailableError as error:
            progress(f"{self.name} is not available: {error}")
            return {"unavailable": str(error)}

    def _install(self) -> Path:
        """Its Python, in an environment that holds exactly what its list of versions says."""
        environment = ENVIRONMENTS / self.name
        versions = Path(__file__).parent / "peers" / f"{self.name}.txt"
        installed = environment / "installed.txt"
        python = environment / "bin" / "python"
        if installed.exists() and installed.read_text() == versions.read_text():
            return python
        progress(f"installing {self.name} into {environment}")
        shutil.rmtree(environment, ignore_errors=True)
        _call([sys.executable, "-m", "venv", str(environment)], INSTALL_LIMIT_S)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _call([*pip, "--no-deps", "--requirement", str(versions)], INSTALL_LIMIT_S)
        shutil.copy(versions, installed)
        return python

    def _run(self, python: Path) -> Figures:
        module = f"benchmarks.peers.{self.module}"
        lines = _call([str(python), "-m", module, *self.arguments], self.limit_s).splitlines()
        if not lines:
            raise PeerUnavailableError(f"{module} printed nothing, expected one JSON object")
        figures: Figures = json.loads(lines[-1])
        return figures


def _call(command: list[str], limit_s: float) -> str:
    """What a command prints.

    Raises:
        PeerUnavailableError: It fails, or takes too long.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        start_new_session=True,  # so that what it started can be ended with it
    ) as process:
        try:
            said, complaints = process.communicate(timeout=limit_s)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise PeerUnavailableError(f"no end of {command[2:]!r} within {limit_s:g} s") from error
    if process.returncode:
        last = [line for line in complaints.splitlines() if line.strip()] or ["nothing"]
        raise PeerUnavailableError(f"{command[2:]!r} exited with {process.returncode}: {last[-1]}")
    return said
