"""What the settings beside an adapter say: which layers it changes, and how strongly.

``adapter_config.json`` as PEFT writes it. What would change a result in a way that is not known
here is refused.
"""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simlab.errors import ModelError

CONFIG = "adapter_config.json"

TENSORS = "adapter_model.safetensors"

PREFIX = "base_model.model."
"""Stands before a layer's name in the names of its tensors."""

DOWN, UP = ".lora_A.weight", ".lora_B.weight"
"""Follow a layer's name in the names of its two matrices."""

_HARMLESS = frozenset(
    [
        "peft_type",
        "task_type",
        "auto_mapping",
        "base_model_name_or_path",
        "revision",
        "inference_mode",
        "peft_version",
        "lora_dropout",
        "megatron_core",
        "qalora_group_size",
        "runtime_config",
    ]
)
"""Settings that do not change what a trained adapter computes."""

_KNOWN = frozenset(
    [
        "r",
        "lora_alpha",
        "use_rslora",
        "rank_pattern",
        "alpha_pattern",
        "target_modules",
        "exclude_modules",
        "layers_to_transform",
        "layers_pattern",
        "bias",
        "init_lora_weights",
    ]
)
"""Settings that are honoured or looked at by themselves."""

_ALL = "all-linear"
"""Names all layers."""

_PLAIN_BEGINNINGS = (True, False, None, "gaussian", "orthogonal")
"""Ways to begin training that leave the base weights as they are."""


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """The settings of a LoRA adapter (Hu et al. 2021, section 4.1).

    Attributes:
        rank: Of layers that `ranks` does not name.
        alpha: Of layers that `alphas` does not name.
        ranks: By a pattern of layers' names.
        alphas: By a pattern of layers' names.
        stabilised: Scale by the square root of the rank (Kalajdzievski 2023, "rsLoRA").
        targets: Names that the changed layers end with, or one pattern of whole names.
        partial: Whether not all layers of such names are changed.
    """

    rank: int
    alpha: float
    ranks: Mapping[str, int] = field(default_factory=dict)
    alphas: Mapping[str, float] = field(default_factory=dict)
    stabilised: bool = False
    targets: str | tuple[str, ...] = ()
    partial: bool = False

    def rank_of(self, layer: str) -> int:
        """The rank of a layer's matrices."""
        return int(_find(self.ranks, layer, self.rank))

    def scale_of(self, layer: str) -> float:
        """What the product of a layer's matrices is multiplied by."""
        rank, alpha = self.rank_of(layer), _find(self.alphas, layer, self.alpha)
        return alpha / math.sqrt(rank) if self.stabilised else alpha / rank

    def targeted(self, layers: Collection[str]) -> set[str]:
        """Those of the layers that the settings name.

        Raises:
            ValueError: The settings name what is no layer.
        """
        if self.targets == _ALL:
            return set(layers)
        if isinstance(self.targets, str):
            return {layer for layer in layers if re.fullmatch(self.targets, layer)}
        found = {target: _ending(layers, target) for target in self.targets}
        if unknown := [target for target in self.targets if not found[target]]:
            raise ValueError(f"target_modules must name linear layers of it, got {unknown[0]!r}")
        return set().union(*found.values())


def read_config(folder: Path) -> AdapterConfig:
    """The settings of the adapter in a folder.

    Raises:
        ModelError: They cannot be read, or say what is not known here.
    """
    try:
        found = json.loads((folder / CONFIG).read_bytes())
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, got {found!r}")  # noqa: TRY301, TRY004
        _check_kind(found)
        return _config(found)
    except (OSError, ValueError, TypeError, RecursionError, re.error) as error:
        raise ModelError(
            f"adapter {str(folder)!r} must be a folder with {CONFIG} of a plain LoRA in PEFT's "
            f"format: {error}"
        ) from error


def _check_kind(found: Mapping[str, Any]) -> None:
    if found.get("peft_type") != "LORA":
        raise ValueError(f"peft_type must be 'LORA', got {found.get('peft_type')!r}")
    if found.get("bias", "none") != "none":
        raise ValueError(f"bias must be 'none', got {found['bias']!r}")
    if found.get("init_lora_weights", True) not in _PLAIN_BEGINNINGS:
        raise ValueError(
            f"init_lora_weights must leave the base weights alone, got "
            f"{found['init_lora_weights']!r}"
        )
    for name, value in found.items():
        if name not in _HARMLESS and name not in _KNOWN and value:
            raise ValueError(f"{name} is not known here, got {value!r}")


def _config(found: Mapping[str, Any]) -> AdapterConfig:
    targets = found.get("target_modules") or ()
    ranks, alphas = _patterns(found, "rank_pattern"), _patterns(found, "alpha_pattern")
    for pattern in (*ranks, *alphas, *([targets] if isinstance(targets, str) else [])):
        re.compile(pattern)
    return AdapterConfig(
        _checked_rank(found.get("r")),
        _checked_alpha(found.get("lora_alpha")),
        {pattern: _checked_rank(rank) for pattern, rank in ranks.items()},
        {pattern: _checked_alpha(alpha) for pattern, alpha in alphas.items()},
        stabilised=bool(found.get("use_rslora")),
        targets=targets if isinstance(targets, str) else tuple(targets),
        partial=bool(found.get("exclude_modules") or found.get("layers_to_transform") is not None),
    )


def _patterns(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What is set by patterns of layers' names."""
    patterns = found.get(name) or {}
    if not isinstance(patterns, dict):
        raise ValueError(f"{name} must be an object, got {patterns!r}")  # noqa: TRY004
    return patterns


def _checked_rank(rank: Any) -> int:
    if type(rank) is not int or rank < 1:
        raise ValueError(f"r must be an integer of at least 1, got {rank!r}")
    return rank


def _checked_alpha(alpha: Any) -> float:
    if not isinstance(alpha, int | float) or not math.isfinite(alpha):
        raise ValueError(f"lora_alpha must be a number, got {alpha!r}")
    return alpha


def _ending(layers: Collection[str], target: str) -> set[str]:
    """The layers whose names end with whole parts such as ``self_attn.q_proj``."""
    return {layer for layer in layers if layer == target or layer.endswith(f".{target}")}


def _find(patterns: Mapping[str, float], layer: str, usual: float) -> float:
    """What the first pattern says that a layer's name ends with."""
    for pattern, value in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", layer):
            return value
    return usual
