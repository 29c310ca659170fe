"""Exits: how a command ends that cannot do what it was asked, and what it says then."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from simlab.errors import ConfigError, LogWriteError, SimlabError


@contextmanager
def failures_told() -> Iterator[None]:
    """Tell errors in one sentence each, and exit with what they mean.

    That is 2 for what was given and cannot be run, and 1 for what failed.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # for what the terminal has no letters for
    try:
        yield
    except (ConfigError, LogWriteError) as error:
        _exit(error, 2)
    except OSError as error:
        if error.filename is None:  # not of a file: a bug, or a pipe that was closed
            raise
        _exit(_unusable(error), 2)
    except SimlabError as error:
        _exit(error, 1)


def _unusable(error: OSError) -> ConfigError:
    told = ConfigError(
        f"{error.filename} cannot be used: {error.strerror}; see that it is there and that you may "
        "read and write it"
    )
    told.__cause__ = error
    return told


def _exit(error: SimlabError, code: int) -> NoReturn:
    print(f"simlab: {error.message}", file=sys.stderr)
    raise SystemExit(code) from error
