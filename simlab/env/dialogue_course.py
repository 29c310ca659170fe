"""A dialogue on its course: where it has come to, and what seats have not been told yet."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from simlab.env.dialogue_scene import Scene
from simlab.env.dialogue_script import Assessor, Line, Role
from simlab.env.environment import ActionRequest, Briefing, Seat, Utterance
from simlab.env.scale import Scale
from simlab.env.score import Score
from simlab.env.transition import draw_graded, draw_label

MISSING: Final = Score(None)
"""What is played for a judge that gives no fitting answer, and for a seat that nobody takes."""

_TALK: Final[frozenset[Role]] = frozenset({"assistant", "character"})
_ALL: Final[frozenset[Role]] = _TALK | {"system", "call", "result"}


class Course:
    """A dialogue from its initial state on; it asks nobody.

    Args:
        scene: What it begins from; seats are told so.

    Attributes:
        told: What seats have not been told yet.
        state: Where it is.
        visited: Names of the states after each turn, the first one before any.
        character_has_spoken: Whether the history of the state that was entered in this turn ends
            with words of the character.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.told = Told(scene.script.assessors)
        self.told.brief(scene.briefings())
        self.told.add(*scene.lines(scene.initial.history))
        self.visited = [next(iter(scene.script.states))]
        self.state = scene.script.states[self.visited[0]]
        self.character_has_spoken = False
        self._n_turns = 0

    @property
    def n_turns(self) -> int:
        """How often the assistant has spoken."""
        return self._n_turns

    def say(self, role: Role, words: str) -> None:
        """Tell all what the assistant or the character says."""
        self._n_turns += role == "assistant"
        self.told.add(Line(role, words.strip()))

    def ask(self, *seats: Seat) -> dict[Seat, ActionRequest]:
        """What judges are asked here."""
        requests = {}
        for seat in seats:
            judge = self._scene.script.assessors[seat]
            scale = judge.scale or label_scale(self.state.labels_of(judge))
            question = self._scene.question(seat)
            requests[seat] = ActionRequest(scale.space, prompt=question, default=MISSING)
        return requests

    def go(self, score: Score, rng: Random) -> None:
        """Go on to the next state, or stay.

        Args:
            score: Of the transition seat; a missing one goes by default.
            rng: Draws by the score.
        """
        before, name = self.visited[-1], self._next(score, rng)
        self.visited.append(before if name is None else name)
        self.character_has_spoken = False
        if self.visited[-1] != before:
            self.state = self._scene.script.states[self.visited[-1]]
            entered = self._scene.lines(self.state.history)
            self.told.add(*entered)
            self.character_has_spoken = bool(entered) and entered[-1].role == "character"

    def facts(self) -> dict[str, str]:
        """What it is, for the record."""
        scene = self._scene
        return {
            "environment": scene.environment,
            "population": scene.population,
            "initial_state": scene.name,
            "source": scene.script.source,
        }

    def _next(self, score: Score, rng: Random) -> str | None:
        judge = self._scene.script.assessors.get("transition")
        if judge is not None and judge.graded:
            return self.state.next_of(draw_graded(score, rng))
        return self.state.next_of(draw_label(score, rng))


def label_scale(labels: Sequence[str]) -> Scale:
    """Labels of a state as a scale: digits are worth themselves, others their place."""
    are_digits = all(map(str.isdigit, labels))
    return Scale({label: int(label) if are_digits else n for n, label in enumerate(labels)})


class Told:
    """What seats have not been told yet.

    Args:
        assessors: The seats that judge, beside ``assistant`` and ``character``.
    """

    def __init__(self, assessors: Mapping[Seat, Assessor]) -> None:
        self._seen = {seat: _ALL if judge.sees_all else _TALK for seat, judge in assessors.items()}
        self._seen |= {"assistant": _ALL, "character": _TALK | {"system"}}
        self._pending: dict[Seat, list[Any]] = {}

    def brief(self, briefings: Mapping[Seat, Briefing]) -> None:
        """Tell seats who they are."""
        for seat, briefing in briefings.items():
            self._pending.setdefault(seat, []).append(briefing)

    def add(self, *lines: Line) -> None:
        """Tell lines to those who see them."""
        for line in lines:
            for seat, roles in self._seen.items():
                if line.role in roles:
                    self._pending.setdefault(seat, []).append(_perceived(line))

    def take(self) -> dict[Seat, list[Any]]:
        """What there is to tell now; it is told then."""
        pending, self._pending = self._pending, {}
        return pending


def _perceived(line: Line) -> Utterance | str:
    """A line as seats perceive it: the world speaks in plain words, a tool by its name."""
    if line.role == "system":
        return line.text
    speaker = {"call": "assistant", "result": "tool"}.get(line.role, line.role)
    return Utterance(speaker, line.text)
