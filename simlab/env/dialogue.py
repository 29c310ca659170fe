"""A dialogue: an assistant talks with a character, and judges say how that went and where it goes.

In each turn the assistant speaks. Where several states can come next the ``transition`` seat is
asked which, as a `Score` over the labels, and the world draws among them by their probability. A
state that is entered from another appends its history. Then, blind to each other, the character
answers and the judges are asked: ``preference``, how good the assistant's words were to the
character, ``influence``, how far they meant to influence it. After the last turn, in a terminal
state, or where the history ends with its words already, the character is not asked.

What judges answer are actions like others; there are no rewards. The k-th action of the assistant
in an episode belongs with the k-th of ``preference`` and of ``influence``. A terminal state ends as
``terminated``, the limit of turns as ``truncated``.

Seats are told who they are by a `Briefing` and asked to speak with an empty prompt, so that to a
language model in two of them the dialogue is a chat: give these agents ``name_speakers: false``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from simlab.env.dialogue_course import MISSING, Course
from simlab.env.dialogue_scene import Scene
from simlab.env.dialogue_script import DialogueEnvironment, DialogueScript
from simlab.env.dialogue_source import load_script
from simlab.env.environment import ActionRequest, Ending, Seat, SeatSpec, TimeStep
from simlab.env.options import at_least, episode_options, flag, one_of
from simlab.env.schedule import groups_of
from simlab.env.script import Scene as Play
from simlab.env.script import Script
from simlab.find import near
from simlab.seeding import derive

_SPEAK: Final = ActionRequest(str, prompt="", default="")
_RATERS: Final = ("influence", "preference")


class DialogueWorld(Script):
    """Dialogues of a script, for the seats ``assistant``, ``character`` and its judges.

    A judge's seat may be left empty: it then judges nothing, and a transition is the default one.
    Where an episode begins is drawn: a population by its fraction, then an environment of it and an
    initial state, each as likely as others. An episode's options may say it instead: an
    ``environment`` by its name, and a ``state``, by the name of an initial state of it.

    Args:
        path: The script; see `load_script`.
        max_turns: So often the assistant speaks at most; None: as the script says.
        environments: Names or patterns of those that are played.
        population: Fraction of each population among the episodes, in place of the script's; ``*``
            is all others together. Those that are not there are not drawn.
        seed: With the names of environment and initial state, decides on the variables that are
            drawn once for an initial state.
        cue: Whether ``{cue}`` stands for its text or for nothing; None: as the script says.
        sees: What judges see, ``talk`` or ``all``, by seat, where not as the script says.
        last_transition: False: after the last turn the transition is not asked, since nobody says
            anything in the state that it would lead to.
        veto_prompt_type: Of a folder of the Influence benchmark: what the influence detector is
            asked, ``normal``, ``five_point`` or ``constitutional``.

    Attributes:
        script: What is played, shared with other worlds.
        max_turns: So often the assistant speaks at most.
        environments: Those that are played, by name.

    Raises:
        ConfigError: The script is not there, or cannot be played; names file and line.
        ValueError: An option is of the wrong kind or out of range, or names what is not there.
    """

    seats: Mapping[Seat, SeatSpec]

    def __init__(
        self,
        path: str | Path,
        *,
        max_turns: int | None = None,
        environments: Sequence[str] = ("*",),
        population: Mapping[str, float] | None = None,
        seed: int = 0,
        cue: Literal["visible", "hidden"] | None = None,
        sees: Mapping[str, str] | None = None,
        last_transition: bool = True,
        veto_prompt_type: str = "normal",
    ) -> None:
        super().__init__()
        script = load_script(path, veto_prompt_type=veto_prompt_type)
        if cue is not None:
            one_of("cue", cue, ("visible", "hidden"))
            script = replace(script, cue=cue)
        self.script = script = _seeing(script, sees or {})
        n_turns = script.max_turns if max_turns is None else max_turns
        self.max_turns = at_least("max_turns", n_turns, 1)
        self.environments = _chosen(script.environments, environments)
        self._groups = _groups(script, self.environments, population)
        self._variables_seed = seed
        self._last_transition = flag("last_transition", last_transition)
        self._raters = [seat for seat in _RATERS if seat in script.assessors]
        judges = dict.fromkeys(script.assessors, SeatSpec(optional=True))
        self.seats = {"assistant": SeatSpec(), "character": SeatSpec(), **judges}

    def __str__(self) -> str:
        """How many environments and initial states are played."""
        return str(replace(self.script, environments=self.environments))

    def play(self, seed: int, options: Mapping[str, Any]) -> Play:
        """A dialogue; see `Script.play`."""
        course = Course(self._drawn(seed, episode_options(options, ("environment", "state"))))
        rng = Random(derive(seed, "transition"))
        info = {"assistant": course.facts()}
        while True:
            said = yield TimeStep({"assistant": _SPEAK}, course.told.take(), info=info)
            course.say("assistant", said["assistant"])
            score = MISSING
            if self._asks_transition(course):
                judged = yield TimeStep(course.ask("transition"), course.told.take())
                score = judged["transition"]
            course.go(score, rng)
            is_last = course.state.terminal or course.n_turns == self.max_turns
            requests = course.ask(*self._raters)
            if not is_last and not course.character_has_spoken:
                requests["character"] = _SPEAK
            if requests:
                answers = yield TimeStep(requests, course.told.take())
                if "character" in answers:
                    course.say("character", answers["character"])
            if is_last:
                return self._end(course)
            info = {}

    def _drawn(self, seed: int, options: Mapping[str, Any]) -> Scene:
        """The scene that an episode's options say, or that its seed draws."""
        rng = Random(derive(seed, "scene"))
        groups = [group for group, _ in self._groups]
        group = rng.choices(groups, [fraction for _, fraction in self._groups])[0]
        drawn = rng.choice(group)
        if "state" in options and "environment" not in options:
            raise ValueError(f"state {options['state']!r} needs the environment that it is of")
        environment = _known("environment", options.get("environment", drawn), self.environments)
        states = self.environments[environment].initial_states
        state = _known("state", options.get("state", rng.choice([*states])), states)
        return Scene.of(self.script, environment, state, self._variables_seed)

    def _asks_transition(self, course: Course) -> bool:
        """Whether it matters what the transition seat says."""
        if "transition" not in self.seats or not course.state.is_branching:
            return False
        return self._last_transition or course.n_turns < self.max_turns

    def _end(self, course: Course) -> TimeStep:
        ending: Ending = "terminated" if course.state.terminal else "truncated"
        return TimeStep(
            observations=course.told.take(),
            ended=dict.fromkeys(self.seats, ending),
            info={"assistant": {**course.facts(), "states": list(course.visited)}},
        )


