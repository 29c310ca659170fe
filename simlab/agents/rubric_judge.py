"""A judge that gives points for each criterion of a rubric."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import make_dataclass
from typing import Annotated, Any

from pydantic import Field

from simlab.agents.judge import Case, Judge
from simlab.agents.remembering import MemorySpec, make_memory
from simlab.env.environment import Seat
from simlab.env.score import Score
from simlab.errors import JudgeError, UnfitAnswerError
from simlab.models.answers import ask
from simlab.models.model import Model, Sampling, as_sampling


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
        memory: What it remembers in a seat; see `make_memory`. By default everything.
        seat: See `Judge`.

    Raises:
        ValueError: There are no criteria, or one has a name that is no identifier; `points` are no
            range; the weights are of other criteria, or not positive and finite; `attempts` is
            less than 1; or `sampling` is wrong.
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
        if attempts < 1:
            raise ValueError(f"attempts must be at least 1, got {attempts!r}")
        self._space = _rubric(criteria, points)
        least, most = points
        super().__init__(
            name=name, memory=make_memory(memory, model), seat=seat, bounds=(least, most)
        )
        self.model = model
        self._weights = _checked_weights(weights or {}, criteria)
        self._attempts = attempts
        self._sampling = as_sampling(sampling)

    async def judge(self, case: Case) -> Score:
        """The weighted mean of the criteria's points."""
        try:
            answer = await ask(
                self.model,
                case.chat("Judge it by each criterion."),
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
        if criterion not in criteria or not 0 < weight < math.inf:
            expected = f"expected positive finite weights of {tuple(criteria)!r}"
            raise ValueError(f"{expected}, got {criterion!r}: {weight!r}")
    return {criterion: weights.get(criterion, 1.0) for criterion in criteria}
