"""How a judge is asked, of an episode that is played or of one that has ended."""

from typing import Any

from simlab.agents.score import score_of
from simlab.errors import JudgeError, SimlabError
from simlab.stray import Boundary
from simlab.trace.journal import Journal, RecordEnds
from simlab.trace.plain import Plain
from simlab.trace.tracing import turn


async def judged(journal: Journal, name: str, judge: Any, of: Any, *, step: int = 0) -> Plain:
    """What a judge makes of a trajectory, as the log keeps it; its model calls are effects.

    Args:
        journal: Of the episode.
        name: Of the judge.
        judge: Has the method ``score`` of `simlab.agents.judge.Judge`.
        of: The trajectory that it judges.
        step: At which it is asked.

    Raises:
        JudgeError: It failed.
    """
    with (
        turn(journal, f"judge:{name}", step, "score"),
        Boundary(f"judge {name!r}", JudgeError, (SimlabError, RecordEnds)),
    ):
        score = await judge.score(of)
    return journal.plain(score_of(name, score))
