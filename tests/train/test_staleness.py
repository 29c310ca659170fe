"""How old samples are."""

import pytest

from simlab.errors import ConfigError
from simlab.train.dataset import Dataset
from simlab.train.staleness import check_versions, sift, staleness
from tests.train.conftest import sample_of


@pytest.mark.parametrize(
    ("sampled", "current", "age"),
    [
        ("small+agent@6", "small+agent@7", 1),
        ("small+agent@7", "small+agent@7", 0),
        ("small", "small+agent@1", 1),
        ("small", "big", 0),
        ("small+judge@6", "small+agent@7", None),
        ("small+agent@8", "small+agent@7", -1),
    ],
)
def test_train_20_versions_are_counted_from_the_base(sampled, current, age):
    assert staleness(sampled, current) == age


@pytest.mark.parametrize(("max_staleness", "n_fresh"), [(0, 2), (1, 3), (3, 4)])
def test_train_20_what_is_too_old_is_set_apart_and_counted(max_staleness, n_fresh):
    versions = ("agent@3", "agent@3", "agent@2", "agent@0", "agent@4", "judge@3")
    samples = [sample_of(version=f"small+{name}") for name in versions]

    sifted = sift(samples, "small+agent@3", max_staleness=max_staleness)

    assert len(sifted.fresh) == n_fresh
    assert len(sifted.stale) == 6 - n_fresh


def test_train_20_a_dataset_with_other_versions_is_refused_unless_they_are_near_enough():
    samples = [sample_of(version=f"small+agent@{n}") for n in (3, 3, 2)]
    dataset = Dataset(tuple(samples), "base")

    check_versions(dataset, "small+agent@3", max_staleness=1)
    with pytest.raises(ConfigError, match=r"got 1 of 3 by \['small\+agent@2'\]; drop them"):
        check_versions(dataset, "small+agent@3")
