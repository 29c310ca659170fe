"""Tokenizers without their weights, for prompts that are rendered here and computed elsewhere."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from simlab.errors import ConfigError
from simlab.models.render import Renderer
from simlab.models.weights import EMBEDDED, resolve
from simlab.stray import first_line


def load_renderer(tokenizer: str) -> Renderer:
    """The renderer of a tokenizer; blocks.

    Args:
        tokenizer: ``"embedded"``, a folder or a hub id, of which only small files are fetched.

    Raises:
        ConfigError: There is no such tokenizer on this machine and it cannot be had.
    """
    source = resolve(tokenizer) if tokenizer == EMBEDDED else Path(tokenizer).expanduser()
    try:
        loaded: Any = AutoTokenizer.from_pretrained(source if source.is_dir() else tokenizer)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(
            f"tokenizer must be {EMBEDDED!r}, a folder or a hub id 'owner/name', got "
            f"{tokenizer!r}: {first_line(error)}"
        ) from error
    return Renderer(loaded)
