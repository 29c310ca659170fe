"""Scales: the labels in which a seat is asked for a score, and what they are worth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Annotated, Any, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from simlab.env.score import Score

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """Labels and their values, such as ``{"no": 0, "yes": 1}``.

    Its `space` is one like others: a judge answers with a score in these labels; people, scripts
    and language agents answer with a label or its value, which is the score that has the label at
    probability 1. A score for which no labels were weighed, such as a rubric's, fits where its
    value lies between the least and the greatest of the scale.

    Attributes:
        values: By label, in the order in which they are read out; at least two different ones, all
            finite. Copied.

    Raises:
        ValueError: There are fewer than two labels or than two values, a label is empty or a truth
            value, or a value is no finite number.
    """

    values: Mapping[str, float]

    def __post_init__(self) -> None:
        for label, value in self.values.items():
            if isinstance(label, bool):
                expected = "a label must be text: quote 'yes' and 'no'"
                raise ValueError(f"{expected}, got {label!r}: {value!r}")  # noqa: TRY004 - of a file
            if not str(label).strip() or not _is_finite(value):
                expected = "a scale must give each label a finite value"
                raise ValueError(f"{expected}, such as {{no: 0, yes: 1}}, got {label!r}: {value!r}")
        values = {str(label): float(value) for label, value in self.values.items()}
        if len(values) < 2:
            raise ValueError(f"scale must have at least two labels, got {self.values!r}")
        if len({*values.values()}) < 2:
            raise ValueError(f"scale must have at least two different values, got {self.values!r}")
        object.__setattr__(self, "values", values)

    def __hash__(self) -> int:
        return hash(tuple(self.values.items()))

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Scale":
        """The scale of numbers that are their own labels, such as 1 to 10.

        Raises:
            ValueError: One is no number, or there are two of a label.
        """
        odd = [number for number in numbers if not _is_finite(number)]
        if odd:
            expected = (
                "numbers that are a scale must be finite; give labels values, {bad: 0, good: 1}"
            )
            raise ValueError(f"{expected}, got {odd[0]!r}")
        labels = [f"{number:g}" for number in numbers]
        if len({*labels}) < len(labels):
            raise ValueError(f"scale must have each label once, got {labels!r}")
        return cls(dict(zip(labels, numbers, strict=True)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in order."""
        return tuple(self.values)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return min(self.values.values()), max(self.values.values())

    @property
    def space(self) -> Any:
        """The space of scores on this scale; the same one each time."""
        return _space_of(self)

    def expectation(self, distribution: Mapping[str, float]) -> float:
        """The mean of the labels' values, weighted by their probabilities.

        Args:
            distribution: Probabilities of labels of this scale, which sum to 1.
        """
        return math.fsum(self.values[label] * part for label, part in distribution.items())

    def certain(self, label: str) -> Score:
        """The score that has one label at probability 1."""
        return Score(self.values[label], {label: 1.0})

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """How pydantic validates the space: labels and numbers are made scores first."""
        read = core_schema.no_info_before_validator_function(self._read, handler(source))
        return core_schema.no_info_after_validator_function(self._checked, read)

    def __get_pydantic_json_schema__(self, *_: Any) -> dict[str, Any]:
        """What those are asked for who answer in words: one of the labels."""
        return {"type": "string", "enum": list(self.values)}

    def _read(self, given: Any) -> Any:
        if isinstance(given, Score | Mapping):
            return given
        if isinstance(given, str) and given in self.values:
            return self.certain(given)
        if isinstance(given, Real) and not isinstance(given, bool):
            for label, value in self.values.items():
                if value == given:
                    return self.certain(label)
        raise self._not_a_label()

    def _checked(self, score: Score) -> Score:
        if not score.distribution.keys() <= self.values.keys():
            raise self._not_a_label()
        parts = score.distribution.values()
        if parts and not (min(parts) >= 0 and abs(math.fsum(parts) - 1) <= _ROUNDING):
            raise ValueError("the probabilities of a score must be positive and sum to 1")
        if score.value is not None and not math.isfinite(score.value):
            raise ValueError("the value of a score must be finite, or None where it is missing")
        if score.value is not None and not parts and score.mass == 1:
            self._check_within(score.value)
        return score

    def _check_within(self, value: float) -> None:
        least, greatest = self.bounds
        if not least <= value <= greatest:
            raise ValueError(f"a score without labels must be from {least:g} to {greatest:g}")

    def _not_a_label(self) -> PydanticKnownError:
        """As of a `Literal` that does not fit, so that it is mended and told in the same way."""
        *most, last = map(repr, self.values)
        return PydanticKnownError("literal_error", {"expected": f"{', '.join(most)} or {last}"})


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def scale_of(space: Any) -> Scale | None:
    """The scale of a space of scores; None of any other space."""
    if get_origin(space) is not Annotated or space.__origin__ is not Score:
        return None
    return next((part for part in space.__metadata__ if isinstance(part, Scale)), None)


@lru_cache(maxsize=1024)
def _space_of(scale: Scale) -> Any:
    return Annotated[Score, scale]
