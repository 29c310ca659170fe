"""JSON on standard output, for programs that read what a command prints."""

import sys
from typing import Any


def print_json(value: Any) -> None:
    """Print plain data as JSON, with letters that the output does not have escaped."""
    # Imported here because commands that print no JSON should not pay for it.
    from simlab.trace.json_text import as_json, ascii_json

    text = as_json(value)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = ascii_json(text)
    print(text)
