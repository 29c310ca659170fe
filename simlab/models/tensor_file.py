"""Files of tensors in the format of safetensors: which are there, and zeros; no numbers are read.

A file is the length of its header in 8 bytes, the header in JSON, and the tensors one after another
(https://github.com/huggingface/safetensors#format). So little needs no library, which engines that
hold no weights would not have.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Shape = tuple[int, ...]

_LENGTH_BYTES = 8
_FLOAT32_BYTES = 4


def read_shapes(path: Path) -> dict[str, Shape]:
    """The shapes of the tensors in a file, by name.

    Raises:
        OSError: There is no such file.
        ValueError: It is no whole file of tensors.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if _LENGTH_BYTES + length > size:
            raise ValueError(f"{path.name} is cut short")
        header = json.loads(file.read(length))
    try:
        header.pop("__metadata__", None)
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        shapes = {name: tuple(tensor["shape"]) for name, tensor in header.items()}
    except (AttributeError, TypeError, LookupError) as error:
        raise ValueError(f"{path.name} is no file of tensors") from error
    if _LENGTH_BYTES + length + end != size:
        raise ValueError(f"{path.name} must have {end} bytes of tensors; it is cut short")
    return shapes


def write_zeros(path: Path, shapes: Mapping[str, Shape]) -> None:
    """Write a file of tensors of zeros in float32.

    Args:
        path: To be written.
        shapes: Of the tensors, by name.
    """
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + _FLOAT32_BYTES * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)  # tensors begin at a multiple of 8
    path.write_bytes(len(text).to_bytes(_LENGTH_BYTES, "little") + text + bytes(end))
