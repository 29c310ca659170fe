"""How much memory weights take, read from their files' headers and not from the weights."""

import json
import math
from pathlib import Path

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Of a number, by what is computed in."""


def weights_bytes(folder: Path, dtype: str) -> int:
    """Bytes that the weights in a folder take once they are loaded.

    Args:
        folder: Holds safetensors files.
        dtype: What is computed in, of `BYTES`.
    """
    return BYTES[dtype] * sum(map(_count_numbers, folder.glob("*.safetensors")))


def _count_numbers(path: Path) -> int:
    """How many numbers a safetensors file holds; its header is JSON behind 8 bytes of length."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    tensors = (tensor for name, tensor in header.items() if name != "__metadata__")
    return sum(math.prod(tensor["shape"]) for tensor in tensors)
