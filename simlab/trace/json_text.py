"""Plain data as JSON that every reader takes: no NaN, no bytes, no lone surrogates."""

import base64
import json
import math
from typing import Any

from simlab.trace.contents import Reference
from simlab.trace.plain import Plain


def as_json(value: Plain) -> str:
    r"""One line of JSON.

    Numbers that are not finite become the texts ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``;
    bytes ``{"_type": "bytes", "base64": ...}``; a reference that was not followed ``{"_type":
    "content", "hash": ...}``; lone surrogates stand as ``\udXXX``.
    """
    try:
        text = json.dumps(value, default=_as_dict, ensure_ascii=False, allow_nan=False)
    except ValueError:  # NaN or infinity somewhere
        text = json.dumps(_finite(value), default=_as_dict, ensure_ascii=False)
    return utf8_json(text)


def utf8_json(text: str) -> str:
    r"""A text with lone surrogates written as ``\udXXX``, so that it can be encoded."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def ascii_json(text: str) -> str:
    r"""The same JSON for those who take ASCII alone: all other letters stand as ``\uXXXX``."""
    return json.dumps(json.loads(text))


def _as_dict(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"_type": "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, Reference):
        return {"_type": "content", "hash": bytes(value.data).hex()}
    raise TypeError(f"plain data was expected, got a value of type {type(value).__name__}")


def _finite(value: Plain) -> Plain:
    """Plain data with texts in the place of numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value
