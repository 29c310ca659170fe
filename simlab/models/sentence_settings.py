"""What a folder of sentence-transformers says beside its weights: how many tokens, which pooling.

A folder without such files is read as that library reads it: pooled by the mean.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from simlab.errors import ConfigError

_COMPUTED = ("Transformer", "Pooling", "Normalize")
"""Modules that are computed here; all vectors are normalised, whether the folder says so or not."""

_OLD_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""How versions before 6 named what is now one key, ``pooling_mode``."""


@dataclass(frozen=True, slots=True)
class SentenceSettings:
    """How an encoder's states become one vector.

    Attributes:
        pooling: The mean of all states, or the state of the first token.
        max_tokens: The most tokens of a text that are read; None where that is not said.
    """

    pooling: Literal["mean", "cls"] = "mean"
    max_tokens: int | None = None


def read_settings(folder: Path) -> SentenceSettings:
    """What a folder says.

    Raises:
        ConfigError: It is made of other modules, or pools in another way, than is computed here.
    """
    places: dict[str, str] = {}
    for module in _read(folder / "modules.json") or []:
        kind = module["type"].rpartition(".")[2]
        if kind not in _COMPUTED:
            raise ConfigError(
                f"weights in {str(folder)!r} must be made of {_COMPUTED!r}, got {kind!r}; take "
                "others, such as weights: embedded"
            )
        places[kind] = module["path"]
    pooling = _pooling(_read(folder / places.get("Pooling", "1_Pooling") / "config.json") or {})
    if pooling not in ("mean", "cls"):
        raise ConfigError(
            f"weights in {str(folder)!r} must pool by 'mean' or 'cls', got {pooling!r}; take "
            "others, such as weights: embedded"
        )
    longest = (_read(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    return SentenceSettings(pooling, longest)


def _pooling(config: dict[str, Any]) -> Any:
    """The way of pooling, or a list where there are several."""
    if not config or "pooling_mode" in config:
        return config.get("pooling_mode", "mean")
    modes = [mode for key, mode in _OLD_MODES.items() if config.get(key)]
    return modes[0] if len(modes) == 1 else modes


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else None
