"""What pydantic finds wrong with a value, as SimLab's errors say it."""

from collections.abc import Collection, Sequence

from pydantic_core import ErrorDetails

from simlab.find import near

_WORDS = {"tuple_type": "input should be a list"}
"""In place of pydantic's own, which speak of Python where a file is YAML."""

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def problem(error: ErrorDetails, key: Sequence[str | int], known: Collection[str] = ()) -> str:
    """One thing that is wrong: its key, what was expected, and what was given.

    Args:
        error: Pydantic's. The words of a check of our own are taken as they are: they say what was
            given themselves.
        key: What it is about, from the outside in.
        known: The keys that there are beside it, to tell near ones where it is unknown.
    """
    name = ".".join(map(str, key))
    if error["type"] in _UNKNOWN:
        return f"unknown key {name!r}; {near(str(key[-1]), known)}"
    if error["type"] == "missing":
        return f"key {name!r} is missing"
    if error["type"] == "value_error":
        return f"{name}: {error['ctx']['error']}"
    words = _WORDS.get(error["type"], f"{error['msg'][0].lower()}{error['msg'][1:]}")
    return f"{name}: {words}, got {error['input']!r}"
