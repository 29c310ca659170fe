"""Training: what a step of LoRA costs beside transformers' own Trainer with PEFT.

Both learn by heart the same samples of several lengths, with the same adapter, batch and optimiser,
on the same weights, each in a process of its own that has taken a step before. They compute on one
thread: several spin while they wait for each other, which on a busy machine is most of their time.
"""

import resource
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.measuring import Cost, Figures, fresh, measured, resident_bytes
from benchmarks.report import Bar, progress, report
from simlab.models.weights import resolve
from simlab.train.dataset import Dataset
from simlab.train.options import LoraOptions, TrainingOptions
from simlab.train.sample import Sample

WEIGHTS = "embedded"
DTYPE = "float32"
SAMPLES, BATCH = 16, 8
SHORTEST, LONGEST = 64, 256
MICRO_TOKENS = 1024
N_REPEATS = 3
LORA = LoraOptions(rank=16, alpha=32)

BARS = (
    Bar("to_transformers", at_least=1.0),
    Bar("held_to_transformers", at_most=1.0),
)


def measure() -> Figures:
    """Tokens a CPU second of ours and of theirs, and the bytes that each has held at most."""
    figures: Figures = {}
    works: dict[str, Callable[[], Figures]] = {"ours": _ours, "transformers": _theirs}
    for name, work in works.items():
        progress(f"{name}: {SAMPLES} samples of {SHORTEST} to {LONGEST} tokens")
        figures[name] = fresh(work)
    ours, theirs = figures["ours"], figures["transformers"]
    assert isinstance(ours, dict), "made above"
    assert isinstance(theirs, dict), "made above"
    figures["to_transformers"] = _ratio(ours, theirs, "tokens_per_cpu_s")
    figures["held_to_transformers"] = _ratio(ours, theirs, "held_bytes")
    return figures


def _ours() -> Figures:
    from simlab.train.trainer import Trainer

    trainer = Trainer(WEIGHTS, dtype=DTYPE, device="cpu", threads=1)
    options = TrainingOptions(
        learning_rate=1e-4, batch_size=BATCH, micro_tokens=MICRO_TOKENS, lora=LORA
    )

    def train(samples: tuple[Sample, ...]) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            trainer.train(Dataset(samples, trainer.base), options, Path(scratch) / "agent@1")

    return _measured(train)


def _theirs() -> Figures:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, PrinterCallback, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained(resolve(WEIGHTS), dtype=DTYPE)
    config = LoraConfig(r=LORA.rank, lora_alpha=LORA.alpha, target_modules="all-linear")
    model = get_peft_model(base, config)
    at_once = MICRO_TOKENS // LONGEST

    def train(samples: tuple[Sample, ...]) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            arguments = TrainingArguments(
                output_dir=scratch,
                per_device_train_batch_size=at_once,
                gradient_accumulation_steps=BATCH // at_once,
                num_train_epochs=1,
                learning_rate=1e-4,
                use_cpu=True,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
            )
            trainer = Trainer(
                model=model,
                args=arguments,
                train_dataset=[_row(sample) for sample in samples],
                data_collator=_padded,
            )
            trainer.remove_callback(PrinterCallback)  # it prints between our own lines
            trainer.train()

    return _measured(train)


def _measured(train: Callable[[tuple[Sample, ...]], None]) -> Figures:
    """What training on all samples costs, once it has been done on two."""
    import torch

    torch.set_num_threads(1)
    samples = _samples()
    train(samples[:2])
    before = resident_bytes()
    costs = []
    for _ in range(N_REPEATS):
        with measured() as cost:
            train(samples)
        costs.append(cost)
    return _figures(costs, sum(len(sample.ids) for sample in samples), before)


def _figures(costs: Sequence[Cost], n_tokens: int, before: int) -> Figures:
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    per_cpu_s = [n_tokens / cost.cpu_s for cost in costs]
    return {
        "tokens_per_cpu_s": round(median(per_cpu_s), 1),
        "lowest_tokens_per_cpu_s": round(min(per_cpu_s), 1),
        "highest_tokens_per_cpu_s": round(max(per_cpu_s), 1),
        "tokens_per_s": round(median(n_tokens / cost.wall_s for cost in costs), 1),
        "n_repeats": len(costs),
        "resident_bytes": before,
        "held_bytes": held,
    }


def _samples() -> tuple[Sample, ...]:
    """Random tokens of log-uniform lengths, half of each sample targets."""
    rng = np.random.default_rng(0)
    lengths = np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST), SAMPLES)).astype(int)
    return tuple(map(partial(_sample, rng), lengths.tolist()))


def _sample(rng: np.random.Generator, length: int) -> Sample:
    ids = tuple(rng.integers(1_000, 40_000, length).tolist())
    n_told = length // 2
    mask = (False,) * n_told + (True,) * (length - n_told)
    return Sample(ids, mask, (0.0,) * length)


def _row(sample: Sample) -> dict[str, list[int]]:
    labels = [
        token if marked else -100 for token, marked in zip(sample.ids, sample.mask, strict=True)
    ]
    return {"input_ids": list(sample.ids), "labels": labels}


def _padded(rows: list[dict[str, list[int]]]) -> dict[str, Any]:
    """Rows as one batch, padded to the longest."""
    import torch

    longest = max(len(row["input_ids"]) for row in rows)

    def pad(name: str, value: int) -> Any:
        return torch.tensor([row[name] + [value] * (longest - len(row[name])) for row in rows])

    known = [[1] * len(row["input_ids"]) for row in rows]
    attention = torch.tensor([one + [0] * (longest - len(one)) for one in known])
    return {
        "input_ids": pad("input_ids", 0),
        "labels": pad("labels", -100),
        "attention_mask": attention,
    }


def _ratio(one: Figures, other: Figures, name: str) -> float:
    first, second = one[name], other[name]
    assert isinstance(first, int | float), "made above"
    assert isinstance(second, int | float), "made above"
    return round(first / second, 3)


if __name__ == "__main__":
    report("train", measure, bars=BARS)
