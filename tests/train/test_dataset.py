"""Datasets as files."""

import math
from dataclasses import replace

import pyarrow.parquet  # noqa: F401 - takes a second, which no test should be charged with
import pytest

from simlab.errors import ConfigError
from simlab.train.dataset import Dataset, check_dataset, read_dataset, write_dataset
from tests.train.conftest import labelled, sample_of


@pytest.fixture
def dataset():
    samples = [
        *labelled(3, version="small+agent@2", episode=5, turn=3),
        sample_of(weight=0.5, pair=7),
    ]
    return Dataset(tuple(samples), "ab" * 16)


def test_a_dataset_is_read_as_it_was_written(dataset, tmp_path):
    write_dataset(dataset, tmp_path / "dataset.parquet")

    assert read_dataset(tmp_path / "dataset.parquet") == dataset


def test_equal_datasets_give_equal_bytes_and_digests(dataset, tmp_path):
    again = Dataset(tuple(map(replace, dataset.samples)), dataset.base)
    for name, one in (("a", dataset), ("b", again)):
        write_dataset(one, tmp_path / name)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert dataset.digest() == again.digest()
    assert dataset.digest() != dataset.with_samples(dataset.samples[1:]).digest()


def test_logprobs_that_were_not_recorded_stay_so(tmp_path):
    sample = replace(sample_of(4, n_targets=1), logprobs=(0.0, 0.0, 0.0, math.nan))

    write_dataset(Dataset((sample,), "base"), tmp_path / "dataset.parquet")

    [found] = read_dataset(tmp_path / "dataset.parquet").samples
    assert math.isnan(found.logprobs[3])


def test_it_is_a_table_for_pandas(dataset, tmp_path):
    import pandas as pd

    write_dataset(dataset, tmp_path / "dataset.parquet")

    frame = pd.read_parquet(tmp_path / "dataset.parquet")
    assert list(frame["version"]) == ["small+agent@2"] * 3 + ["small"]
    assert list(frame["ids"][0]) == list(dataset.samples[0].ids)


def test_train_14_a_dataset_with_an_empty_mask_is_refused(dataset):
    empty = sample_of(episode=12, turn=1, n_targets=0)

    with pytest.raises(
        ConfigError,
        match="'ann' in episode 12, turn 1 must have a token to learn from, got a mask of 12 that "
        "is empty; leave the sample out",
    ):
        check_dataset(dataset.with_samples([*dataset.samples, empty]), dataset.base)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (sample_of(5, n_targets=5), "got a target as its first token"),
        (sample_of(weight=0.0), "must have a weight above 0, got 0.0"),
        (sample_of(weight=math.nan), "must have a weight above 0, got nan"),
        (replace(sample_of(), ids=(1, 2)), r"got \(2, 12, 12\)"),
    ],
)
def test_samples_that_cannot_be_learnt_from_are_refused(sample, message):
    with pytest.raises(ConfigError, match=message):
        check_dataset(Dataset((sample,), "base"), "base")


def test_an_empty_dataset_is_refused():
    with pytest.raises(ConfigError, match="must hold a sample, got none"):
        check_dataset(Dataset((), "base"), "base")


def test_a_dataset_of_another_base_is_refused(dataset):
    with pytest.raises(ConfigError, match=f"that are trained, 'other', got '{dataset.base}'"):
        check_dataset(dataset, "other")


@pytest.mark.parametrize("spoil", ["missing", "no table", "cut short", "other columns"])
def test_a_file_that_is_no_dataset_is_refused(dataset, tmp_path, spoil):
    import pandas as pd

    path = tmp_path / "dataset.parquet"
    if spoil == "no table":
        path.write_bytes(b"ids")
    elif spoil == "cut short":
        write_dataset(dataset, path)
        path.write_bytes(path.read_bytes()[:-20])
    elif spoil == "other columns":
        pd.DataFrame({"ids": [[1]]}).to_parquet(path)

    with pytest.raises(ConfigError, match=r"dataset '.*dataset\.parquet' must"):
        read_dataset(path)
