"""Trajectories: what one seat saw, did and got in an episode, folded from its steps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simlab.trace.events import Acted, Started, StartedCore, Stepped, SteppedCore
from simlab.trace.log import Log
from simlab.trace.plain import Plain


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a transcript: who said or did something, and what; nobody, where it just was so."""

    speaker: str
    text: str

    def __str__(self) -> str:
        return f"{self.speaker}: {self.text}" if self.speaker else self.text


@dataclass(frozen=True, slots=True)
class Turn:
    """One step as a seat lived it.

    Attributes:
        step: Number of the step.
        observations: What the seat perceived before it.
        request: What it was asked, as the log keeps it, or None if it was not asked.
        acted: What it did, or None if it did nothing.
        reward: What it got for the step, in reward units.
        now: World time in seconds after the step.
    """

    step: int
    observations: tuple[Plain, ...]
    request: Plain | None
    acted: Acted | None
    reward: float
    now: float


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What one seat saw, did and got in one episode.

    Attributes:
        episode: Number of the episode.
        seat: Whose trajectory it is; ``""`` for the whole episode, as a bystander sees it.
        turns: One for each step in which the seat perceived, was asked or got something.
        ended: ``terminated``, ``truncated``, or ``""`` while it goes on.
    """

    episode: int
    seat: str
    turns: tuple[Turn, ...]
    ended: str = ""

    @property
    def total_reward(self) -> float:
        """Sum of the rewards, undiscounted."""
        return sum(turn.reward for turn in self.turns)

    def said(self) -> tuple[Said, ...]:
        """What was done and perceived, in order.

        Scores, which assessors give and nobody hears of, and briefings are left out: they are about
        what happens, and not part of it.
        """
        return tuple(line for turn in self.turns for line in _lines(turn))

    def transcript(self) -> str:
        """What was done and perceived, a line each."""
        return "\n".join(map(str, self.said()))


@dataclass(slots=True)
class Fold:
    """Folds the steps of an episode, as they come, into one trajectory for each seat."""

    episode: int
    n_steps: int = 0
    returns: dict[str, float] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    _turns: dict[str, list[Turn]] = field(default_factory=dict)
    _deeds: list[Turn] = field(default_factory=list)
    _before: Mapping[str, Any] = field(default_factory=dict)
    _now: float = 0.0

    def begin(self, timestep: Mapping[str, Any]) -> None:
        """Take what the reset said, as plain data."""
        self._before = timestep
        self._take_ends(timestep)

    def add(self, core: SteppedCore) -> None:
        """Take a step."""
        asked = self._before.get("requests", {})
        perceived = self._before.get("observations", {})
        rewards = core.timestep.get("rewards", {})
        acted = {act.seat: act for act in core.acted}
        for act in core.acted:
            reward = float(rewards.get(act.seat, 0.0))
            self._deeds.append(Turn(core.step, (), None, act, reward, core.now))
        for seat in sorted({*asked, *perceived, *acted, *rewards}):
            self._add_turn(
                seat,
                Turn(
                    core.step,
                    tuple(perceived.get(seat, ())),
                    asked.get(seat),
                    acted.get(seat),
                    float(rewards.get(seat, 0.0)),
                    core.now,
                ),
            )
        self.n_steps = core.step + 1
        self._now = core.now
        self._before = core.timestep
        self._take_ends(core.timestep)

    def finish(self) -> None:
        """Take what was perceived at the end, after which nobody was asked."""
        for seat, seen in sorted(self._before.get("observations", {}).items()):
            if seen:
                self._add_turn(seat, Turn(self.n_steps, tuple(seen), None, None, 0.0, self._now))

    def trajectory(self, seat: str) -> Trajectory:
        """What a seat has lived so far; of seat ``""``, what all seats did."""
        if not seat:
            return Trajectory(self.episode, "", tuple(self._deeds))
        turns = tuple(self._turns.get(seat, ()))
        return Trajectory(self.episode, seat, turns, self.ended.get(seat, ""))

    def trajectories(self) -> dict[str, Trajectory]:
        """One trajectory for each seat that took part."""
        return {seat: self.trajectory(seat) for seat in sorted(self._turns)}

    def asked(self, step: int) -> set[str]:
        """The seats that were, or are now, asked at a step."""
        if step >= self.n_steps:
            return set(self._before.get("requests", {}))
        return {
            seat
            for seat, lived in self._turns.items()
            if any(turn.step == step and turn.request is not None for turn in lived)
        }

    def _add_turn(self, seat: str, turn: Turn) -> None:
        self._turns.setdefault(seat, []).append(turn)
        self.returns[seat] = self.returns.get(seat, 0.0) + turn.reward

    def _take_ends(self, timestep: Mapping[str, Any]) -> None:
        self.ended.update(timestep.get("ended", {}))
        self.info = {**self.info, **timestep.get("info", {})}


def read_fold(log: Log, episode: int) -> Fold:
    """The steps of an episode as far as they were committed, folded.

    Args:
        log: The run's.
        episode: Its number; the fold of an episode that was not begun is empty.
    """
    fold = Fold(episode)
    for event in log.events(episode, (Started, Stepped)):
        if isinstance(event, Started):
            fold.begin(log.core(event, StartedCore).timestep)
        elif isinstance(event, Stepped):
            fold.add(log.core(event, SteppedCore))
    fold.finish()
    return fold


def words(value: Plain) -> str:
    """Plain data in words: what was said first, then the other fields that say anything."""
    if not isinstance(value, Mapping):
        return str(value)
    if _is_of(value, "Score"):
        return _score_in_words(value)
    fields = {name: part for name, part in value.items() if name != "_type" and part is not None}
    said = [str(fields.pop(name)) for name in ("say", "text") if name in fields]
    speaker = fields.pop("speaker", None)
    if speaker is not None and said:
        said[0] = f"{speaker}: {said[0]}"
    rest = ", ".join(f"{name} {words(part)}" for name, part in fields.items())
    spoken = " ".join(filter(None, [*said, f"[{rest}]" if rest else ""]))
    return spoken or ("(silence)" if said else str(value.get("_type", "")))


def _score_in_words(score: Mapping[str, Plain]) -> str:
    """A score: its value, how likely each label was, and why."""
    value = "missing" if score.get("value") is None else f"{score['value']:.3g}"
    labels = (score.get("distribution") or {}).items()
    shares = ", ".join(f"{label} {share:.0%}" for label, share in labels)
    return " ".join(filter(None, [value, f"[{shares}]" if shares else "", score.get("reason")]))


def _lines(turn: Turn) -> Iterator[Said]:
    for observation in turn.observations:
        if not _is_of(observation, "Briefing"):
            yield _perceived(observation)
    if turn.acted is not None and not _is_of(turn.acted.action, "Score"):
        yield Said(turn.acted.seat, words(turn.acted.action))


def _perceived(observation: Plain) -> Said:
    if _is_of(observation, "Utterance"):
        return Said(observation["speaker"], observation["text"])
    return Said("", words(observation))


def _is_of(value: Plain, kind: str) -> bool:
    return isinstance(value, Mapping) and value.get("_type") == kind
