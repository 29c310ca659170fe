"""Counting tokens without a model's vocabulary, and cutting texts to a number of tokens."""

import functools
from collections.abc import Callable

TokenCounter = Callable[[str], int]
"""How many tokens a text has. Two texts joined must not have more than both on their own."""

CUT_MARK = " ..."
"""Stands where the end of a text was cut off."""

_SEPARATORS = ("\n\n", "\n", ". ", "; ", ", ", " ")
_MAX_KNOWN = 8192


@functools.lru_cache(maxsize=_MAX_KNOWN)
def characters(text: str) -> int:
    """A quarter of the characters, rounded up: about what English costs in most vocabularies."""
    return -(-len(text) // 4)


@functools.lru_cache(maxsize=_MAX_KNOWN)
def words(text: str) -> int:
    """The words between blanks, and one for a text of blanks alone, such as a separator."""
    return len(text.split()) or min(1, len(text))


def token_counter(name: str) -> TokenCounter:
    """The counter of that name, ``"characters"`` or ``"words"``; both remember what they counted.

    For a model's own vocabulary, give ``functools.lru_cache`` of its tokenizer's count in place of
    a name.

    Raises:
        ValueError: There is no such counter.
    """
    counters = {"characters": characters, "words": words}
    if name not in counters:
        raise ValueError(f"token counter must be one of {tuple(counters)!r}, got {name!r}")
    return counters[name]


def cut(text: str, max_tokens: int, *, count: TokenCounter = characters) -> str:
    """The text if it has at most `max_tokens`, else its beginning, and `CUT_MARK`.

    The cut is at the end of the last paragraph, sentence, clause or word that leaves at least half
    of the room used. Where not even the mark has room, nothing is left.
    """
    if count(text) <= max_tokens:
        return text
    if count(CUT_MARK) > max_tokens:
        return ""
    room = _longest(text, max_tokens, count)
    for separator in _SEPARATORS:
        end = text.rfind(separator, 0, room + len(separator))
        if end > room // 2:
            return text[:end].rstrip(" .;,\n") + CUT_MARK
    return text[:room] + CUT_MARK


def _longest(text: str, max_tokens: int, count: TokenCounter) -> int:
    """How many characters of `text` have room together with the mark, by bisection."""
    fits, exceeds = 0, len(text)
    while exceeds - fits > 1:
        middle = (fits + exceeds) // 2
        if count(text[:middle] + CUT_MARK) <= max_tokens:
            fits = middle
        else:
            exceeds = middle
    return fits
