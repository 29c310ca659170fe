"""Datasets: samples of one base model, kept as a Parquet file."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.trace.disk import write_whole
from simlab.trace.events import digest_of
from simlab.train.sample import Sample, check_sample

_COLUMNS = {
    "ids": "list<int32>",
    "mask": "list<bool>",
    "logprobs": "list<double>",
    "version": "string",
    "role": "string",
    "episode": "int64",
    "turn": "int64",
    "weight": "double",
    "label": "bool",
    "pair": "int64",
}
"""Columns of the file, those of `Sample`, with their Arrow types."""

_BASE = b"simlab.base"
"""Under which the file keeps the fingerprint of the base."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples that one model is to learn from.

    Attributes:
        samples: In order.
        base: Fingerprint of the weights that they were drawn with, as
            `simlab.models.weights.fingerprint` gives it.
    """

    samples: tuple[Sample, ...]
    base: str

    @property
    def n_targets(self) -> int:
        """How many tokens are learnt from."""
        return sum(sample.n_targets for sample in self.samples)

    def with_samples(self, samples: Iterable[Sample]) -> "Dataset":
        """A dataset of the same base with other samples."""
        return Dataset(tuple(samples), self.base)

    def digest(self) -> str:
        """Of all that is learnt from, 32 hex digits."""
        rows = [list(_row(sample).values()) for sample in self.samples]
        return digest_of([self.base, rows])


def check_dataset(dataset: Dataset, base: str) -> None:
    """See that a model can learn from a dataset.

    Args:
        dataset: Is checked.
        base: Fingerprint of the model's weights.

    Raises:
        ConfigError: It is empty or of another base, or one of its samples cannot be learnt from.
    """
    if not dataset.samples:
        raise ConfigError("a dataset must hold a sample, got none; select more episodes")
    if dataset.base != base:
        raise ConfigError(
            f"a dataset must be of the weights that are trained, {base!r}, got {dataset.base!r}; "
            "train the weights that have drawn it"
        )
    for sample in dataset.samples:
        check_sample(sample)


def check_vocabulary(dataset: Dataset, size: int) -> None:
    """See that a model knows all tokens of a dataset.

    Args:
        dataset: Is checked.
        size: How many tokens the model knows.

    Raises:
        ConfigError: It does not know one.
    """
    for sample in dataset.samples:
        unknown = next((one for one in sample.ids if not 0 <= one < size), None)
        if unknown is not None:
            raise ConfigError(
                f"{sample.where()} must have ids from 0 to {size - 1}, which the weights know, got "
                f"{unknown!r}; make the dataset anew with the tokenizer of these weights"
            )


def write_dataset(dataset: Dataset, path: Path) -> None:
    """Write a Parquet file, a sample a row, whole or not at all; equal datasets give equal bytes.

    Args:
        dataset: Is written.
        path: Of the file, such as ``dataset.parquet``; replaced if it is there.

    Raises:
        LogWriteError: The disk does not take it.
    """
    import pyarrow as pa  # heavy
    from pyarrow import parquet

    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for sample in dataset.samples:
        for name, value in _row(sample).items():
            columns[name].append(value)
    table = pa.table(columns, schema=_schema().with_metadata({_BASE: dataset.base.encode()}))
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    write_whole(path, buffer.getvalue())


def read_dataset(path: Path) -> Dataset:
    """The dataset in a file that `write_dataset` has written; nothing in it is run.

    Raises:
        ConfigError: It cannot be read, or has other columns.
    """
    import pyarrow as pa  # heavy
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(
            f"dataset {str(path)!r} must be a Parquet file: {error}; make it anew"
        ) from error
    base = (table.schema.metadata or {}).get(_BASE)
    if base is None or not table.schema.equals(_schema()):
        raise ConfigError(
            f"dataset {str(path)!r} must have the columns {[*_COLUMNS]!r} and name its base, got "
            f"{table.schema.names!r}; make it anew"
        )
    return Dataset(tuple(map(_sample, table.to_pylist())), base.decode())


def _schema() -> Any:
    import pyarrow as pa  # heavy

    kinds: dict[str, Any] = {
        "list<int32>": pa.list_(pa.int32()),
        "list<bool>": pa.list_(pa.bool_()),
        "list<double>": pa.list_(pa.float64()),
        "string": pa.string(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in _COLUMNS.items()])


def _row(sample: Sample) -> dict[str, Any]:
    return {field.name: getattr(sample, field.name) for field in fields(Sample)}


def _sample(row: dict[str, Any]) -> Sample:
    lists: Sequence[str] = ("ids", "mask", "logprobs")
    return Sample(**{**row, **{name: tuple(row[name]) for name in lists}})
