"""A social dilemma played over and over: cooperate or defect, both at once.

The iterated prisoner's dilemma with the payoffs of Axelrod's tournaments (Axelrod 1984) unless
others are given. With other orders of the payoffs it is the game of chicken or the stag hunt (Macy
& Flache 2002). If ``talk`` is set, both say something at once before each move; words bind nobody.

The number of rounds is a rule that both seats are told, so its end is ``terminated``; a limit put
on the episode from outside is the run's affair.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from simlab.env.environment import ActionRequest, Seat, SeatSpec, TimeStep, Utterance
from simlab.env.options import at_least, episode_options, flag
from simlab.env.script import Scene, Script

Move = Literal["cooperate", "defect"]
"""What a seat does in a round."""

_OTHER: Final = {"first": "second", "second": "first"}
_PAST: Final = {"cooperate": "cooperated", "defect": "defected"}
_ROLE: Final = "You play a game of many rounds with another player. Collect many points."


@dataclass(frozen=True, slots=True)
class Payoffs:
    """Points for one seat in one round, by what both do (Axelrod 1984, p. 8).

    Attributes:
        temptation: For defecting when the other cooperates.
        reward: For cooperating when the other does.
        punishment: For defecting when the other does.
        sucker: For cooperating when the other defects.

    Raises:
        ValueError: A payoff is not finite, or there is no dilemma: mutual cooperation must be
            better than mutual defection, than being exploited and than taking turns, and either
            greed or fear must speak against it (Macy & Flache 2002, eq. 1-4).
    """

    temptation: float = 5
    reward: float = 3
    punishment: float = 1
    sucker: float = 0

    def __post_init__(self) -> None:
        t, r, p, s = self.temptation, self.reward, self.punishment, self.sucker
        if not all(
            isinstance(value, int | float) and math.isfinite(value) for value in (t, r, p, s)
        ):
            raise ValueError(f"payoffs must be finite numbers, got {self!r}")
        if not (r > p and r > s and 2 * r > t + s and (t > r or p > s)):
            raise ValueError(
                "payoffs must have reward > punishment, reward > sucker, 2 * reward > temptation + "
                f"sucker, and temptation > reward or punishment > sucker, got {self!r}"
            )

    def of(self, own: Move, others: Move) -> float:
        """The points of the seat that does `own` while the other does `others`."""
        if own == "cooperate":
            return self.reward if others == "cooperate" else self.sucker
        return self.temptation if others == "cooperate" else self.punishment

    @property
    def safest(self) -> Move:
        """The move whose worst outcome is best."""
        safe = min(self.temptation, self.punishment) >= min(self.reward, self.sucker)
        return "defect" if safe else "cooperate"


class IteratedDilemma(Script):
    """The game, for the seats ``first`` and ``second``; nothing in it is left to chance.

    A seat that gives no fitting answer says nothing and makes the safest move of the payoffs.

    Args:
        rounds: How many; both seats know.
        talk: Whether both say something before each move.
        payoffs: The four payoffs, or a mapping of their names to points.

    Raises:
        ValueError: `rounds` is under 1, or the payoffs make no dilemma.
    """

    def __init__(
        self,
        *,
        rounds: int = 10,
        talk: bool = False,
        payoffs: Payoffs | Mapping[str, float] = Payoffs(),
    ) -> None:
        super().__init__()
        self.rounds = at_least("rounds", rounds, 1)
        self.talk = flag("talk", talk)
        self.payoffs = payoffs if isinstance(payoffs, Payoffs) else _payoffs(payoffs)
        self.seats = {seat: SeatSpec(_ROLE, str if self.talk else Move) for seat in _OTHER}
        self._rules = _rules(self.payoffs)

    def play(self, seed: int, options: Mapping[str, Any]) -> Scene:  # noqa: ARG002
        """The rounds; see `Script.play`."""
        episode_options(options, ())
        totals = dict.fromkeys(_OTHER, 0.0)
        rewards: dict[Seat, float] = {}
        told: dict[Seat, list[Any]] = {seat: [self._rules] for seat in _OTHER}
        for number in range(1, self.rounds + 1):
            if self.talk:
                said = yield TimeStep(self._ask_words(number), told, rewards)
                rewards, told = {}, _heard(said)
            moves = yield TimeStep(self._ask_moves(number), told, rewards)
            rewards = {s: float(self.payoffs.of(moves[s], moves[_OTHER[s]])) for s in _OTHER}
            totals = {seat: totals[seat] + rewards[seat] for seat in _OTHER}
            told = {seat: [_result(seat, number, moves, rewards, totals)] for seat in _OTHER}
        info = {seat: {"points": totals[seat]} for seat in _OTHER}
        return TimeStep({}, told, rewards, ended=dict.fromkeys(_OTHER, "terminated"), info=info)

    def _ask_words(self, number: int) -> dict[Seat, ActionRequest]:
        prompt = f"Round {number} of {self.rounds}. Say one short sentence to the other player."
        return dict.fromkeys(_OTHER, ActionRequest(str, prompt=prompt, default=""))

    def _ask_moves(self, number: int) -> dict[Seat, ActionRequest]:
        prompt = f"Round {number} of {self.rounds}. {self._rules} Do you cooperate or defect?"
        request = ActionRequest(Move, prompt=prompt, default=self.payoffs.safest)
        return dict.fromkeys(_OTHER, request)


def _payoffs(points: Mapping[str, float]) -> Payoffs:
    try:
        return Payoffs(**points)
    except TypeError as error:
        names = tuple(Payoffs.__dataclass_fields__)
        raise ValueError(f"payoffs must be named among {names!r}, got {points!r}") from error


def _rules(payoffs: Payoffs) -> str:
    return (
        f"If both cooperate, each gets {payoffs.reward:g} points. "
        f"If both defect, each gets {payoffs.punishment:g}. "
        f"If only one defects, that one gets {payoffs.temptation:g} and the other "
        f"{payoffs.sucker:g}."
    )


def _heard(said: Mapping[Seat, str]) -> dict[Seat, list[Any]]:
    words = [Utterance(seat, text.strip()) for seat, text in said.items() if text.strip()]
    return {seat: list(words) for seat in _OTHER} if words else {}


def _result(
    seat: Seat,
    number: int,
    moves: Mapping[Seat, Move],
    rewards: Mapping[Seat, float],
    totals: Mapping[Seat, float],
) -> str:
    other = _OTHER[seat]
    return (
        f"Round {number}: you {_PAST[moves[seat]]}, the other player {_PAST[moves[other]]}. "
        f"You get {rewards[seat]:g}, the other {rewards[other]:g}. "
        f"In all you have {totals[seat]:g}, the other {totals[other]:g}."
    )
