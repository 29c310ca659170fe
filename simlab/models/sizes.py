"""How much memory weights take, read from their files' headers and not from the weights."""

import math
from pathlib import Path

from simlab.errors import ConfigError
from simlab.models.tensor_file import read_shapes

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Of a number, by what is computed in."""


def weights_bytes(folder: Path, dtype: str) -> int:
    """Bytes that the weights in a folder take once they are loaded.

    Args:
        folder: Holds safetensors files.
        dtype: What is computed in, of `BYTES`.

    Raises:
        ConfigError: One of these files is not whole.
    """
    try:
        shapes = [read_shapes(path) for path in folder.glob("*.safetensors")]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"weights folder {str(folder)!r} must hold whole files: {error}; copy it anew"
        ) from error
    return BYTES[dtype] * sum(math.prod(shape) for file in shapes for shape in file.values())
