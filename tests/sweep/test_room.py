import pytest

from simlab.errors import ConfigError
from simlab.models.claims import Claim, Machine
from simlab.sim.config import load_run_file
from simlab.sweep.room import Need, check_room_for, gpus_of_trainer, needs_of_models
from simlab.sweep.swept import Base

GIB = 2**30


def machine(**has):
    return Machine(has, has)


def test_sim_15_what_a_sweep_needs_is_summed_and_compared_with_what_is_there():
    needs = [Need("models.small", Claim(gpus=1), 2), Need("trainer", Claim(gpus=1))]
    machines = [Machine({"GPU": 2.0}, {"GPU": 2.0}), Machine({"GPU": 1.0}, {"GPU": 0.5})]

    with pytest.raises(ConfigError) as caught:
        check_room_for(needs, machines)

    assert caught.value.message == (
        "the sweep needs 3 GPU (models.small: 2 x 1 GPU + trainer: 1 GPU), and the cluster has "
        "3 GPU, of which 2.5 GPU are free; set fewer replicas or a smaller share by num_gpus and "
        "trainer_gpus, or join a larger cluster"
    )


def test_shares_of_one_gpu_fit_together():
    needs = [Need("models.small", Claim(gpus=0.6)), Need("trainer", Claim(gpus=0.4))]

    check_room_for(needs, [machine(GPU=1.0)])


def test_memory_is_told_in_gib():
    with pytest.raises(ConfigError, match=r"needs 3\.0 GiB of memory .* which 2\.0 GiB of memory"):
        check_room_for(
            [Need("models.small", Claim(memory_bytes=3 * GIB))], [machine(memory=2 * GIB)]
        )


def test_models_that_trials_share_count_once_and_those_that_are_up_do_not():
    files = [
        load_run_file(
            "car_sale",
            models=["all=scripted"],
            settings=["models.all.replicas=2", "models.all.num_cpus=3", f"seed={seed}"],
        )
        for seed in (1, 2)
    ]

    (need,) = needs_of_models(files, [], [])

    assert (need.claim.cpus, need.count) == (3, 2)
    from simlab.models.serving import shared_app
    from simlab.sim.service import served_specs

    up = [shared_app(spec) for spec in served_specs(files[0]).values()]
    assert needs_of_models(files, up, []) == []


@pytest.mark.parametrize(
    ("device", "machines", "gpus"),
    [
        ("auto", [machine(CPU=4)], 0),
        ("auto", [machine(GPU=1)], 0.5),
        ("cpu", [machine(GPU=1)], 0),
        ("cuda", [machine(CPU=4)], 0.5),
    ],
)
def test_the_trainer_claims_its_share_where_it_computes_on_gpus(device, machines, gpus):
    assert gpus_of_trainer([Base("embedded", "float32", device)], 0.5, machines) == gpus
