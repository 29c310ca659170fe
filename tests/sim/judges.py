"""Judges for the tests of simulations.

Run files name them as ``tests.sim.judges:LengthJudge``.
"""

import math

from simlab.env.score import Score
from tests.sim.worlds import STRAYS


class LengthJudge:
    """Scores an episode by the length of its transcript."""

    def __init__(self, per=1.0):
        self.per = per

    async def score(self, trajectory):
        return Score(len(trajectory.transcript()) / self.per, reason="it is long")


class NumberJudge:
    """Scores an episode by a bare number: how many turns it has."""

    async def score(self, trajectory):
        return len(trajectory.turns)


class OddJudge:
    """Scores every episode by what is no number."""

    def __init__(self, says="nan"):
        self.says = says
        if says == "nan":
            self.says = math.nan
        elif says == "score of nan":
            self.says = Score(math.nan)

    async def score(self, trajectory):  # noqa: ARG002
        return self.says


class SilentJudge:
    """Says that it has no score."""

    async def score(self, trajectory):  # noqa: ARG002
        return Score(None, mass=0.01)


class BrokenJudge:
    """Raises an error of its own."""

    async def score(self, trajectory):
        raise KeyError(trajectory.episode)


class StrayingJudge:
    """Raises something that is no `Exception`."""

    def __init__(self, raises):
        self.raises = raises

    async def score(self, trajectory):  # noqa: ARG002
        raise STRAYS[self.raises]("astray")
