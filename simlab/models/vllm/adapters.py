"""Adapter folders as vLLM takes them: one request value for each, made known to the engine once."""

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from vllm.lora.request import LoRARequest

from simlab.errors import ModelError
from simlab.models.adapter_folder import check_uniform_adapter, write_zero_adapter
from simlab.models.tensor_file import Shape, read_shapes

Load = Callable[[LoRARequest], Awaitable[Any]]
"""Makes an adapter known to the engine."""

_PROJECTIONS = ("q_proj", "qkv_proj", "c_attn", "query_key_value")
"""Names of a linear layer that most models have, one of which the zero adapter names."""


class Adapters:
    """The adapters of one engine, each loaded before its first use.

    A wrong one given straight to `generate` would end the engine for everybody; `add_lora` refuses
    it and harms nobody. Requests without an adapter bear one of zeros: on a CPU vLLM 0.29 gives
    rows without any the adapter in its last slot.

    Args:
        load: Makes an adapter known to the engine.
        base: Folder of the base weights.
        max_rank: The highest rank that the engine was made for.
    """

    def __init__(self, load: Load, base: Path, *, max_rank: int) -> None:
        self._load = load
        self._max_rank = max_rank
        self._base = base
        self._ids = itertools.count(1)
        self._known: dict[str, asyncio.Task[LoRARequest]] = {}
        self._zero = tempfile.TemporaryDirectory(prefix="simlab-zero-adapter-")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the adapters that were loaded."""
        loaded = [path for path, task in self._known.items() if task.done()]
        return tuple(Path(path).name for path in loaded if path != self._zero.name)

    async def request(self, path: str | None) -> LoRARequest:
        """What goes with a request for an adapter, or for none.

        Raises:
            ModelError: The folder holds no adapter that fits.
        """
        if path is None:
            path = self._zero.name
        if path not in self._known:
            self._known[path] = asyncio.ensure_future(self._add(path))
        try:
            return await asyncio.shield(self._known[path])
        except Exception:
            self._known.pop(path, None)  # it may be mended
            raise

    def close(self) -> None:
        """Delete the zero adapter."""
        self._zero.cleanup()

    async def _add(self, path: str) -> LoRARequest:
        if path == self._zero.name:
            await asyncio.to_thread(write_zero_adapter, Path(path), *_find_projection(self._base))
        else:
            await asyncio.to_thread(check_uniform_adapter, Path(path), max_rank=self._max_rank)
        request = LoRARequest(path, next(self._ids), path)  # equal names would be taken for one
        try:
            await self._load(request)
        except Exception as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise ModelError(f"adapter {path!r} cannot be loaded: {said}") from error
        return request


def _find_projection(base: Path) -> tuple[str, Shape]:
    """A linear layer of the base weights in a folder, and its features out and in."""
    for path in sorted(base.glob("*.safetensors")):
        for key, shape in sorted(read_shapes(path).items()):
            name, _, kind = key.rpartition(".")
            if kind == "weight" and name.endswith(_PROJECTIONS):
                return name, shape
    raise ModelError(
        f"weights in {str(base)!r} must have a layer named one of {_PROJECTIONS!r} to take "
        "adapters; set max_adapters to 0"
    )
