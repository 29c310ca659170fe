"""Adapter folders, looked at without their numbers and without a heavy library.

vLLM passes over every setting of an adapter that it does not know, and would compute something
else: it takes uniform ones, of one rank and one strength in all layers.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from simlab.errors import ModelError
from simlab.models.adapter_config import (
    CONFIG,
    DOWN,
    PREFIX,
    TENSORS,
    UP,
    AdapterConfig,
    read_config,
)
from simlab.models.tensor_file import Shape, read_shapes, write_zeros


def check_adapter(folder: Path) -> AdapterConfig:
    """The settings of the adapter in a folder, whose tensors are there.

    Raises:
        ModelError: It cannot be read.
    """
    config, _ = _read(folder)
    return config


def check_uniform_adapter(folder: Path, *, max_rank: int | None = None) -> AdapterConfig:
    """The settings of the adapter in a folder, whose tensors are as they say.

    Args:
        folder: Of the adapter.
        max_rank: The highest rank that the engine was made for, where that is known.

    Raises:
        ModelError: It cannot be read, or vLLM would take it otherwise than it is meant.
    """
    config, shapes = _read(folder)
    patterns = {"rank_pattern": config.ranks, "alpha_pattern": config.alphas}
    for name, pattern in patterns.items():
        if pattern:
            raise ModelError(
                f"adapter {str(folder)!r} must have one rank and one lora_alpha for vLLM, which "
                f"passes over {name}, got {dict(pattern)!r}; take engine 'transformers'"
            )
    if max_rank is not None and config.rank > max_rank:
        raise ModelError(
            f"adapter {str(folder)!r} must be of rank {max_rank} at most, got {config.rank!r}; "
            "raise max_adapter_rank"
        )
    for name, shape in shapes.items():
        if shape[0 if name.endswith(DOWN) else 1] != config.rank:
            raise ModelError(
                f"adapter {str(folder)!r} must have tensors of its rank {config.rank}, got "
                f"{name!r} of shape {shape!r}"
            )
    return config


def write_zero_adapter(folder: Path, layer: str, shape: Shape) -> None:
    """Write an adapter that changes nothing.

    Args:
        folder: That is there.
        layer: Name of a linear layer of the base.
        shape: Features out and in of that layer.
    """
    n_out, n_in = shape
    down, up = f"{PREFIX}{layer}{DOWN}", f"{PREFIX}{layer}{UP}"
    write_zeros(folder / TENSORS, {down: (1, n_in), up: (n_out, 1)})
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "bias": "none"}
    config["target_modules"] = [layer.rpartition(".")[2]]
    (folder / CONFIG).write_text(json.dumps(config))


def zero_adapter_beside(folder: Path) -> Path:
    """The folder of an adapter that changes nothing, beside that of another, which is uniform.

    It is of one layer of the other one, for the same base weights, and is made if it is not there.

    Raises:
        ModelError: There is no room for it.
    """
    shapes = read_shapes(folder / TENSORS)
    layer = min(_layers(shapes, DOWN))
    shape = shapes[f"{layer}{UP}"][0], shapes[f"{layer}{DOWN}"][1]
    named = hashlib.blake2b(f"{folder.parent} {layer} {shape}".encode(), digest_size=8)
    zero = folder.parent / f".simlab-zero-{named.hexdigest()}"
    if not zero.is_dir():
        try:
            with tempfile.TemporaryDirectory(prefix=".simlab-", dir=folder.parent) as scratch:
                made = Path(scratch, "zero")
                made.mkdir()
                write_zero_adapter(made, layer.removeprefix(PREFIX), shape)
                os.replace(made, zero)
        except OSError as error:
            if not zero.is_dir():  # else another process was quicker
                raise ModelError(
                    f"an adapter of zeros must be written beside {str(folder)!r}, for requests "
                    f"without any: {error}; copy the adapters to a folder that takes it"
                ) from error
    return zero


def _read(folder: Path) -> tuple[AdapterConfig, dict[str, Shape]]:
    """What the folder of an adapter holds: settings, and shapes of pairs of matrices."""
    config = read_config(folder)
    try:
        shapes = read_shapes(folder / TENSORS)
        _check_pairs(shapes)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"adapter {str(folder)!r} must be a folder with a whole {TENSORS}: {error}"
        ) from error
    return config, shapes


def _check_pairs(shapes: Mapping[str, Shape]) -> None:
    downs, ups = _layers(shapes, DOWN), _layers(shapes, UP)
    if not downs or len(downs) + len(ups) < len(shapes) or downs != ups:
        raise ValueError(f"it must hold lora_A and lora_B weights in pairs, got {sorted(shapes)!r}")
    for name, shape in shapes.items():
        if len(shape) != 2:
            raise ValueError(f"{name!r} must be a matrix, got the shape {shape!r}")


def _layers(shapes: Mapping[str, Shape], end: str) -> set[str]:
    """What the names of tensors begin with that end so."""
    return {name.removesuffix(end) for name in shapes if name.endswith(end)}
