"""Weights of transformers, loaded for our attention."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from simlab.errors import ConfigError
from simlab.models.render import turn_ends
from simlab.models.transformers.attention import ATTENTION
from simlab.models.transformers.quiet import quiet

DTYPES = ("float32", "bfloat16", "float16")
"""What weights can be computed in."""

DEVICES = ("auto", "cpu", "cuda")
"""Where weights can be computed; ``"auto"`` takes a GPU if there is one."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model and its tokenizer.

    Attributes:
        model: In evaluation mode, with our attention, where it is computed.
        tokenizer: Of transformers.
        ends: The tokens that end a turn.
    """

    model: Any
    tokenizer: Any
    ends: Collection[int]

    @property
    def max_tokens(self) -> int:
        """The most tokens that the model was made for."""
        longest: int = self.model.config.get_text_config().max_position_embeddings
        return longest

    @property
    def n_logits(self) -> int:
        """How many tokens the model knows."""
        known: int = self.model.get_output_embeddings().out_features
        return known


def load_weights(folder: Path, *, dtype: str, device: str) -> Weights:
    """The weights in a folder.

    Raises:
        ConfigError: They cannot be loaded, or not as it is asked for.
    """
    place = find_device(device)
    _check_dtype(dtype)
    with quiet():
        tokenizer, model = _load(folder, dtype)
    if not model._supports_attention_backend:
        raise ConfigError(
            f"{type(model).__name__} does not let its attention be replaced; serve it with vLLM"
        )
    ends = turn_ends(tokenizer, model.generation_config.eos_token_id)
    return Weights(model.eval().to(place), tokenizer, ends)


def load_trainable(folder: Path, *, dtype: str, device: str) -> Any:
    """The model in a folder as transformers itself computes it, through which gradients flow.

    Raises:
        ConfigError: It cannot be loaded, or not as it is asked for.
    """
    place = find_device(device)
    _check_dtype(dtype)
    with quiet():
        return _load_model(folder, dtype).eval().to(place)


def find_device(device: str) -> torch.device:
    """Where to compute.

    Raises:
        ConfigError: There is no such place, or no GPU where one is asked for.
    """
    if device not in DEVICES:
        raise ConfigError(f"device must be one of {DEVICES!r}, got {device!r}")
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise ConfigError("device 'cuda' needs a GPU that torch can use, and it sees none")
    return torch.device("cuda" if has_gpu and device != "cpu" else "cpu")


def _check_dtype(dtype: str) -> None:
    if dtype not in DTYPES:
        raise ConfigError(f"dtype must be one of {DTYPES!r}, got {dtype!r}")


def _load(folder: Path, dtype: str) -> tuple[Any, Any]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise _unloadable(folder, error) from error
    return tokenizer, _load_model(folder, dtype, ATTENTION)


def _load_model(folder: Path, dtype: str, attention: str | None = None) -> Any:
    try:
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            attn_implementation=attention,
            local_files_only=True,
        )
    except (OSError, ValueError, ImportError) as error:
        raise _unloadable(folder, error) from error


def _unloadable(folder: Path, error: Exception) -> ConfigError:
    return ConfigError(f"weights in {str(folder)!r} cannot be loaded: {error}")
