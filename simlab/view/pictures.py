"""Pictures and pages that somebody logged, apart from the words that stand beside them."""

from collections.abc import Iterator
from itertools import islice

from simlab.trace.plain import Plain
from simlab.trace.trajectory import words
from simlab.view.bounds import MAX_DEPTH, MAX_ITEMS, Json, Pictures, is_html, shown


def is_rich(value: Plain) -> bool:
    """Whether a value is to be looked at: bytes, or a page."""
    return isinstance(value, bytes) or is_html(value)


def apart(value: Plain, depth: int = 0) -> Plain:
    """A value without what is rich in it; None of one that is nothing else."""
    if is_rich(value):
        return None
    if not value or not isinstance(value, dict | list | tuple):
        return value
    if depth >= MAX_DEPTH:
        return "…"
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    rests = {name: (part, apart(part, depth + 1)) for name, part in parts}
    left = {name: rest for name, (part, rest) in rests.items() if rest is not None or part is None}
    if not left:
        return None
    return left if isinstance(value, dict) else [*left.values()]


def words_beside(value: Plain) -> str:
    """A value in words, of what is rich none; empty of one that is nothing else."""
    left = apart(value)
    return "" if left is None and value is not None else words(left)


def rich_in(value: Plain) -> list[Plain]:
    """What is rich of a value: itself, or parts of it."""
    return [*islice(_rich(value), MAX_ITEMS)]


def _rich(value: Plain, depth: int = 0) -> Iterator[Plain]:
    if is_rich(value):
        yield value
    elif isinstance(value, dict | list | tuple) and depth < MAX_DEPTH:
        for part in value.values() if isinstance(value, dict) else value:
            yield from _rich(part, depth + 1)


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
