"""Contents: long texts, bytes and lists of integers, which a log stores once, known by their hash.

In events a content is replaced by its `Reference`. It is stored in a record of kind `BLOB` before
its first use: the hash, a byte that says in which form it stands there, and the content.
"""

import hashlib
from array import array
from collections.abc import Callable
from typing import Any

import msgspec

Content = str | bytes | list[int]
"""What may be replaced by a reference."""

Reference = msgspec.msgpack.Ext
"""Stands for a content; its code is `TEXT`, `BYTES` or `NUMBERS`, its data the hash."""

TEXT, BYTES, NUMBERS = 1, 2, 3

HASH_BYTES = 16
"""Length of the hash by which a content is known."""

AS_IS, PIECES = b"\x00", b"\x01"
"""Forms of a stored content: its bytes, or a list in pieces of another (`simlab.trace.pieces`)."""


def content_hash(data: bytes) -> bytes:
    """The `HASH_BYTES` bytes by which a text (in UTF-8) or bytes are known."""
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()


def numbers_hash(data: bytes) -> bytes:
    """The hash of a list of integers; never that of bytes which happen to be the same."""
    return hashlib.blake2b(data, digest_size=HASH_BYTES, person=b"numbers").digest()


def refer(content: Content) -> tuple[Reference, bytes]:
    """The reference to a content, and the content as the bytes that are hashed.

    Raises:
        OverflowError: An integer has more than 64 bits.
    """
    if isinstance(content, str):
        data = content.encode("utf-8", "surrogatepass")
        return Reference(TEXT, content_hash(data)), data
    if isinstance(content, bytes):
        return Reference(BYTES, content_hash(content)), content
    data = array("q", content).tobytes()
    return Reference(NUMBERS, numbers_hash(data)), data


def reference_to(content: Content) -> Reference:
    """The reference to a content, for those who digest it and store it nowhere."""
    return refer(content)[0]


def text_or_bytes(code: int, data: bytes) -> str | bytes:
    """A stored text or bytes, by the code of the reference to it."""
    return data.decode("utf-8", "surrogatepass") if code == TEXT else data


def put_back(value: Any, find: Callable[[int, memoryview], Any]) -> Any:
    """Plain data with what `find` gives, from code and hash, in the place of each reference."""
    if isinstance(value, Reference):
        return find(value.code, memoryview(value.data))
    if isinstance(value, list):
        return [put_back(item, find) for item in value]
    if isinstance(value, dict):
        return {name: put_back(item, find) for name, item in value.items()}
    return value
