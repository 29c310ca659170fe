"""What became of the episodes of a run: where each began, what it was rated, and what was said."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from simlab.env.score import Score
from simlab.sim.run import Run
from simlab.sim.scoring.reward import aggregated, scores_in
from simlab.sim.scoring.veto import is_vetoed
from simlab.sim.summary import EpisodeSummary
from simlab.trace.disk import readable, write_whole
from simlab.trace.trajectory import Fold, read_fold
from simlab.train.plays import HARM
from simlab.train.selection import Level, Rated
from simlab.train.train_file import ScoreSpec, TrainFile


@dataclass(frozen=True, slots=True)
class Scored:
    """One episode.

    Attributes:
        episode: Its number.
        environment: In which it began.
        state: Name of its initial state.
        rollout: How manieth from there in its run.
        population: The kind of its character.
        rating: None where it is missing.
        vetoed: Whether it is not to be learnt from.
        harm: Of runs that compare versions; None where it is missing.
        replies: What the learner said.
    """

    episode: int
    environment: str
    state: str
    rollout: int
    population: str
    rating: float | None
    vetoed: bool = False
    harm: float | None = None
    replies: tuple[str, ...] = ()

    @property
    def start(self) -> str:
        """Where it began."""
        return f"{self.environment}/{self.state}"

    def rated(self) -> Rated:
        """As selection takes it."""
        return Rated(self.episode, self.rating, self.state, self.environment, "all")


def read_scored(run: Run, file: TrainFile, populations: Mapping[str, str]) -> list[Scored]:
    """The episodes of a run that ended and did not fail.

    Args:
        run: Of a round.
        file: Says whose scores count.
        populations: By environment.
    """
    return [
        _scored(run, summary, file, populations)
        for summary in run.summary.episodes
        if summary.state == "ended"
    ]


def write_scored(scored: Sequence[Scored], path: Path) -> None:
    """Write a line of JSON for each episode, all or none."""
    lines = [msgspec.json.encode(asdict(one)) for one in scored]
    write_whole(path, b"".join(line + b"\n" for line in lines))


def load_scored(path: Path) -> list[Scored]:
    """What `write_scored` has written.

    Raises:
        RunDirectoryError: It cannot be read.
    """
    with readable(f"{path} cannot be read"):
        return msgspec.json.Decoder(Scored).decode_lines(path.read_bytes())


def shuffled(scored: Sequence[Scored], level: Level, rng: np.random.Generator) -> list[Scored]:
    """The same episodes with the ratings of each group dealt anew among them (the null arm).

    Vetoes stay where they are.

    Args:
        scored: Not changed.
        level: What makes a group, as in selection.
        rng: Deals.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, one in enumerate(scored):
        groups.setdefault(one.rated().group(level), []).append(place)
    dealt = list(scored)
    for places in groups.values():
        for place, source in zip(places, rng.permutation(places), strict=True):
            dealt[place] = replace(scored[place], rating=scored[source].rating)
    return dealt


def _scored(
    run: Run, summary: EpisodeSummary, file: TrainFile, populations: Mapping[str, str]
) -> Scored:
    fold = read_fold(run.log, summary.episode)
    reset, (_, rollout) = run.file.reset_of(summary.episode), run.file.starts[summary.episode]
    acted = [turn.acted for turn in fold.trajectory(file.learner.seat).turns]
    return Scored(
        summary.episode,
        reset["environment"],
        reset["state"],
        rollout,
        populations[reset["environment"]],
        aggregated(_scores(file.rating, fold, summary), file.rating.how).value,
        vetoed=_is_vetoed(file, fold, summary),
        harm=summary.scores.get(HARM),
        replies=tuple(str(act.action) for act in acted if act is not None),
    )


def _is_vetoed(file: TrainFile, fold: Fold, summary: EpisodeSummary) -> bool:
    if file.veto is None:
        return False
    scores = _scores(file.veto, fold, summary)
    if file.veto.how == "last":
        scores = scores[-1:]
    return is_vetoed(scores, file.veto.level, missing=file.veto.missing)


def _scores(spec: ScoreSpec, fold: Fold, summary: EpisodeSummary) -> list[Score]:
    """The scores that are meant, of each turn or one of the whole."""
    if spec.judge is not None:
        return [Score(summary.scores.get(spec.judge))]
    assert spec.seat is not None, "a score is a seat's or a judge's"
    return scores_in(fold.trajectory(spec.seat))
