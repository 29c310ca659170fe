"""Judges: agents whose action is a score, in a seat during play or over a trajectory after it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import make_dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from simlab.agents.memory import MemoryItem
from simlab.agents.remembering import MemorySpec, make_memory
from simlab.env.environment import ActionRequest, Seat
from simlab.env.score import Score
from simlab.env.spaces import admit
from simlab.errors import JudgeError, UnfitAnswerError
from simlab.models.answer_schema import answer_schema
from simlab.models.answers import ask
from simlab.models.model import ChatMessage, Model, Sampling, as_sampling
from simlab.trace.tracing import span

MIN_MASS = 0.05
"""With less probability on all labels together, a rating is missing."""

_TRANSCRIPT = "Here is what happened:\n{transcript}\n\n{question}"


class Transcribed(Protocol):
    """What a judge reads of a trajectory."""

    @property
    def episode(self) -> int:
        """Number of the episode."""
        ...

    @property
    def seat(self) -> Seat:
        """Whose trajectory it is; empty for the whole episode's."""
        ...

    def transcript(self) -> str:
        """What was done and perceived, a line each."""
        ...


class Judge(ABC):
    """An agent whose action is a score.

    In a seat it remembers what it observes and judges that when it is asked. A request for a
    `Score` gets the score, one for a number its value, one for a choice its likeliest label.

    Args:
        model: Judges.
        name: In spans and messages.
        memory: What it remembers in a seat; see `make_memory`. By default everything.
        seat: Where it sits.
    """

    def __init__(
        self, model: Model, *, name: str = "judge", memory: MemorySpec = "list", seat: Seat = ""
    ) -> None:
        self.model = model
        self.name = name
        self._memory = make_memory(memory, model)
        self._seat = seat

    @abstractmethod
    async def judge(self, transcript: str) -> Score:
        """Judge what happened.

        Args:
            transcript: A line for each thing that was said, done or perceived.

        Raises:
            JudgeError: No answer fitted.
            ModelError: The model did not answer.
        """
        ...

    async def score(self, trajectory: Transcribed) -> Score:
        """Judge a whole trajectory; remembers nothing of it. Raises as `judge` does."""
        where = {"episode": trajectory.episode, "seat": trajectory.seat}
        with span(f"judge: {self.name}", kind="judge", inputs=where) as here:
            score = await self.judge(trajectory.transcript())
            here.set_result(score)
        return score

    async def observe(self, observation: Any) -> None:
        """Remember an observation; see `Agent.observe`."""
        await self._memory.add(MemoryItem.of(observation))

    async def act(self, request: ActionRequest) -> Any:
        """Judge what was observed; see `Agent.act`.

        Raises:
            JudgeError: No answer fitted, or a number is asked for and the score is missing.
            UnfitAnswerError: The score is not in the request's space.
        """
        remembered = await self._memory.about(request.prompt or "")
        score = await self.judge(remembered.recall())
        if request.space is Score:
            return score
        if score.value is None:
            raise JudgeError(
                f"judge {self.name!r} must give a value here, got none: only {score.mass:.3f} of "
                f"its probability lies on {tuple(score.distribution)!r}; ask for a Score instead"
            )
        takes_numbers = answer_schema(request.space).get("type") == "number"
        is_labelled = score.likeliest is not None and not takes_numbers
        return admit(request, score.likeliest if is_labelled else score.value)


class RatingJudge(Judge):
    """Rates on a scale by the probabilities of its labels, from the model's logits alone.

    The value is the expectation over the labels, weighted by their probabilities given that one of
    them is answered (Liu et al. 2023, G-Eval, eq. 1).

    Args:
        model: Rates.
        question: What is rated, in words.
        scale: Labels and their values, or numbers that are both.
        min_mass: With less probability on all labels together, the value is missing.
        begun: How the model's reply begins, up to the label.
        name: See `Judge`.
        memory: See `Judge`.
        seat: See `Judge`.

    Raises:
        ValueError: The scale has fewer than two labels, or `min_mass` is outside ``[0, 1]``.
    """

    def __init__(
        self,
        model: Model,
        *,
        question: str,
        scale: Mapping[str, float] | Sequence[float] = (1, 2, 3, 4, 5),
        min_mass: float = MIN_MASS,
        begun: str = "Rating:",
        name: str = "rating",
        memory: MemorySpec = "list",
        seat: Seat = "",
    ) -> None:
        super().__init__(model, name=name, memory=memory, seat=seat)
        if not 0 <= min_mass <= 1:
            raise ValueError(f"min_mass must be in [0, 1], got {min_mass!r}")
        self._values = _values_of(scale)
        self._choices = {label: f" {label}" for label in self._values}
        labels = ", ".join(self._values)
        self._question = f"{question}\nAnswer with one of: {labels}."
        self._begun = begun
        self._min_mass = min_mass

    async def judge(self, transcript: str) -> Score:
        """The expectation over the labels; missing where they have too little mass."""
        asked = _TRANSCRIPT.format(transcript=transcript, question=self._question)
        prompt = [ChatMessage("user", asked), ChatMessage("assistant", self._begun)]
        logprobs = await self.model.choice_logprobs(prompt, tuple(self._choices.values()))
        weights = {label: math.exp(logprobs[choice]) for label, choice in self._choices.items()}
        mass = math.fsum(weights.values())
        if mass == 0:
            return Score(None, mass=0.0)
        distribution = {label: weight / mass for label, weight in weights.items()}
        value = math.fsum(self._values[label] * part for label, part in distribution.items())
        return Score(value if mass >= self._min_mass else None, distribution, min(mass, 1.0))


