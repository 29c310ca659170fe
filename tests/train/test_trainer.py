"""Training on tiny random weights, and what is published of it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simlab.errors import ConfigError, TrainingError
from simlab.models.model import Sampling
from simlab.train.adapter import read_record
from simlab.train.options import LoraOptions
from tests.models.conftest import write_tiny
from tests.models.lora import write_lora
from tests.train.conftest import LORA, labelled, options, sample_of

pytestmark = pytest.mark.model


def nll(trainer, samples, adapter=None):
    """The mean over targets."""
    scored = trainer.logprobs(samples, adapter)
    return -np.mean([logprob for sample in scored for logprob in sample])


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_train_16_training_lowers_the_masked_nll_and_leaves_every_base_tensor_as_it_was(
    trainer, dataset_of, tmp_path
):
    dataset = dataset_of(sample_of(8 + n, first=n) for n in range(8))
    before, checksum = nll(trainer, dataset.samples), trainer.checksum()

    report = trainer.train(dataset, options(epochs=5), tmp_path / "agent@1")

    assert len(report.steps) == 10
    assert nll(trainer, dataset.samples, tmp_path / "agent@1") < 0.7 * before
    assert nll(trainer, dataset.samples) == before
    assert trainer.checksum() == checksum


def test_only_targets_are_learnt_from(trainer, dataset_of, tmp_path):
    told = sample_of(12, n_targets=3)
    other = replace(told, ids=(*told.ids[:-1], 200))

    trainer.train(dataset_of([told]), options(), tmp_path / "agent@1")
    trainer.train(dataset_of([other]), options(), tmp_path / "agent@2")
    masked = replace(other, mask=(*told.mask[:-1], False), logprobs=told.logprobs)
    trainer.train(dataset_of([masked]), options(), tmp_path / "agent@3")
    trainer.train(dataset_of([replace(masked, ids=told.ids)]), options(), tmp_path / "agent@4")

    tensors = [
        (tmp_path / f"agent@{n}" / "adapter_model.safetensors").read_bytes() for n in range(1, 5)
    ]
    assert tensors[0] != tensors[1]
    assert tensors[2] == tensors[3]


@pytest.mark.parametrize("loss", ["sft", "kto", "dpo"])
def test_equal_jobs_give_equal_adapters_and_move_no_random_generator(
    trainer, dataset_of, tmp_path, loss
):
    import torch

    samples = labelled(6)
    if loss == "sft":
        samples = [replace(sample, label=None) for sample in samples]
    if loss == "dpo":
        samples = [replace(sample, pair=place // 2) for place, sample in enumerate(samples)]
    given = options(loss, epochs=2, lora=replace(LORA, dropout=0.2), seed=5)
    before = torch.random.get_rng_state()

    for n in (1, 2):
        trainer.train(dataset_of(samples), given, tmp_path / f"agent@{n}")
        torch.rand(n)
        torch.random.set_rng_state(before)
    trainer.train(dataset_of(samples), replace(given, seed=6), tmp_path / "agent@3")

    assert torch.equal(torch.random.get_rng_state(), before)
    assert bytes_of(tmp_path / "agent@1") == bytes_of(tmp_path / "agent@2")
    assert bytes_of(tmp_path / "agent@1") != bytes_of(tmp_path / "agent@3")


@pytest.mark.parametrize("loss", ["sft", "kto", "dpo"])
def test_micro_batches_of_any_size_come_to_the_same_step(trainer, dataset_of, tmp_path, loss):
    samples = [replace(one, pair=place // 2) for place, one in enumerate(labelled(6))]
    if loss == "sft":
        samples = [replace(one, label=None) for one in samples]
    samples[0] = replace(samples[0], weight=3.0)

    steps = [
        trainer.train(
            dataset_of(samples),
            options(loss, batch_size=6, micro_tokens=micro_tokens),
            tmp_path / f"agent@{micro_tokens}",
        ).steps[0]
        for micro_tokens in (10_000, 1, 60)
    ]

    for step in steps[1:]:
        assert step.loss == pytest.approx(steps[0].loss, rel=1e-5)
        assert step.grad_norm == pytest.approx(steps[0].grad_norm, rel=1e-4)


def test_kto_is_drawn_to_what_is_desirable_and_away_from_the_rest(trainer, dataset_of, tmp_path):
    samples = labelled(8)
    good, bad = samples[0::2], samples[1::2]

    report = trainer.train(
        dataset_of(samples), options("kto", epochs=8, beta=0.1), tmp_path / "agent@1"
    )

    def gap(adapter):
        return nll(trainer, bad, adapter) - nll(trainer, good, adapter)

    assert gap(tmp_path / "agent@1") > gap(None) + 0.5
    assert report.steps[0].kl == 0.0
    assert all(step.kl >= 0 for step in report.steps)


def test_dpo_prefers_the_chosen_of_each_pair(trainer, dataset_of, tmp_path):
    samples = [replace(sample, pair=place // 2) for place, sample in enumerate(labelled(8))]

    report = trainer.train(dataset_of(samples), options("dpo", epochs=6), tmp_path / "agent@1")

    assert report.steps[0].loss == pytest.approx(math.log(2), abs=1e-5)
    assert report.steps[-1].loss < 0.8 * math.log(2)


async def test_train_17_a_published_adapter_is_served_with_the_logprobs_of_the_trainer(
    trainer, tiny_engine, dataset_of, tmp_path
):
    folder = tmp_path / "agent@1"
    lora = LoraOptions(rank=4, alpha=16, stabilised=True)
    trainer.train(dataset_of([sample_of(20)]), options(epochs=4, lora=lora), folder)
    prompt = [(3 + 5 * place) % 250 for place in range(40)]

    completion = await tiny_engine.generate(
        prompt, Sampling(max_tokens=20, seed=1, logprobs=True), adapter=str(folder)
    )

    n = len(completion.token_ids)
    drawn = sample_of(0, n_targets=0)
    drawn = replace(
        drawn,
        ids=(*prompt, *completion.token_ids),
        mask=(False,) * 40 + (True,) * n,
        logprobs=(0.0,) * 40 + completion.logprobs,
    )
    [found] = trainer.logprobs([drawn], folder)
    assert found == pytest.approx(completion.logprobs, abs=1e-3)
    [base] = trainer.logprobs([drawn])
    assert base != pytest.approx(completion.logprobs, abs=0.1)


def test_a_version_goes_on_from_the_one_before(trainer, dataset_of, tmp_path):
    dataset = dataset_of(sample_of(8 + n, first=n) for n in range(8))
    first, second, afresh = (tmp_path / name for name in ("agent@1", "agent@2", "fresh@2"))
    trainer.train(dataset, options(epochs=3), first)

    trainer.train(dataset, options(epochs=3), second, previous=first)
    trainer.train(dataset, options(epochs=3, start="base"), afresh, previous=first)

    assert nll(trainer, dataset.samples, second) < 0.8 * nll(trainer, dataset.samples, first)
    record = read_record(second)
    assert (record.base, record.parent) == (trainer.base, "agent@1")
    assert record.data == dataset.digest()
    assert read_record(afresh).parent == ""
    assert (afresh / "adapter_model.safetensors").read_bytes() == (
        first / "adapter_model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize(
    ("start", "anchor"),
    [("previous", "previous"), ("previous", "base"), ("base", "previous"), ("base", "base")],
)
def test_influence_10_the_reference_is_the_previous_version_or_the_base(
    trainer, dataset_of, tmp_path, start, anchor
):
    samples = [replace(sample, pair=place // 2) for place, sample in enumerate(labelled(4))]
    before = tmp_path / "agent@1"
    trainer.train(dataset_of(samples), options("dpo", epochs=3), before)

    report = trainer.train(
        dataset_of(samples),
        options("dpo", start=start, anchor=anchor),
        tmp_path / "agent@2",
        previous=before,
    )

    is_at_reference = report.steps[0].loss == pytest.approx(math.log(2), abs=1e-5)
    assert is_at_reference == (start == anchor)


def test_an_adapter_of_another_base_is_refused_before_training(
    trainer, dataset_of, tmp_path_factory, tmp_path
):
    from simlab.train.trainer import Trainer

    other = Trainer(
        str(write_tiny(tmp_path_factory.mktemp("other"), end=None)), device="cpu", threads=1
    )
    dataset = replace(dataset_of([sample_of()]), base=other.base)
    other.train(dataset, options(), tmp_path / "agent@1")
    told = []

    with pytest.raises(ConfigError, match=f"are trained, '{trainer.base}', got one of 'other0'"):
        trainer.train(
            dataset_of([sample_of()]),
            options(),
            tmp_path / "agent@2",
            previous=tmp_path / "agent@1",
            on_progress=told.append,
        )

    assert not told
    assert not (tmp_path / "agent@2").exists()


def test_an_adapter_of_other_shapes_or_scales_is_refused_before_training(
    trainer, dataset_of, tiny_weights, tmp_path
):
    few = Path(
        write_lora(tmp_path / "agent@1", tiny_weights, seed=1, rank=4, alpha=8, use_rslora=False)
    )
    scaled = Path(write_lora(tmp_path / "agent@2", tiny_weights, seed=1, rank=4, alpha=9))
    uneven = Path(
        write_lora(
            tmp_path / "uneven", tiny_weights, seed=1, rank=4, alpha=8, alpha_pattern={"q_proj": 4}
        )
    )

    for previous, named in (
        (few, "begin with one that does"),
        (scaled, "lora_alpha 8"),
        (uneven, "must have alpha_pattern {} as what is trained, got {'q_proj': 4}"),
    ):
        with pytest.raises(ConfigError, match=named):
            trainer.train(
                dataset_of([sample_of()]), options(), tmp_path / "agent@3", previous=previous
            )


def test_a_token_that_the_weights_do_not_know_is_refused(trainer, dataset_of, tmp_path):
    strange = replace(sample_of(), ids=(*sample_of().ids[:-1], 10**6))

    with pytest.raises(ConfigError, match="which the weights know, got 1000000; make the dataset"):
        trainer.train(dataset_of([strange]), options(), tmp_path / "agent@1")

    assert not (tmp_path / "agent@1").exists()


def test_a_dataset_of_another_base_is_refused(trainer, dataset_of, tmp_path):
    dataset = replace(dataset_of([sample_of()]), base="cd" * 16)

    with pytest.raises(ConfigError, match=f"'{trainer.base}', got '{'cd' * 16}'"):
        trainer.train(dataset, options(), tmp_path / "agent@1")


def test_a_loss_that_is_no_number_ends_the_job_and_publishes_nothing(trainer, dataset_of, tmp_path):
    with pytest.raises(TrainingError, match="lower learning_rate"):
        trainer.train(
            dataset_of([sample_of()]),
            options(learning_rate=1e30, epochs=5),
            tmp_path / "agent@1",
        )

    assert not any(tmp_path.iterdir())
    trainer.train(dataset_of([sample_of()]), options(), tmp_path / "agent@1")


def test_progress_is_told_and_tokens_are_counted(trainer, dataset_of, tmp_path):
    told = []
    samples = labelled(5)

    report = trainer.train(
        dataset_of(samples), options("kto", epochs=2), tmp_path / "agent@1", on_progress=told.append
    )

    phases = [one.phase for one in told]
    assert phases == sorted(phases)
    assert [one.done for one in told if one.phase == "train"] == [1, 2, 3, 4]
    assert told[-1].loss == report.steps[-1].loss
    assert report.n_tokens == told[-1].n_tokens == 2 * sum(len(one.ids) for one in samples)


def test_bfloat16_weights_are_trained_by_adapters_in_float32(tiny_weights, tmp_path):
    from safetensors.torch import load_file

    from simlab.train.dataset import Dataset
    from simlab.train.trainer import Trainer

    trainer = Trainer(str(tiny_weights), dtype="bfloat16", device="cpu", threads=1)
    dataset = Dataset(tuple(sample_of(8 + n, first=n) for n in range(8)), trainer.base)
    before = nll(trainer, dataset.samples)

    trainer.train(dataset, options(epochs=4), tmp_path / "agent@1")

    tensors = load_file(tmp_path / "agent@1" / "adapter_model.safetensors")
    assert {str(tensor.dtype) for tensor in tensors.values()} == {"torch.float32"}
    assert nll(trainer, dataset.samples, tmp_path / "agent@1") < 0.8 * before


def test_checkpointing_gives_the_same_adapter(trainer, dataset_of, tmp_path):
    dataset = dataset_of(sample_of(8 + n, first=n) for n in range(4))

    trainer.train(dataset, options(), tmp_path / "agent@1")
    trainer.train(dataset, options(checkpointing=True), tmp_path / "agent@2")

    one, other = (
        (tmp_path / name / "adapter_model.safetensors").read_bytes()
        for name in ("agent@1", "agent@2")
    )
    assert one == other


def test_layers_that_the_weights_do_not_have_are_refused(trainer, dataset_of, tmp_path):
    with pytest.raises(ConfigError, match=r"lora\.targets must name"):
        trainer.train(
            dataset_of([sample_of()]),
            options(lora=LoraOptions(targets=("query",))),
            tmp_path / "agent@1",
        )
