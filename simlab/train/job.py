"""A job: the steps in which one adapter learns from one dataset."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import chain

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from simlab.errors import TrainingError
from simlab.train.batches import Unit, micro_batches, mismatched, partners, steps, units_for
from simlab.train.lora import Lora
from simlab.train.losses import Loss, Scored, dpo_loss, kl_estimate, kto_loss, sft_loss
from simlab.train.options import TrainingOptions, undesirable_weight
from simlab.train.progress import OnProgress, Progress, StepReport
from simlab.train.sample import Sample
from simlab.train.scorer import Scorer


class Job:
    """Trains an adapter on samples.

    What the reference makes of the samples is computed once, by `refer`, before the first step.

    Args:
        lora: The adapter, as it is to be begun with.
        scorer: Of the model that it is on.
        samples: Are learnt from.
        options: How.
        on_progress: Is told how far it is.

    Raises:
        ConfigError: The samples are not such as the loss learns from.
    """

    def __init__(
        self,
        lora: Lora,
        scorer: Scorer,
        samples: Sequence[Sample],
        options: TrainingOptions,
        on_progress: OnProgress,
    ) -> None:
        self._lora, self._scorer = lora, scorer
        self._samples, self._options, self._tell = samples, options, on_progress
        self._lengths = [len(sample.ids) for sample in samples]
        rng = np.random.default_rng(options.seed)
        units = units_for(options.loss, samples)
        self._course = list(
            steps(units, batch_size=options.batch_size, epochs=options.epochs, rng=rng)
        )
        n_desirable = sum(sample.label is True for sample in samples)
        self._undesirable = undesirable_weight(
            n_desirable, len(samples) - n_desirable, options.target_ratio
        )
        self._references = [0.0] * len(samples)
        self._mismatches: dict[tuple[int, int], float] = {}
        self.n_tokens = 0

    def refer(self, anchored: AbstractContextManager[None]) -> None:
        """Let the reference score what will be learnt from.

        Args:
            anchored: Within it the model computes as the reference does.
        """
        pairs = sorted({pair for units in self._course for pair in self._partners(units)})
        samples = [*self._samples, *(self._mismatch(pair) for pair in pairs)]
        found: list[float] = []
        with anchored:
            for first in range(0, len(samples), self._options.batch_size):
                found += self._scorer.sums(samples[first : first + self._options.batch_size])
                self._tell(Progress("reference", len(found), len(samples)))
        self._references = found[: len(self._samples)]
        self._mismatches = dict(zip(pairs, found[len(self._samples) :], strict=True))

    def run(self) -> list[StepReport]:
        """Take all steps.

        Raises:
            TrainingError: A loss or a gradient is not finite.
        """
        options = self._options
        optimiser = torch.optim.AdamW(
            self._lora.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        reports: list[StepReport] = []
        self._lora.model.train()
        for number, units in enumerate(self._course):
            rate = options.rate_at(number, len(self._course))
            for group in optimiser.param_groups:
                group["lr"] = rate
            reports.append(self._learn(units, rate))
            optimiser.step()
            optimiser.zero_grad()
            done = Progress("train", number + 1, len(self._course), self.n_tokens, reports[-1].loss)
            self._tell(done)
        self._lora.model.eval()
        return reports

    def _learn(self, units: Sequence[Unit], rate: float) -> StepReport:
        """Leave the gradient of a step's mean loss in the parameters."""
        kl = self._kl(units)
        total = size = 0.0
        for places in micro_batches(units, self._lengths, self._options.micro_tokens):
            loss = self._loss(places, kl)
            loss.total.backward()  # type: ignore[no-untyped-call] # of torch
            total += float(loss.total.detach())
            size += loss.size
            self.n_tokens += sum(self._lengths[place] for place in places)
        parameters = self._lora.parameters()
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad /= size
        norm = float(clip_grad_norm_(parameters, self._options.max_grad_norm))
        if not np.isfinite([total, norm]).all():
            raise TrainingError(
                f"loss and gradient must be finite, got {total / size!r} and {norm!r} of a step of "
                f"{len(units)}; lower learning_rate, or train in float32"
            )
        return StepReport(total / size, norm, rate, kl)

    def _loss(self, places: Sequence[int], kl: float) -> Loss:
        batch = self._scored(places)
        match self._options.loss:
            case "sft":
                return sft_loss(batch)
            case "kto":
                beta, undesirable = self._options.beta, self._undesirable
                return kto_loss(batch, beta=beta, kl=kl, undesirable=undesirable)
            case "dpo":
                return dpo_loss(batch, beta=self._options.beta)

    def _scored(self, places: Sequence[int]) -> Scored:
        samples = [self._samples[place] for place in places]
        logprobs, mask = self._scorer.score(samples)
        device = logprobs.device
        return Scored(
            logprobs,
            mask,
            weight=torch.tensor([sample.weight for sample in samples], device=device),
            label=torch.tensor([sample.label is True for sample in samples], device=device),
            reference=torch.tensor([self._references[place] for place in places], device=device),
        )

    def _kl(self, units: Sequence[Unit]) -> float:
        """KTO's anchor for a step; 0 for other losses."""
        pairs = self._partners(units)
        if not pairs:
            return 0.0
        policy = self._scorer.sums([self._mismatch(pair) for pair in pairs])
        reference = [self._mismatches[pair] for pair in pairs]
        return kl_estimate(torch.tensor(policy), torch.tensor(reference))

    def _partners(self, units: Sequence[Unit]) -> list[tuple[int, int]]:
        if self._options.loss != "kto":
            return []
        return partners([*chain.from_iterable(units)], len(self._samples))

    def _mismatch(self, pair: tuple[int, int]) -> Sample:
        prompt, reply = pair
        return mismatched(self._samples[prompt], self._samples[reply])
