"""A discussion with a moderator: it calls on speakers, then everybody votes.

At each turn the moderator names who speaks next, never the one who spoke last, and that speaker
says one thing, which all hear; by default the one who has spoken least is called. After the last
turn all seats, the moderator's too, vote at once for one of the options. The option with the most
votes wins; among equals the moderator's vote decides if it is for one of them, and else nothing is
decided. The counts are announced, the votes are not.

There are no rewards. Turns and vote are the discussion's own length, so its end is ``terminated``.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from simlab.env.environment import PASS, ActionRequest, Seat, SeatSpec, TimeStep, Utterance
from simlab.env.options import at_least, episode_options, words
from simlab.env.script import Scene, Script

QUESTIONS: Final = (
    "Should our town close the main street to cars?",
    "Should school start an hour later?",
    "Should the library stay open on Sundays?",
    "Should the factory replace night shifts with robots?",
    "Should everyone work four days a week?",
    "Should the park become a solar farm?",
)
"""What is discussed where nothing else is given; the seed chooses."""


class RoundTable(Script):
    """The discussion, for the seats ``moderator`` and ``speaker_1`` to ``speaker_n``.

    An episode's options may give ``question`` anew.

    Args:
        speakers: How many seats beside the moderator's.
        turns: How often somebody speaks before the vote.
        question: What is discussed; None lets the seed choose one of `QUESTIONS`.
        choices: What can be voted for.

    Raises:
        ValueError: A setting is of the wrong kind or out of range.
    """

    def __init__(
        self,
        *,
        speakers: int = 3,
        turns: int = 6,
        question: str | None = None,
        choices: Sequence[str] = ("yes", "no"),
    ) -> None:
        super().__init__()
        speakers = at_least("speakers", speakers, 2)
        self.turns = at_least("turns", turns, 1)
        self.question = question if question is None else words("question", question)
        self.choices = _distinct(choices)
        self.speakers = tuple(f"speaker_{number}" for number in range(1, speakers + 1))
        moderator = SeatSpec("You lead a discussion and decide who speaks next.")
        speaker = SeatSpec("You take part in a discussion and say what you think.")
        self.seats = {"moderator": moderator, **dict.fromkeys(self.speakers, speaker)}
        self._speaker = Literal[self.speakers]
        self._vote = Literal[self.choices]

    def play(self, seed: int, options: Mapping[str, Any]) -> Scene:
        """The discussion and the vote; see `Script.play`."""
        question = self._question(seed, episode_options(options, ("question",)))
        told = self._to_all(f"The question is: {question}")
        called: list[Seat] = []
        while len(called) < self.turns:
            choice = yield TimeStep({"moderator": self._ask_moderator(called)}, told)
            speaker = choice["moderator"]
            called.append(speaker)
            told = self._to_all(f"The moderator calls on {speaker}.")
            said = yield TimeStep({speaker: _ask_speaker(question)}, told)
            told = self._to_all(_said(speaker, said[speaker]))
        votes = yield TimeStep(dict.fromkeys(self.seats, self._ask_vote(question)), told)
        counts, decision = self._counted(votes)
        return TimeStep(
            observations=self._to_all(self._announced(counts, decision)),
            ended=dict.fromkeys(self.seats, "terminated"),
            info={seat: {"vote": _vote_of(votes, seat), "decision": decision} for seat in votes},
        )

    def _question(self, seed: int, options: Mapping[str, Any]) -> str:
        given = options.get("question", self.question)
        return random.Random(seed).choice(QUESTIONS) if given is None else words("question", given)

    def _to_all(self, observation: Any) -> dict[Seat, list[Any]]:
        return {seat: [observation] for seat in self.seats}

    def _ask_moderator(self, called: Sequence[Seat]) -> ActionRequest:
        legal = [speaker for speaker in self.speakers if speaker not in called[-1:]]
        turn = f"Turn {len(called) + 1} of {self.turns}."
        return ActionRequest(
            self._speaker,
            legal=legal,
            prompt=f"{turn} Who speaks next: {_either(legal)}?",
            default=min(legal, key=called.count),
        )

    def _ask_vote(self, question: str) -> ActionRequest:
        prompt = f"The discussion is over. Vote on: {question} Your vote: {_either(self.choices)}?"
        return ActionRequest(self._vote, prompt=prompt, default=PASS)

    def _counted(self, votes: Mapping[Seat, Any]) -> tuple[Mapping[str, int], str | None]:
        """The votes for each choice, and the choice that is decided on, if any."""
        counts = Counter(vote for vote in votes.values() if vote is not PASS)
        most = max(counts.values(), default=0)
        leaders = [choice for choice in self.choices if counts[choice] == most > 0]
        if len(leaders) == 1:
            return counts, leaders[0]
        return counts, votes["moderator"] if votes["moderator"] in leaders else None

    def _announced(self, counts: Mapping[str, int], decision: str | None) -> str:
        votes = ", ".join(f"{choice} {counts[choice]}" for choice in self.choices)
        return f"Votes: {votes}. " + (
            f"Decided: {decision}." if decision else "Nothing is decided."
        )


def _distinct(choices: Sequence[str]) -> tuple[str, ...]:
    if isinstance(choices, str) or len(set(choices)) != len(choices) or len(choices) < 2:
        raise ValueError(f"choices must be at least two different texts, got {choices!r}")
    return tuple(words("choices", choice) for choice in choices)


def _ask_speaker(question: str) -> ActionRequest:
    prompt = f"The moderator calls on you. Say what you think in one or two sentences: {question}"
    return ActionRequest(str, prompt=prompt, default="")


def _said(speaker: Seat, text: str) -> Utterance | str:
    return Utterance(speaker, text.strip()) if text.strip() else f"{speaker} says nothing."


def _vote_of(votes: Mapping[Seat, Any], seat: Seat) -> str | None:
    return None if votes[seat] is PASS else str(votes[seat])


def _either(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}" if len(choices) > 1 else choices[0]
