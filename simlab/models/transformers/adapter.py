"""LoRA adapters as they lie in a folder: PEFT's format, read without PEFT."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from simlab.errors import ModelError
from simlab.models.adapter_config import DOWN, PREFIX, TENSORS, UP, AdapterConfig, read_config

Shapes = Mapping[str, tuple[int, int]]
"""Features out and in of linear layers, by their names."""


@dataclass(frozen=True, slots=True)
class LowRank:
    """What an adapter adds to a linear layer: ``scale * up @ down`` (Hu et al. 2021, eq. 3).

    Attributes:
        down: ``(rank, features in)``.
        up: ``(features out, rank)``.
        scale: What the product is multiplied by.
    """

    down: Tensor
    up: Tensor
    scale: float


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Adapter:
    """An adapter in memory, never changed.

    Attributes:
        path: Its folder, by which it is known.
        layers: What it adds, by the names of linear layers.
    """

    path: str
    layers: Mapping[str, LowRank]

    @property
    def name(self) -> str:
        """Of its folder, such as ``"agent@7"``."""
        return PurePath(self.path).name


def read_adapter(path: str, shapes: Shapes) -> Adapter:
    """The adapter in a folder, all of it copied into memory; nothing is computed.

    Args:
        path: Of a folder with ``adapter_config.json`` and ``adapter_model.safetensors``.
        shapes: Of the linear layers that an adapter may change.

    Raises:
        ModelError: It cannot be read, or does not fit the layers.
    """
    folder = Path(path)
    config = read_config(folder)
    try:
        tensors = load((folder / TENSORS).read_bytes())
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"adapter {path!r} must be a folder with a whole {TENSORS}: {error}"
        ) from error
    try:
        return Adapter(path, _layers(tensors, config, shapes))
    except ValueError as error:
        raise ModelError(f"adapter {path!r} does not fit these weights: {error}") from error


def _layers(
    tensors: Mapping[str, Tensor], config: AdapterConfig, shapes: Shapes
) -> dict[str, LowRank]:
    downs, ups = _named(tensors, DOWN), _named(tensors, UP)
    if others := tensors.keys() - {*downs.values(), *ups.values()}:
        raise ValueError(f"it must hold lora_A and lora_B weights alone, got {min(others)!r}")
    if unpaired := downs.keys() ^ ups.keys():
        raise ValueError(
            f"lora_A and lora_B must come in pairs, got one alone for {min(unpaired)!r}"
        )
    if unknown := downs.keys() - shapes.keys():
        raise ValueError(
            f"it must change linear layers that every token goes through, got {min(unknown)!r}"
        )
    if (missing := config.targeted(shapes) - downs.keys()) and not config.partial:
        raise ValueError(f"target_modules name {min(missing)!r}, for which there are no weights")
    if not downs:
        raise ValueError("it holds no weights")
    return {
        layer: _checked(
            LowRank(tensors[downs[layer]], tensors[ups[layer]], config.scale_of(layer)),
            layer,
            config.rank_of(layer),
            shapes[layer],
        )
        for layer in downs
    }


def _named(tensors: Mapping[str, Tensor], suffix: str) -> dict[str, str]:
    """Names of tensors that end so, by the layer that they belong to."""
    return {
        name.removeprefix(PREFIX).removesuffix(suffix): name
        for name in tensors
        if name.startswith(PREFIX) and name.endswith(suffix)
    }


def _checked(low_rank: LowRank, layer: str, rank: int, shape: tuple[int, int]) -> LowRank:
    wanted = ((rank, shape[1]), (shape[0], rank))
    found = (tuple(low_rank.down.shape), tuple(low_rank.up.shape))
    if found != wanted:
        raise ValueError(f"{layer!r} must have weights of shapes {wanted!r}, got {found!r}")
    if not (low_rank.down.is_floating_point() and low_rank.up.is_floating_point()):
        raise ValueError(
            f"{layer!r} must have weights in floating point, got {low_rank.down.dtype}"
        )
    return low_rank
