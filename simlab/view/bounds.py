"""Bounds: any plain data as JSON of a bounded size, with what was cut out told in its place."""

import base64
import math
from dataclasses import dataclass, field
from typing import Any

from simlab.trace.contents import Reference
from simlab.trace.json_text import utf8_json
from simlab.trace.plain import Plain

Json = Any
"""None, bool, int, float, str, and lists and string-keyed dicts of these; all numbers finite."""

MAX_CHARACTERS = 1 << 14
"""Of one text that is shown."""

MAX_ITEMS = 256
"""Of one list or dict that is shown."""

MAX_DEPTH = 40
"""Of what is nested and shown; what is deeper is told as an ellipsis."""

_EXACT = 1 << 53
"""Integers beyond are shown as texts: a browser's numbers do not tell them apart."""

MAX_PICTURE_BYTES = 1 << 22
"""Of all pictures and pages in one answer."""

_MAX_IMAGE_BYTES = 1 << 21
_MAX_HTML = 1 << 18

_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""How images begin that browsers show; a text that says what it is would not be believed."""

_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def cut(text: str, longest: int = MAX_CHARACTERS) -> str:
    """A text that can be encoded, of which at most so many characters are left.

    What is missing is told at its end, such as ``… 3.2 MB more``.
    """
    if len(text) > longest:
        text = f"{text[:longest]}… {size_in_words(len(text) - longest)} more"
    return utf8_json(text)


def size_in_words(n_bytes: int) -> str:
    """A number of bytes as people say it: ``3.2 MB``."""
    for size, unit in _UNITS:
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes} B"


def number(value: float | None) -> float | str | None:
    """A number as JSON takes it: one that is not finite is a text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and abs(value) >= _EXACT:
        return (
            str(value) if value.bit_length() < 4096 else f"an integer of {value.bit_length()} bits"
        )
    return value


@dataclass(slots=True)
class Pictures:
    """How much an answer may still show of pictures and pages; many values may share it.

    Attributes:
        left: Bytes of pictures, and characters of pages.
    """

    left: int = field(default_factory=lambda: MAX_PICTURE_BYTES)

    @property
    def is_low(self) -> bool:
        """Whether the largest picture would find no room: what comes next waits for an answer."""
        return self.left < _MAX_IMAGE_BYTES

    def take(self, size: int) -> bool:
        """Whether one of that size is still shown; if it is, it counts."""
        if size > self.left:
            return False
        self.left -= size
        return True


def shown(
    value: Plain,
    *,
    characters: int = 1 << 18,
    longest: int = MAX_CHARACTERS,
    pictures: Pictures | None = None,
) -> Json:
    """Plain data as JSON that is no larger than a person reads.

    Args:
        value: As the log keeps it, with contents in place.
        characters: Of the whole, about; what comes later is cut out.
        longest: Of one text.
        pictures: What is left for pictures and pages, which do not count as characters; None for
            a whole answer's. Of those beyond the size is told.
    """
    return _Budget(characters, longest, pictures or Pictures()).shown(value, 0)


def is_html(value: Plain) -> bool:
    """Whether plain data stands for a `simlab.trace.rich.Html`."""
    if not isinstance(value, dict) or value.get("_type") != "Html":
        return False
    return isinstance(value.get("text"), str)


@dataclass(slots=True)
class _Budget:
    """How much may still be shown."""

    characters: int
    longest: int
    pictures: Pictures

    def shown(self, value: Plain, depth: int) -> Json:
        self.characters -= 8
        if isinstance(value, dict | list | tuple):
            if depth >= MAX_DEPTH or self.characters <= 0:
                return "…"
            if isinstance(value, dict):
                return self._dict(value, depth) if not is_html(value) else self._html(value)
            return self._list(value, depth)
        return self._atom(value)

    def _atom(self, value: Plain) -> Json:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return number(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, Reference):
            return {"_type": "content", "hash": bytes(value.data)[:16].hex()}
        text = cut(str(value), max(0, min(self.longest, self.characters)))
        self.characters -= len(text)
        return text

    def _dict(self, value: dict[Any, Any], depth: int) -> Json:
        items = {}
        for n, (name, part) in enumerate(value.items()):
            if n >= MAX_ITEMS or self.characters <= 0:
                items["…"] = f"{len(value) - n} more"
                break
            items[cut(str(name), 200)] = self.shown(part, depth + 1)
        return items

    def _html(self, value: dict[str, Any]) -> Json:
        text: str = value["text"]
        if not self.pictures.take(min(len(text), _MAX_HTML)):
            return {"_type": "bytes", "size": size_in_words(len(text))}
        return {"_type": "html", "html": cut(text, _MAX_HTML)}

    def _list(self, value: Any, depth: int) -> Json:
        items: list[Json] = []
        for n, item in enumerate(value):
            if n >= MAX_ITEMS or self.characters <= 0:
                items.append(f"… {len(value) - n} more")
                break
            items.append(self.shown(item, depth + 1))
        return items

    def _bytes(self, value: bytes) -> Json:
        mime = next((kind for start, kind in _IMAGES.items() if value.startswith(start)), None)
        if mime is None or len(value) > _MAX_IMAGE_BYTES or not self.pictures.take(len(value)):
            return {"_type": "bytes", "size": size_in_words(len(value))}
        data = base64.b64encode(value).decode()
        return {"_type": "image", "mime": mime, "base64": data}
