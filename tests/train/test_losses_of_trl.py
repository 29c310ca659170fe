"""Our losses beside TRL's, on one batch by one pair of models."""

import importlib.util

import pytest

from simlab.train.batches import mismatched, partners
from tests.train.conftest import labelled

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore"),  # TRL's and accelerate's own
    pytest.mark.skipif(
        importlib.util.find_spec("trl") is None,
        reason="TRL is not installed: nothing to compare with",
    ),
]


@pytest.fixture
def models(tiny_weights):
    """A model, and another one as its reference."""
    import torch
    from transformers import AutoModelForCausalLM

    policy = AutoModelForCausalLM.from_pretrained(tiny_weights)
    reference = AutoModelForCausalLM.from_pretrained(tiny_weights)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return policy.eval(), reference.eval()


@pytest.fixture
def trl_trainer(tiny_weights, tmp_path):
    """Makes a trainer of TRL for a model and its reference, on a dataset that plays no part."""
    import torch
    import trl
    from datasets import Dataset
    from transformers import AutoTokenizer

    rows = {
        "SFT": [{"text": "hello"}] * 2,
        "KTO": [{"prompt": "hi", "completion": "ho", "label": n > 0} for n in range(2)],
        "DPO": [{"prompt": "hi", "chosen": "ho", "rejected": "ha"}] * 2,
    }

    def make(name, models, **settings):
        tokenizer = AutoTokenizer.from_pretrained(tiny_weights)
        tokenizer.pad_token = tokenizer.eos_token
        config = getattr(trl, f"{name}Config")(
            output_dir=str(tmp_path), use_cpu=True, report_to="none", bf16=False, **settings
        )
        given = {} if name == "SFT" else {"ref_model": models[1]}
        with torch.random.fork_rng():
            return getattr(trl, f"{name}Trainer")(
                model=models[0],
                args=config,
                train_dataset=Dataset.from_list(rows[name]),
                processing_class=tokenizer,
                **given,
            )

    return make


def padded(samples, prefix=""):
    """What TRL's collators make of samples."""
    from simlab.train.scorer import _padded

    ids, mask, known = _padded(samples)
    return {
        f"{prefix}input_ids": ids,
        f"{prefix}attention_mask": known,
        f"{prefix}completion_mask": mask.long(),
    }


def scored(models, samples):
    """The batch record of ours."""
    import torch

    from simlab.train.losses import Scored
    from simlab.train.scorer import Scorer

    policy, reference = (Scorer(model, max_tokens=4096) for model in models)
    with torch.no_grad():
        logprobs, mask = policy.score(samples)
    return Scored(
        logprobs,
        mask,
        torch.ones(len(samples)),
        torch.tensor([sample.label for sample in samples]),
        torch.tensor(reference.sums(samples)),
    )


def loss_of(trainer, inputs):
    """What TRL computes, as a number."""
    import torch

    trainer.model.eval()
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model, inputs))


def test_sft_agrees_with_trl(models, trl_trainer):
    from simlab.train.losses import sft_loss

    samples = labelled(6)
    inputs = padded(samples)
    labels = inputs["input_ids"].masked_fill(inputs.pop("completion_mask") == 0, -100)

    wanted = loss_of(trl_trainer("SFT", models, loss_type="nll"), {**inputs, "labels": labels})

    assert float(sft_loss(scored(models, samples)).mean) == pytest.approx(wanted, abs=1e-5)


def test_dpo_agrees_with_trl(models, trl_trainer):
    from simlab.train.losses import dpo_loss

    samples = labelled(6)
    chosen_first = [*samples[0::2], *samples[1::2]]

    wanted = loss_of(trl_trainer("DPO", models, beta=0.3), padded(chosen_first))

    found = float(dpo_loss(scored(models, samples), beta=0.3).mean)
    assert found == pytest.approx(wanted, abs=1e-5)
    assert abs(found - 0.6931) > 1e-2


@pytest.mark.parametrize("is_swapped", [False, True])
def test_kto_agrees_with_trl(models, trl_trainer, is_swapped):
    import torch

    from simlab.train.losses import kl_estimate, kto_loss
    from simlab.train.scorer import Scorer

    models = models[::-1] if is_swapped else models
    samples = labelled(5)
    mismatches = [
        mismatched(samples[prompt], samples[reply]) for prompt, reply in partners(range(5), 5)
    ]

    wanted = loss_of(
        trl_trainer("KTO", models, beta=0.3, undesirable_weight=0.7),
        {
            **padded(samples),
            **padded(mismatches, "KL_"),
            "label": torch.tensor([sample.label for sample in samples]),
        },
    )

    sums = (torch.tensor(Scorer(one, max_tokens=4096).sums(mismatches)) for one in models)
    kl = kl_estimate(*sums)
    batch = scored(models, samples)
    found = float(kto_loss(batch, beta=0.3, kl=kl, undesirable=0.7).mean)
    assert found == pytest.approx(wanted, abs=1e-5)
    without = float(kto_loss(batch, beta=0.3, kl=0.0, undesirable=0.7).mean)
    assert (kl == 0.0) == (without == found) == is_swapped
