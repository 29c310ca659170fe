"""What a world is set up with, checked where it is given."""

from collections.abc import Collection, Mapping
from typing import Any


def at_least(name: str, value: Any, least: int) -> int:
    """`value`, which is a whole number and not under `least`.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return value


def flag(name: str, value: Any) -> bool:
    """`value`, which is True or False.

    Raises:
        ValueError: It is neither; ``"no"`` is neither as well.
    """
    if value is not True and value is not False:
        raise ValueError(f"{name} must be true or false, got {value!r}")
    return value


def words(name: str, value: Any) -> str:
    """`value`, which is text of at least one letter.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be text that is not empty, got {value!r}")
    return value


def one_of(name: str, value: Any, choices: Collection[str]) -> str:
    """`value`, which is one of `choices`.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {tuple(choices)!r}, got {value!r}")
    return value


def episode_options(options: Mapping[str, Any] | None, known: Collection[str]) -> dict[str, Any]:
    """The options of one episode, all of which the world knows.

    Raises:
        ValueError: One of them is unknown; an option that nobody reads is a mistake.
    """
    for name in options or {}:
        if name not in known:
            expected = f"one of {tuple(known)!r}" if known else "none"
            raise ValueError(f"an episode's options: expected {expected}, got {name!r}")
    return dict(options or {})
