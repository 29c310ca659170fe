"""A judge that rates on a scale by the probabilities of its labels."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from simlab.agents.judge import Case, Judge
from simlab.agents.labels import label_in, spellings
from simlab.agents.remembering import MemorySpec, make_memory
from simlab.agents.warping import warped
from simlab.env.environment import Seat
from simlab.env.options import at_least, one_of
from simlab.env.scale import Scale
from simlab.env.score import Score
from simlab.errors import JudgeError
from simlab.models.model import ChatMessage, Model, Sampling, as_sampling

MIN_MASS = 0.05
"""With less probability on all labels together, a rating is missing."""

Mode = Literal["raw", "legacy_warped"]
Missing = Literal["missing", "legacy_zero"]


class RatingJudge(Judge):
    """Rates on a scale by the probabilities of its labels, from the model's logits alone.

    The value is the expectation over the labels, weighted by their probabilities given that one of
    them is answered (Liu et al. 2023, G-Eval, eq. 1). A label has the probability of all its
    spellings together, such as ``"8"`` and ``" 8"``.

    Asked in a seat for a score on a scale, it goes by the request's question and scale.

    Example::

        judge = RatingJudge(model, question="How kind was it?", scale=range(1, 11))
        score = await judge.score(trajectory)

    Args:
        model: Rates.
        question: What is rated, in words; may be empty where whoever asks says it.
        scale: Labels and their values, or numbers that are both.
        min_mass: With less probability on all labels together, the value is missing.
        begun: How the model's reply begins, up to the label.
        mode: ``raw`` weighs labels as the logits do; ``legacy_warped`` as the Influence benchmark
            did, see `simlab.agents.warping`.
        missing: ``legacy_zero`` gives the value 0 where it is missing, as that benchmark did.
        retries: So many replies are drawn and read where the value would be missing.
        sampling: How these are drawn; may be a mapping of `Sampling`'s fields.
        length_penalty: Taken from the value for each character of what was said last; the
            distribution stays as it is.
        name: See `Judge`.
        memory: What it remembers in a seat; see `make_memory`. By default everything.
        seat: See `Judge`.

    Raises:
        ValueError: The scale is none, `min_mass` is outside ``[0, 1]``, another number is negative,
            or `mode` or `missing` is none that there is.
    """

    rates_on_any_scale = True

    def __init__(
        self,
        model: Model,
        *,
        question: str = "",
        scale: Mapping[str, float] | Sequence[float] = (1, 2, 3, 4, 5),
        min_mass: float = MIN_MASS,
        begun: str = "Rating:",
        mode: Mode = "raw",
        missing: Missing = "missing",
        retries: int = 0,
        sampling: Sampling | Mapping[str, Any] = Sampling(max_tokens=8),
        length_penalty: float = 0.0,
        name: str = "rating",
        memory: MemorySpec = "list",
        seat: Seat = "",
    ) -> None:
        if not 0 <= min_mass <= 1:
            raise ValueError(f"min_mass must be in [0, 1], got {min_mass!r}")
        if not 0 <= length_penalty < math.inf:
            raise ValueError(
                f"length_penalty must be at least 0 and finite, got {length_penalty!r}"
            )
        at_least("retries", retries, 0)
        one_of("mode", mode, get_args(Mode))
        one_of("missing", missing, get_args(Missing))
        self._scale = Scale(scale) if isinstance(scale, Mapping) else Scale.of(scale)
        super().__init__(
            name=name, memory=make_memory(memory, model), seat=seat, bounds=self._scale.bounds
        )
        self.model = model
        self._question = question
        self._min_mass = min_mass
        self._begun = begun
        self._mode = mode
        self._missing = missing
        self._retries = retries
        self._sampling = as_sampling(sampling)
        self._length_penalty = length_penalty

    async def judge(self, case: Case) -> Score:
        """The expectation over the labels; missing where they have too little mass."""
        scale = case.scale or self._scale
        prompt = self._prompt(case, scale)
        score = await self._expected(prompt, scale)
        if score.is_missing and self._retries:
            score = await self._drawn(prompt, scale, score)
        if score.value is None:
            return replace(score, value=0.0) if self._missing == "legacy_zero" else score
        n_characters = len(case.said[-1].text) if case.said else 0
        return replace(score, value=score.value - self._length_penalty * n_characters)

    def _prompt(self, case: Case, scale: Scale) -> list[ChatMessage]:
        question = case.question or self._question
        if not question.strip():
            raise JudgeError(f"judge {self.name!r} must be given a question, got none")
        asked = f"{question}\nAnswer with one of: {', '.join(scale.labels)}."
        return [*case.chat(asked), ChatMessage("assistant", self._begun)]

    async def _expected(self, prompt: Sequence[ChatMessage], scale: Scale) -> Score:
        """The score by the labels' probabilities."""
        spelt = spellings(scale.labels)
        logprobs = await self.model.choice_logprobs(prompt, tuple(spelt))
        parts = {spelling: math.exp(logprobs[spelling]) for spelling in spelt}
        mass = math.fsum(parts.values())
        if mass == 0:
            return Score(None, mass=0.0)
        if self._mode == "legacy_warped":
            parts = warped(parts, judge=self.name)
        total = math.fsum(parts.values())
        weights = dict.fromkeys(scale.labels, 0.0)
        for spelling, part in parts.items():
            weights[spelt[spelling]] += part / total
        value = scale.expectation(weights) if mass >= self._min_mass else None
        return Score(value, weights, min(mass, 1.0))

    async def _drawn(self, prompt: Sequence[ChatMessage], scale: Scale, missing: Score) -> Score:
        """The score by the first reply drawn in which one label stands; else the missing one."""
        for _ in range(self._retries):
            reply = (await self.model.generate(prompt, self._sampling)).text
            label = label_in(reply, scale.labels)
            if label is not None:
                reason = f"drawn: {reply.strip()!r}"
                return replace(scale.certain(label), mass=missing.mass, reason=reason)
        return missing