class RubricJudge(Judge):
    """Gives points for each criterion of a rubric, with a reason, as a typed answer.

    The value is the weighted mean of the points.

    Args:
        model: Judges.
        criteria: What is judged, in words, by the criterion's name.
        points: The fewest and the most points of a criterion.
        weights: Of criteria that do not count 1.
        attempts: How often the model is asked before the judge gives up.
        sampling: How replies are drawn; may be a mapping of `Sampling`'s fields.
        name: See `Judge`.
        memory: See `Judge`.
        seat: See `Judge`.

    Raises:
        ValueError: There are no criteria, or one has a name that is no identifier; `points` are no
            range; the weights are of other criteria or not positive; or `sampling` is wrong.
    """

    def __init__(
        self,
        model: Model,
        *,
        criteria: Mapping[str, str],
        points: Sequence[int] = (1, 5),
        weights: Mapping[str, float] | None = None,
        attempts: int = 3,
        sampling: Sampling | Mapping[str, Any] = Sampling(max_tokens=200),
        name: str = "rubric",
        memory: MemorySpec = "list",
        seat: Seat = "",
    ) -> None:
        super().__init__(model, name=name, memory=memory, seat=seat)
        self._space = _rubric(criteria, points)
        self._weights = _checked_weights(weights or {}, criteria)
        self._attempts = attempts
        self._sampling = as_sampling(sampling)

    async def judge(self, transcript: str) -> Score:
        """The weighted mean of the criteria's points."""
        question = "Judge it by each criterion."
        asked = _TRANSCRIPT.format(transcript=transcript, question=question)
        try:
            answer = await ask(
                self.model,
                [ChatMessage("user", asked)],
                self._space,
                sampling=self._sampling,
                attempts=self._attempts,
                name=self.name,
            )
        except UnfitAnswerError as error:
            raise JudgeError(f"judge {error.message}, got {error.raw!r}") from error
        points = {criterion: float(getattr(answer, criterion)) for criterion in self._weights}
        total = math.fsum(self._weights.values())
        value = math.fsum(self._weights[each] * points[each] for each in points) / total
        return Score(value, reason=answer.reason, by_criterion=points)


def _values_of(scale: Mapping[str, float] | Sequence[float]) -> dict[str, float]:
    pairs = scale.items() if isinstance(scale, Mapping) else ((f"{n:g}", n) for n in scale)
    values = {str(label): float(value) for label, value in pairs}
    if len(values) < 2:
        raise ValueError(f"scale must have at least two labels, got {scale!r}")
    return values


def _rubric(criteria: Mapping[str, str], points: Sequence[int]) -> type[Any]:
    """The space of answers: a reason, then points for each criterion."""
    if not criteria:
        raise ValueError("criteria must hold at least one criterion, got none")
    if len(points) != 2 or points[0] >= points[1]:
        raise ValueError(f"points must be the fewest and the most, got {points!r}")
    fields: list[tuple[str, Any]] = [
        ("reason", Annotated[str, Field(description="why, in one sentence")])
    ]
    for criterion, description in criteria.items():
        if not criterion.isidentifier() or criterion == "reason":
            raise ValueError(f"a criterion must be named by an identifier, got {criterion!r}")
        bounds = Field(ge=points[0], le=points[1], description=description)
        fields.append((criterion, Annotated[int, bounds]))
    return make_dataclass("Rubric", fields, frozen=True, slots=True)


def _checked_weights(weights: Mapping[str, float], criteria: Mapping[str, str]) -> dict[str, float]:
    for criterion, weight in weights.items():
        if criterion not in criteria or weight <= 0:
            expected = f"expected positive weights of {tuple(criteria)!r}"
            raise ValueError(f"{expected}, got {criterion!r}: {weight!r}")
    return {criterion: weights.get(criterion, 1.0) for criterion in criteria}
