"""Addresses of objects in texts: they differ from process to process, and say nothing."""

import re

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=>|, file )")
"""How Python writes where an object lies in memory, as in ``<object object at 0x7f01c3>``.

What people say of addresses is not followed by the end of a bracket, and stays.
"""


def address_in(text: str) -> str | None:
    """How a text shows an object by its address, from the last ``<`` on; None if it shows none."""
    found = _ADDRESS.search(text)
    return None if found is None else text[max(text.rfind("<", 0, found.start()), 0) : found.end()]


def without_addresses(text: str) -> str:
    """A text with the addresses of objects left out."""
    return _ADDRESS.sub("", text)
