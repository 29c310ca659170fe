"""Watching in notebooks: the app of one run, inline, in a process of its own."""

import atexit
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Self

from simlab.errors import ConfigError

_FRAME = (
    '<p><a href="{address}" target="_blank" rel="noopener">open {name} in a tab</a></p>'
    '<iframe src="{address}" title="{name}" style="width:100%;height:{height}px;border:1px solid '
    '#8884;border-radius:8px" onload="{onload}"></iframe>'
)

_SAME_NAME = (
    "const own = location.hostname; const url = new URL(this.src); "
    "if (own === 'localhost' && url.hostname !== own) { url.hostname = own; this.src = url }"
)
"""Browsers send no cookies to a frame of another site, as 127.0.0.1 is to localhost."""


class Watch:
    """The app on a run, shown where a notebook shows the value of a cell.

    It goes on until `close`, or until this process ends.

    Attributes:
        address: To open it in a browser; whoever has it may see and steer the run.

    Args:
        run: Its directory.
        height: Of the frame in a notebook, in pixels.

    Raises:
        ConfigError: It cannot be started; says why.
    """

    def __init__(self, run: Path, *, height: int = 720) -> None:
        self._run = run
        self._height = height
        command = [sys.executable, "-m", "simlab.cli", "watch", str(run)]
        with tempfile.TemporaryFile("w+") as errors:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            atexit.register(self.close)
            assert self._process.stdout is not None, "it is a pipe"
            self.address = self._process.stdout.readline().strip()
            if not self.address:
                self.close()
                errors.seek(0)
                raise ConfigError(f"{run} cannot be watched: {errors.read().strip()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the app; the run goes on."""
        atexit.unregister(self.close)
        self._process.terminate()
        self._process.communicate()

    def _repr_html_(self) -> str:
        return _FRAME.format(
            address=escape(self.address),
            name=escape(self._run.name),
            height=self._height,
            onload=escape(_SAME_NAME),
        )

    def __repr__(self) -> str:
        return f"<Watch {self._run} at {self.address}>"
