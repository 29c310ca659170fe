"""LoRA adapters by PEFT, round a model that is held; this is the one door to PEFT."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from simlab.errors import ConfigError
from simlab.models.adapter_config import CONFIG, TENSORS
from simlab.train.adapter import check_scales, read_settings
from simlab.train.options import LoraOptions


class Lora:
    """A model with an adapter that can be trained; the model's own tensors are frozen.

    The first product of a new adapter is zero, so that it changes nothing.

    Args:
        base: A causal language model of transformers, which this wraps until `remove` is called.
        options: Of the adapter.

    Raises:
        ConfigError: The options name layers that the model does not have.
    """

    def __init__(self, base: Any, options: LoraOptions) -> None:
        config = LoraConfig(
            r=options.rank,
            lora_alpha=options.alpha,
            lora_dropout=options.dropout,
            use_rslora=options.stabilised,
            target_modules=list(options.targets) or "all-linear",
        )
        try:
            with _quiet():
                self.model: Any = get_peft_model(base, config)
        except ValueError as error:
            raise ConfigError(
                f"lora.targets must name linear layers of the weights, got {options.targets!r}: "
                f"{error}"
            ) from error
        self._options = options

    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    @contextmanager
    def off(self) -> Iterator[None]:
        """Within the block the model computes as its base does."""
        with self.model.disable_adapter():
            yield

    def tensors(self) -> dict[str, Tensor]:
        """The adapter's tensors, copied to the CPU, by their names in a folder."""
        found: Mapping[str, Tensor] = get_peft_model_state_dict(self.model)
        return {name: found[name].detach().cpu().clone() for name in sorted(found)}

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Put other tensors of the same names and shapes in the adapter's place; copies them."""
        set_peft_model_state_dict(self.model, dict(tensors))

    @contextmanager
    def holding(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:
        """Within the block the adapter has other tensors, as `put` takes them."""
        own = self.tensors()
        self.put(tensors)
        yield
        self.put(own)

    def read(self, folder: Path) -> dict[str, Tensor]:
        """The tensors of another adapter of the same shape, which `put` takes.

        Raises:
            ConfigError: They cannot be read, or are of another rank, scale or set of layers.
        """
        check_scales(folder, self._options)
        try:
            tensors = load((folder / TENSORS).read_bytes())
        except (OSError, SafetensorError) as error:
            raise _unreadable(folder, error) from error
        _require_same_shapes(folder, tensors, self.tensors())
        return tensors

    def save(self, folder: Path, *, weights: str) -> None:
        """Write the adapter in PEFT's format; equal adapters give equal bytes.

        Args:
            folder: That is there.
            weights: What the base is called.
        """
        save_file(self.tensors(), folder / TENSORS, metadata={"format": "pt"})
        config = self.model.peft_config["default"].to_dict()
        config |= {"base_model_name_or_path": weights, "inference_mode": True}
        text = json.dumps(config, indent=2, sort_keys=True, default=sorted)
        (folder / CONFIG).write_text(text + "\n")

    def remove(self) -> None:
        """Leave the base as it was before; this is of no use any more."""
        base = self.model.unload()
        if hasattr(base, "peft_config"):
            del base.peft_config


def lora_options(folder: Path) -> LoraOptions:
    """The settings of an adapter that is there, for `Lora` to make one of the same shape.

    Raises:
        ConfigError: They cannot be read, or are not such as `LoraOptions` says.
    """
    config = read_settings(folder)
    targets = config.targets
    if isinstance(targets, str) or not targets:
        raise ConfigError(
            f"adapter {str(folder)!r} must name its layers one by one, got target_modules "
            f"{targets!r}; save it anew with a list"
        )
    try:
        return LoraOptions(config.rank, config.alpha, 0.0, config.stabilised, targets)
    except ValueError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"adapter {str(folder)!r} must be a whole folder in PEFT's format: {error}; restore it "
        "from a copy"
    )


def _require_same_shapes(
    folder: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> None:
    for name in sorted(found.keys() | wanted.keys()):
        shapes = [tuple(one[name].shape) if name in one else None for one in (wanted, found)]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"adapter {str(folder)!r} must fit the weights and settings that are trained, with "
                f"{name!r} of shape {shapes[0]!r}, got {shapes[1]!r}; begin with one that does, or "
                "with none"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PEFT's notes on what transformers deprecates off the terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
