"""Pictures and pages that somebody logged, apart from the words that stand beside them."""

from typing import Any

from simlab.trace.plain import Plain
from simlab.trace.trajectory import words
from simlab.view.bounds import MAX_ITEMS, Json, Pictures, is_html, shown


def is_rich(value: Plain) -> bool:
    """Whether a value is to be looked at: bytes, or a page."""
    return isinstance(value, bytes) or is_html(value)


def apart(value: Plain) -> Plain:
    """A value without what is rich in it; None of one that is nothing else."""
    if is_rich(value):
        return None
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if not is_rich(part)}
    if isinstance(value, list | tuple):
        return [part for part in value if not is_rich(part)]
    return value


def words_beside(value: Plain) -> str:
    """A value in words, of what is rich none; empty of one that is nothing else."""
    return "" if is_rich(value) else words(apart(value))


def rich_in(value: Plain) -> list[Plain]:
    """What is rich of a value: itself, or parts of it."""
    if is_rich(value):
        return [value]
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    return [part for part in parts if is_rich(part)][:MAX_ITEMS]


def looks_of(value: Plain) -> tuple[bytes | str, ...]:
    """What tells apart what is rich of values."""
    return tuple(part if isinstance(part, bytes) else part["text"] for part in rich_in(value))


def told_pictures(value: Plain, pictures: Pictures) -> dict[str, Json]:
    """What is rich of a value as ``{"images": [...]}``; nothing where nothing is.

    Args:
        value: Plain data.
        pictures: How much of it the answer may still show; of what is beyond, the size is told.
    """
    found = [shown(part, pictures=pictures) for part in rich_in(value)]
    return {"images": found} if found else {}
