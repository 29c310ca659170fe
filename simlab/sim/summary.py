"""Summaries: what a run came to, read in a moment however long its log is."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import structs

from simlab.errors import LogDamagedError
from simlab.sim.ratings import ratings_in
from simlab.trace.accounts import Account, usage
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import read_json, write_whole
from simlab.trace.events import Outcome
from simlab.trace.json_text import as_json
from simlab.trace.log import Log

FILE = "summary.json"


class EpisodeSummary(msgspec.Struct, frozen=True):
    """What one episode came to.

    Attributes:
        episode: Its number.
        state: ``ended``, ``failed`` or ``unfinished``.
        n_steps: Steps committed.
        returns: Sum of rewards by seat, in reward units.
        ended: How each seat's part ended.
        scores: Values that judges gave, by judge; None where one is missing.
        failure: What ended it, where it failed.
        boundary: Where the failure arose.
        accounts: What its model calls came to, by actor and model.
        ratings: Mean of what each seat gave that rates, see `ratings_in`; none if nobody does.
    """

    episode: int
    state: str
    n_steps: int = 0
    returns: dict[str, float] = {}
    ended: dict[str, str] = {}
    scores: dict[str, float | None] = {}
    failure: str | None = None
    boundary: str | None = None
    accounts: list[Account] = []
    ratings: dict[str, float | None] = {}

    @property
    def usage(self) -> dict[str, int]:
        """Calls and tokens of its models."""
        return dict(usage(self.accounts))


class RunSummary(msgspec.Struct, frozen=True):
    """What a run came to.

    Attributes:
        digest: Of all that was recorded, hex.
        finished: Whether every episode has ended.
        episodes: One summary each, by number.
        segments: Sealed bytes by segment name when this was written.
    """

    digest: str
    finished: bool
    episodes: list[EpisodeSummary]
    segments: dict[str, int] = {}

    @property
    def n_failed(self) -> int:
        """How many episodes failed."""
        return sum(episode.state == "failed" for episode in self.episodes)

    @property
    def n_ended(self) -> int:
        """How many episodes came to their end without failing."""
        return sum(episode.state == "ended" for episode in self.episodes)

    @property
    def n_unfinished(self) -> int:
        """How many episodes have not come to their end."""
        return sum(episode.state == "unfinished" for episode in self.episodes)

    @property
    def usage(self) -> dict[str, int]:
        """Calls and tokens of all episodes."""
        return dict(usage(self.accounts))

    @property
    def accounts(self) -> list[Account]:
        """What the model calls of all episodes came to."""
        return [account for episode in self.episodes for account in episode.accounts]

    def mean_returns(self) -> dict[str, float]:
        """Mean over ended episodes of each seat's return, in reward units."""
        ended = [episode.returns for episode in self.episodes if episode.state == "ended"]
        seats = sorted({seat for returns in ended for seat in returns})
        return {seat: sum(r.get(seat, 0.0) for r in ended) / len(ended) for seat in seats}

    def mean_scores(self) -> dict[str, float | None]:
        """Mean of each judge's scores over the episodes where it gave one."""
        return _means(episode.scores for episode in self.episodes)

    def mean_ratings(self) -> dict[str, float | None]:
        """Mean of each rating seat's ratings over the ended episodes where it gave one."""
        return _means(episode.ratings for episode in self.episodes)


def summarise(log: Log, n_episodes: int) -> RunSummary:
    """A summary from the log itself."""
    episodes = [_summarise_episode(log, episode) for episode in range(n_episodes)]
    first = next((one.episode for one in episodes if one.state == "ended"), None)
    if first is not None and ratings_in(log, first):  # else steps need not be read
        episodes = [_with_ratings(log, one) for one in episodes]
    return RunSummary(
        log.digest(),
        all(episode.state != "unfinished" for episode in episodes),
        episodes,
        _sealed(log.directory),
    )


def write_summary(directory: RunDirectory, summary: RunSummary) -> None:
    """Keep the summary of a run beside its log, as JSON."""
    write_whole(directory.path / FILE, as_json(msgspec.to_builtins(summary)).encode())


def read_summary(directory: RunDirectory, n_episodes: int) -> RunSummary:
    """The summary of a run: the one that is kept if it is of this log, else a new one.

    Raises:
        RunDirectoryError: The kept one cannot be read.
        LogDamagedError: The kept one is of segments that are not there.
    """
    kept = read_kept_summary(directory)
    if kept is not None and len(kept.episodes) == n_episodes:
        return kept
    return summarise(Log(directory), n_episodes)


def compare_summary(log: Log) -> None:
    """Compare a log with the summary that is kept beside it, if that is of this log.

    Raises:
        RunDirectoryError: The kept one cannot be read.
        LogDamagedError: It is of segments that are not there, or has another digest.
    """
    kept = read_kept_summary(log.directory)
    if kept is not None and kept.digest != log.digest():
        raise LogDamagedError(
            f"{log.directory.path} ended with digest {kept.digest}, as {FILE} says, and its log "
            f"comes to {log.digest()}; restore the segments from a copy"
        )


def read_kept_summary(directory: RunDirectory) -> RunSummary | None:
    """The summary that is kept, if there is one and the log has not grown since."""
    path = directory.path / FILE
    # Not strict: numbers that are not finite stand there as texts.
    kept = read_json(path, RunSummary, strict=False, remedy="delete it")
    if kept is None:
        return None
    sealed = _sealed(directory)
    missing = sorted(kept.segments.keys() - sealed.keys())
    if missing:
        raise LogDamagedError(
            f"segment {missing[0]}.log is missing in {directory.path / 'segments'}, as {FILE} "
            "says; restore the file from a copy"
        )
    return kept if kept.segments == sealed else None


def _sealed(directory: RunDirectory) -> dict[str, int]:
    """Bytes of each segment that count, or -1 while it is open."""
    lengths = {file.path.stem: file.sealed_length() for file in directory.segments()}
    return {name: -1 if length is None else length for name, length in lengths.items()}


def _summarise_episode(log: Log, episode: int) -> EpisodeSummary:
    end = log.end(episode)
    if end is None:
        return EpisodeSummary(episode, "unfinished", log.n_steps(episode))
    outcome: Outcome = log.core(end, Outcome)
    return EpisodeSummary(
        episode,
        "ended" if outcome.failed is None else "failed",
        outcome.n_steps,
        outcome.returns,
        outcome.ended,
        {name: _value(score) for name, score in outcome.scores.items()},
        None if outcome.failed is None else outcome.failed.message,
        None if outcome.failed is None else outcome.failed.boundary,
        end.accounts,
    )


def _with_ratings(log: Log, episode: EpisodeSummary) -> EpisodeSummary:
    if episode.state != "ended":
        return episode
    return structs.replace(episode, ratings=ratings_in(log, episode.episode))


def _means(given: Iterable[Mapping[str, float | None]]) -> dict[str, float | None]:
    """The mean by name of the values that are there; None where there are none."""
    values: dict[str, list[float]] = {}
    for each in given:
        for name, value in each.items():
            values.setdefault(name, []).extend([] if value is None else [value])
    return {name: sum(v) / len(v) if v else None for name, v in sorted(values.items())}


def _value(score: object) -> float | None:
    """The value of a score as the log keeps it."""
    value = score.get("value") if isinstance(score, dict) else score
    return float(value) if isinstance(value, int | float) else None
