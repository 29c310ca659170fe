"""One initial state of a dialogue as it is played: every variable has its value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from simlab.env.dialogue_script import DialogueScript, InitialState, Line
from simlab.env.environment import Briefing, Seat
from simlab.env.template import filled
from simlab.seeding import derive


@dataclass(frozen=True, slots=True)
class Scene:
    """An initial state of an environment, with the value of every variable.

    Attributes:
        script: What it is of.
        environment: Name of its environment.
        name: Of the initial state.
        variables: By name; none of them names others any more.
    """

    script: DialogueScript
    environment: str
    name: str
    variables: Mapping[str, str]

    @classmethod
    def of(cls, script: DialogueScript, environment: str, name: str, seed: int) -> "Scene":
        """The scene of an initial state.

        Args:
            script: What it is of.
            environment: Name of an environment of the script.
            name: Of an initial state of the environment.
            seed: The world's, which with both names says what is drawn for the initial state:
                rollouts share it.
        """
        rng = Random(derive(seed, "variables", environment, name))
        drawn = {key: rng.choice(values) for key, values in script.choices.items()}
        home = script.environments[environment]
        known = {**drawn, **home.variables, **home.initial_states[name].variables}
        if script.cue == "hidden" and "cue" in known:
            known["cue"] = ""
        resolved = {key: filled(text, known) for key, text in known.items()}
        return cls(script, environment, name, resolved)

    @property
    def population(self) -> str:
        """The kind of its character."""
        return self.script.environments[self.environment].population

    @property
    def initial(self) -> InitialState:
        """The initial state."""
        return self.script.environments[self.environment].initial_states[self.name]

    def lines(self, history: Iterable[Line]) -> list[Line]:
        """Lines with their variables filled in."""
        return [Line(line.role, filled(line.text, self.variables).strip()) for line in history]

    def question(self, seat: Seat) -> str:
        """What a judge is asked, in words."""
        judge = self.script.assessors[seat]
        text = judge.question if judge.verbatim else filled(judge.question, self.variables)
        return text.strip()

    def briefings(self) -> dict[Seat, Briefing]:
        """Who each seat is; seats that are told nothing are absent."""
        texts = {"assistant": self.script.assistant, "character": self.script.character}
        texts |= {seat: assessor.briefing for seat, assessor in self.script.assessors.items()}
        briefed = {seat: filled(text, self.variables).strip() for seat, text in texts.items()}
        return {seat: Briefing(text) for seat, text in briefed.items() if text}
