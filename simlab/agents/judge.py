"""Judges: agents whose action is a score, in a seat during play or over a trajectory after it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from simlab.agents.memory import Memory, MemoryItem
from simlab.env.environment import ActionRequest, Briefing, Seat, Utterance
from simlab.env.scale import Scale, scale_of
from simlab.env.score import Score
from simlab.env.spaces import admit
from simlab.errors import JudgeError
from simlab.models.answer_schema import answer_schema
from simlab.models.model import ChatMessage
from simlab.trace.tracing import span
from simlab.trace.trajectory import Said

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

    def said(self) -> Sequence[Said]:
        """What was done and perceived, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """What is put before a judge.

    Attributes:
        said: What was said, done or perceived, in order.
        recalled: The same in words, where the judge remembers only a part of it or a summary; None
            for all of `said`, a line each.
        briefing: Who the judge is here; empty for nobody in particular.
        question: What is asked, where whoever asks says so; None leaves it to the judge.
        scale: In which labels it is asked for; None leaves that to the judge.
    """

    said: Sequence[Said] = ()
    recalled: str | None = None
    briefing: str = ""
    question: str | None = None
    scale: Scale | None = None

    @property
    def transcript(self) -> str:
        """What happened, in words."""
        return "\n".join(map(str, self.said)) if self.recalled is None else self.recalled

    def chat(self, question: str) -> list[ChatMessage]:
        """What a model is shown that judges: who it is, what happened, and what is asked."""
        asked = _TRANSCRIPT.format(transcript=self.transcript, question=question)
        briefed = [ChatMessage("system", self.briefing)] if self.briefing else []
        return [*briefed, ChatMessage("user", asked)]


class Judge(ABC):
    """An agent whose action is a score.

    In a seat it remembers what it observes and judges that when it is asked. A request for a
    `Score` or for one on a scale gets the score, one for a number its value, one for a choice its
    likeliest label. What it was briefed with last says who it is there.

    Args:
        name: In spans and messages.
        memory: What it remembers in a seat in its own way; None for all that was said.
        seat: Where it sits.
        bounds: The least and the greatest value that it gives; None where it has none.
    """

    rates_on_any_scale: ClassVar[bool] = False
    """Whether it answers on the scale on which it is asked. The scores of others are put on that
    scale in proportion to their bounds."""

    def __init__(
        self,
        *,
        name: str,
        memory: Memory | None = None,
        seat: Seat = "",
        bounds: tuple[float, float] | None = None,
    ) -> None:
        self.name = name
        self.bounds = bounds
        self._memory = memory
        self._seat = seat
        self._said: list[Said] = []
        self._briefing = ""

    @abstractmethod
    async def judge(self, case: Case) -> Score:
        """Judge what happened.

        Raises:
            JudgeError: No answer fitted, or nothing says what is to be judged.
            ModelError: The model did not answer.
        """
        ...

    def share(self, score: Score, scale: Scale | None = None) -> float | None:
        """Where between its bounds a score of this judge lies, in ``[0, 1]``; None if missing.

        Args:
            score: Given by it; one beyond the bounds, as a length penalty makes them, is cut off.
            scale: On which it was asked for.

        Raises:
            JudgeError: The judge has no bounds.
        """
        bounds = scale.bounds if scale is not None and self.rates_on_any_scale else self.bounds
        if bounds is None:
            raise JudgeError(f"judge {self.name!r} has no bounds to compare it by; give it some")
        if score.value is None:
            return None
        least, greatest = bounds
        return min(max((score.value - least) / (greatest - least), 0.0), 1.0)

    async def score(self, trajectory: Transcribed) -> Score:
        """Judge a whole trajectory; remembers nothing of it. Raises as `judge` does."""
        where = {"episode": trajectory.episode, "seat": trajectory.seat}
        with span(f"judge: {self.name}", kind="judge", inputs=where) as here:
            score = await self.judge(Case(trajectory.said()))
            here.set_result(score)
        return score

    async def observe(self, observation: Any) -> None:
        """Remember an observation; see `Agent.observe`."""
        if isinstance(observation, Briefing):
            self._briefing = observation.text
            return
        item = MemoryItem.of(observation, self._seat)
        if self._memory is not None:
            await self._memory.add(item)
        if isinstance(observation, Utterance):
            self._said.append(Said(observation.speaker, observation.text))
        else:
            self._said.append(Said("", item.text))

    async def act(self, request: ActionRequest) -> Any:
        """Judge what was observed; see `Agent.act`.

        Raises:
            JudgeError: No answer fitted, or a number is asked for and the score is missing.
            UnfitAnswerError: The score is not in the request's space.
        """
        scale = scale_of(request.space)
        score = await self.judge(await self._case(request, scale))
        if scale is not None:
            return admit(request, self._placed(score, scale))
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

    async def _case(self, request: ActionRequest, scale: Scale | None) -> Case:
        """What is remembered, with what the request says of the question where it has a scale."""
        recalled = None
        if self._memory is not None:
            recalled = (await self._memory.about(request.prompt or "")).recall()
        question = None if scale is None else request.prompt
        return Case(tuple(self._said), recalled, self._briefing, question, scale)

    def _placed(self, score: Score, scale: Scale) -> Score:
        """A score on the scale on which it is asked for."""
        share = None if self.rates_on_any_scale else self.share(score)
        if share is None:
            return score
        least, greatest = scale.bounds
        value = least + share * (greatest - least)
        label = next((label for label, worth in scale.values.items() if worth == value), None)
        distribution = {} if label is None else {label: 1.0}
        return replace(score, value=value, distribution=distribution)
