"""What replicas claim, and whether machines have room for it."""

import pytest

from simlab.errors import ConfigError
from simlab.models.claims import Claim, Machine, check_room, claim_of
from simlab.models.engines import ModelSpec
from simlab.models.transformers_model import TransformersModel
from simlab.models.vllm_model import VllmModel

GIB = 2**30


def machine(gpus=0.0, cpus=8.0, gib=8.0):
    resources = {"CPU": cpus, "memory": gib * GIB} | ({"GPU": gpus} if gpus else {})
    return Machine(resources, resources)


@pytest.fixture(autouse=True)
def _sizes(monkeypatch):
    """Lets all weights take 3 GiB."""
    for kind in (VllmModel, TransformersModel):
        monkeypatch.setattr(kind, "memory_bytes", lambda _self: 3 * GIB)


def claim(machines, **options):
    return claim_of("small", ModelSpec.model_validate({"engine": "vllm", **options}), machines)


@pytest.mark.parametrize(
    ("options", "gpus"),
    [
        ({}, 1),
        ({"tensor_parallel": 2}, 2),
        ({"num_gpus": 0}, 0),
        ({"num_gpus": 0.5}, 0.5),
        ({"engine": "transformers"}, 1),
        ({"engine": "transformers", "device": "cpu"}, 0),
        ({"engine": "embedding"}, 1),
        ({"engine": "scripted"}, 0),
        ({"engine": "scripted", "num_gpus": 4}, 4),
    ],
)
def test_a_replica_claims_the_gpus_that_its_engine_computes_on(options, gpus):
    assert claim([machine(), machine(gpus=8)], **options).gpus == gpus


def test_without_gpus_in_the_cluster_it_claims_none_but_the_memory_that_it_takes():
    assert claim([machine()]) == Claim(memory_bytes=3 * GIB)
    assert claim([machine(gpus=1)]) == Claim(gpus=1)


@pytest.mark.parametrize(
    ("options", "n_gpus"),
    [
        ({"tensor_parallel": 2, "num_gpus": 1}, 2),
        ({"num_gpus": 2}, 1),
        ({"engine": "transformers", "device": "cpu", "num_gpus": 1}, 0),
    ],
)
def test_a_claim_of_other_gpus_than_the_engine_computes_on_is_refused(options, n_gpus):
    told = rf"models.small.num_gpus must be as many .* is {n_gpus}, got {options['num_gpus']}"

    with pytest.raises(ConfigError, match=told):
        claim([machine(gpus=8)], **options)


@pytest.mark.parametrize(
    ("each", "n_replicas", "machines"),
    [
        (Claim(gpus=2), 2, [machine(gpus=2), machine(gpus=3)]),
        (Claim(gpus=0.5, cpus=1), 4, [machine(gpus=2)]),
        (Claim(cpus=0.1), 80, [machine()]),
        (Claim(memory_bytes=4 * GIB), 4, [machine(), machine()]),
        (Claim(), 1000, []),
    ],
)
def test_what_fits_on_machines_is_let_through(each, n_replicas, machines):
    check_room("small", each, n_replicas, machines)


@pytest.mark.parametrize(
    ("each", "n_replicas", "machines", "message"),
    [
        (
            Claim(gpus=2),
            1,
            [machine(gpus=1), machine(gpus=1)],
            "1 replicas of 2 GPU want 2, each whole on one machine, and the cluster has 2, of "
            "which 1, 1 are free by machine; ask for fewer or join",
        ),
        (
            Claim(memory_bytes=5 * GIB),
            3,
            [machine(), machine()],
            "3 replicas of 5.0 GiB of memory want 15.0, each whole on one machine, and the cluster "
            "has 16.0, of which 8.0, 8.0 are free by machine; ask for fewer, take a dtype of",
        ),
        (
            Claim(gpus=1, cpus=8),
            2,
            [machine(gpus=2), machine()],
            "2 replicas want {'GPU': 1, 'CPU': 8} each on one machine, and those of the cluster "
            "have room for 1; ask for fewer or join",
        ),
        (Claim(cpus=1), 1, [], "1 replicas of 1 CPU want 1, each whole on one machine, and"),
    ],
)
def test_what_fits_in_sum_and_on_no_machine_is_refused_with_both(
    each, n_replicas, machines, message
):
    with pytest.raises(ConfigError) as refused:
        check_room("small", each, n_replicas, machines)

    assert f"models.small: {message}" in refused.value.message
