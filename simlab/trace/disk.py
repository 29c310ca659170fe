"""The disk: files that are whole after any crash, and words for what cannot be had of it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from simlab.errors import LogWriteError, RunDirectoryError

_T = TypeVar("_T")

_REMEDY = "free the disk and go on with --resume"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that after any crash it is the old one or the new one, whole.

    Raises:
        LogWriteError: The disk does not take it; the old one stays.
    """
    with written(path):
        with replacing(path) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync(path.parent)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of another once the block has come to its end.

    Until then it stands beside it under a name of its own, so that of several writers each puts
    its own there, whole; if the block fails, it goes.

    Args:
        path: Of the file that is replaced, if it is there; a link is replaced, not followed.

    Raises:
        OSError: The disk does not take it.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with new_file(partial) as file:
            yield file
        partial.rename(path)
    except BaseException:
        with suppress(OSError):  # what went wrong is what is told
            partial.unlink(missing_ok=True)
        raise


def is_left_of(name: str, whole: str) -> bool:
    """Whether a file has the name of one that was to replace another, of which it has the name.

    It is left where a process is killed; see `replacing`.
    """
    return name.startswith(f"{whole}.") and name.endswith(".partial")


def new_file(path: Path) -> BinaryIO:
    """A file that nobody has made before, for writing.

    No link is followed: a directory from a stranger could lead what is written to any other file.

    Raises:
        OSError: The disk does not take it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def read_json(
    path: Path,
    kind: type[_T],
    *,
    strict: bool = True,
    said: str = "",
    remedy: str = "restore it from a copy",
) -> _T | None:
    """What a file of JSON says; None if there is no such file.

    Args:
        path: Of the file.
        kind: What stands in it.
        strict: False: numbers may stand there as texts.
        said: What an error says first; by default that the file cannot be read.
        remedy: What an error says is to be done.

    Raises:
        RunDirectoryError: It cannot be read, or something else stands in it.
    """
    with readable(said or f"{path} cannot be read", remedy=remedy):
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind, strict=strict)
        except FileNotFoundError:
            return None


def sync(path: Path) -> None:
    """Make a file durable, or the names in a folder.

    Raises:
        OSError: The disk does not take it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written(what: Path | str, *, remedy: str = _REMEDY) -> Iterator[None]:
    """Say what could not be written, where the operating system refuses it within the block.

    Args:
        what: What is written.
        remedy: What is to be done.

    Raises:
        LogWriteError: It was refused.
    """
    try:
        yield
    except OSError as error:
        raise write_error(what, error, remedy=remedy) from error


@contextmanager
def readable(said: str, *, remedy: str = "restore it from a copy") -> Iterator[None]:
    """Say what cannot be read, where a file is refused within the block or is not what it should.

    Args:
        said: What the error says first.
        remedy: What it says is to be done.

    Raises:
        RunDirectoryError: It was refused; says why.
    """
    try:
        yield
    except (OSError, ValueError, RecursionError, msgspec.DecodeError) as error:
        raise RunDirectoryError(f"{said}: {reason_of(error)}; {remedy}") from error


@contextmanager
def made(path: Path) -> Iterator[None]:
    """Say that a run's directory could not be made, where the system refuses it within the block.

    Raises:
        RunDirectoryError: It was refused; says why.
    """
    try:
        yield
    except (OSError, LogWriteError) as error:
        raise make_error(path, error) from error


def make_error(path: Path, error: OSError | LogWriteError) -> RunDirectoryError:
    """The error that says that a run's directory could not be made; see `made`."""
    return RunDirectoryError(
        f"{path} cannot be made: {reason_of(error)}; make room for it, or choose another place by "
        "--out"
    )


def write_error(what: Path | str, error: OSError, *, remedy: str = _REMEDY) -> LogWriteError:
    """The error that says what could not be written; see `written`."""
    return LogWriteError(
        f"{what} cannot be written: {reason_of(error)}; what was committed stays, so {remedy}"
    )


def reason_of(error: BaseException) -> str:
    """Why the operating system refuses something: from its error, or one that it has caused."""
    while not isinstance(error, OSError) and error.__cause__ is not None:
        error = error.__cause__
    number = error.errno if isinstance(error, OSError) else None
    return str(error) if number is None else os.strerror(number)