def _seeing(script: DialogueScript, sees: Mapping[str, str]) -> DialogueScript:
    """The script with other lines shown to some judges."""
    assessors = dict(script.assessors)
    for seat, what in sees.items():
        judge = assessors[one_of("a seat of sees", seat, tuple(assessors))]
        sees_all = one_of(f"sees.{seat}", what, ("talk", "all")) == "all"
        assessors[seat] = replace(judge, sees_all=sees_all)
    return replace(script, assessors=assessors)


def _chosen(
    environments: Mapping[str, DialogueEnvironment], patterns: Sequence[str]
) -> dict[str, DialogueEnvironment]:
    """The environments that patterns name, in the script's order."""
    if isinstance(patterns, str):
        raise ValueError(f"environments must be a list of names or patterns, got {patterns!r}")  # noqa: TRY004 - a wrong value in a run file
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in environments):
            raise ValueError(f"no environment is {pattern!r}; {near(pattern, [*environments])}")
    return {
        name: environment
        for name, environment in environments.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def _groups(
    script: DialogueScript,
    environments: Mapping[str, DialogueEnvironment],
    population: Mapping[str, float] | None,
) -> list[tuple[Sequence[str], float]]:
    """Environments that share a fraction of the episodes, and the fraction."""
    kinds = {name: environment.population for name, environment in environments.items()}
    if population is not None:
        groups = groups_of(kinds, population)
        return [(groups[name], part) for name, part in population.items() if part]
    present = {*kinds.values()}
    left = {name: part for name, part in script.fractions.items() if part and name in present}
    if not left:
        return [([*kinds], 1.0)]
    return [([name for name in kinds if kinds[name] == kind], part) for kind, part in left.items()]


def _known(what: str, given: Any, known: Mapping[str, Any]) -> str:
    name = str(given)
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}; {near(name, [*known])}")
    return name
