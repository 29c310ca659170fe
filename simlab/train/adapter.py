"""Adapter folders: published whole or not at all, and never changed.

::

    agent@7/
      adapter_config.json          as PEFT writes it
      adapter_model.safetensors    the same
      adapter.json                 where it comes from
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from simlab.errors import ConfigError, ModelError
from simlab.models.adapter_config import AdapterConfig, read_config
from simlab.trace.disk import read_json, sync, written
from simlab.train.options import LoraOptions

RECORD = "adapter.json"

_FORMAT = 1
_READ_ONLY = 0o444


@dataclass(frozen=True, slots=True)
class AdapterRecord:
    """Where an adapter comes from.

    Attributes:
        base: Fingerprint of the weights that it changes.
        weights: What these were called: ``"embedded"``, a hub id, or the name of a folder.
        parent: Name of the version that it was trained on; empty if that is the base.
        parent_digest: Fingerprint of all bytes of the parent's folder.
        data: Digest of the dataset that it has learnt from.
        options: What it was trained with.
        format: Of this record.
    """

    base: str
    weights: str = ""
    parent: str = ""
    parent_digest: str = ""
    data: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    format: int = _FORMAT


@contextmanager
def publishing(folder: Path) -> Iterator[Path]:
    """Make an adapter folder, which is there once the block has filled it and all of it is durable.

    Until then what there is bears the name ``NAME.tmp``; what a killed process has left under that
    name is thrown away. The files can only be read from then on.

    ::

        with publishing(Path("agents/agent@7")) as made:
            write(made)

    Args:
        folder: Must not be there.

    Yields:
        A folder to be filled.

    Raises:
        ConfigError: The folder is there already.
        LogWriteError: The disk does not take it.
    """
    require_new(folder)
    made = folder.with_name(folder.name + ".tmp")
    with written(folder, remedy="free the disk and train again"):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        yield made
        for path in sorted(made.iterdir()):
            path.chmod(_READ_ONLY)
            sync(path)
        sync(made)
        require_new(folder)
        made.rename(folder)
        sync(folder.parent)


def write_record(folder: Path, record: AdapterRecord) -> None:
    """Write where an adapter comes from into its folder."""
    text = msgspec.json.format(msgspec.json.encode(asdict(record)), indent=2)
    (folder / RECORD).write_bytes(text + b"\n")


def read_record(folder: Path) -> AdapterRecord | None:
    """Where an adapter comes from; None if it says nothing of it, as those of others do.

    Raises:
        RunDirectoryError: What it says cannot be read.
    """
    said = f"adapter {str(folder)!r} must have a readable {RECORD}"
    return read_json(folder / RECORD, AdapterRecord, said=said)


def check_base(folder: Path, base: str) -> None:
    """See that an adapter was made for certain weights, if it says for which.

    Args:
        folder: Of the adapter.
        base: Fingerprint of the weights.

    Raises:
        ConfigError: There is no such folder, or it was made for others.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"adapter {str(folder)!r} must be a folder in PEFT's format, and there is none; name "
            "one that was published"
        )
    record = read_record(folder)
    if record is not None and record.base != base:
        raise ConfigError(
            f"adapter {str(folder)!r} must be of the weights that are trained, {base!r}, got one "
            f"of {record.weights!r}, {record.base!r}; begin with an adapter of these weights, or "
            "with none"
        )


def read_settings(folder: Path) -> AdapterConfig:
    """The settings of an adapter.

    Raises:
        ConfigError: They cannot be read, or are not of a plain LoRA.
    """
    try:
        return read_config(folder)
    except ModelError as error:
        raise ConfigError(error.message) from error


def check_scales(folder: Path, options: LoraOptions) -> None:
    """See that an adapter can be gone on with under some settings by its tensors alone.

    Args:
        folder: Of the adapter.
        options: Of what is trained.

    Raises:
        ConfigError: It is of another rank or scale, or its settings cannot be read.
    """
    found = _scales(read_settings(folder))
    wanted = _scales(AdapterConfig(options.rank, options.alpha, stabilised=options.stabilised))
    for name, own in wanted.items():
        if found[name] != own:
            raise ConfigError(
                f"adapter {str(folder)!r} must have {name} {own!r} as what is trained, got "
                f"{found[name]!r}; give lora the same settings in every round"
            )


def require_new(folder: Path) -> None:
    """See that a version can be published.

    Raises:
        ConfigError: It is there already.
    """
    if folder.exists():
        raise ConfigError(
            f"adapter {str(folder)!r} is there already, and a version never changes; publish it "
            "under the next number"
        )


def _scales(config: AdapterConfig) -> dict[str, Any]:
    """What two adapters must share to be told from each other by their tensors alone."""
    return {
        "r": config.rank,
        "lora_alpha": config.alpha,
        "use_rslora": config.stabilised,
        "rank_pattern": dict(config.ranks),
        "alpha_pattern": dict(config.alphas),
    }
