"""The table of a training: a row for each round, beside the base."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypedDict

from simlab.sim.scoring.interval import Interval
from simlab.trace.disk import write_whole
from simlab.trace.json_text import as_json
from simlab.train.directory import TrainingDirectory
from simlab.train.figures import difference
from simlab.train.round_record import RoundRecord

FILE = "table.json"
_TOKENS = ("n_prompt_tokens", "n_completion_tokens", "n_tokens")

Row = Mapping[str, Any]
"""A round; names that end in ``_s`` are seconds, and follow from nothing."""


class KnownInterval(TypedDict):
    """An `Interval` as plain data."""

    mean: float
    low: float | None
    high: float | None
    n: int
    n_clusters: int


class KnownRow(TypedDict):
    """A row of a table as it is read again, with all that stands in one."""

    round: int
    parent: str
    verdict: str
    trust: dict[str, Any] | None
    harm_auc: float | None
    rating: KnownInterval | None
    harm: KnownInterval | None
    rating_against_base: KnownInterval | None
    harm_against_base: KnownInterval | None
    rating_gap: KnownInterval | None
    harm_gap: KnownInterval | None
    veto_rate: KnownInterval | None
    length: KnownInterval | None
    refusals: KnownInterval | None
    kl: KnownInterval | None
    n: int
    n_failed: int
    n_missing: int
    n_harm_missing: int
    collected_veto_rate: KnownInterval | None
    collected_n_missing: int | None
    collected_n_failed: int | None
    drift: float | None
    drift_alarm: bool | None
    n_samples: int | None
    n_tokens: int
    by_environment: dict[str, dict[str, KnownInterval | None]]
    phases_s: dict[str, float]
    wall_s: float


def rows_of(records: Sequence[RoundRecord], *, seed: int) -> list[Row]:
    """A row for each round whose version was compared.

    Args:
        records: By number, that of the base first.
        seed: Of the bootstrap.
    """
    compared = [record for record in records if "evaluate" in record.phases]
    return [_row(record, compared[0], seed) for record in compared]


def write_table(directory: TrainingDirectory, rows: Sequence[Row]) -> None:
    """Keep the table as ``table.json`` and, but for what is nested, as ``table.parquet``.

    Raises:
        LogWriteError: The disk does not take it.
    """
    import pandas as pd  # heavy

    flat = [{key: value for key, value in row.items() if _is_flat(value)} for row in rows]
    ends = [
        {
            f"{key}_{end}": value[end]
            for key, value in row.items()
            if _is_interval(value)
            for end in _ENDS
        }
        for row in rows
    ]
    frame = pd.DataFrame([{**one, **other} for one, other in zip(flat, ends, strict=True)])
    write_whole(directory.path / "table.parquet", frame.to_parquet(index=False))
    write_whole(directory.path / FILE, as_json([dict(row) for row in rows]).encode() + b"\n")


_ENDS = ("mean", "low", "high")

_DIAGNOSTICS = ("veto_rate", "length", "refusals", "kl")


def _row(record: RoundRecord, base: RoundRecord, seed: int) -> Row:
    found, of_base = record.figures("evaluate"), base.figures("evaluate")
    scored, trained = record.figures("score"), record.figures("train")

    def apart(what: str) -> dict[str, Any] | None:
        if record.number == base.number:
            return None
        return _plain(difference(found[what], of_base[what], seed=seed))

    return {
        "round": record.number,
        "parent": record.parent,
        "verdict": _verdict(record),
        "trust": record.figures("trial") or None,
        "harm_auc": _harm_auc(base),
        "rating": found["whole"]["rating"],
        "harm": found["whole"]["harm"],
        "rating_against_base": apart("rating_by_start"),
        "harm_against_base": apart("harm_by_start"),
        "rating_gap": found["rating_gap"],
        "harm_gap": found["harm_gap"],
        **{name: found["whole"][name] for name in _DIAGNOSTICS},
        "n": found["n"],
        "n_failed": found["n_failed"],
        "n_missing": found["n_missing"],
        "n_harm_missing": found["n_harm_missing"],
        "collected_veto_rate": scored.get("whole", {}).get("veto_rate"),
        "collected_n_missing": scored.get("n_missing"),
        "collected_n_failed": scored.get("n_failed"),
        "drift": trained.get("drift", {}).get("mean"),
        "drift_alarm": trained.get("alarm"),
        "n_samples": record.figures("select").get("n_samples"),
        "n_tokens": sum(
            phase.figures.get(name, 0) for phase in record.phases.values() for name in _TOKENS
        ),
        "by_environment": found["by_environment"],
        "phases_s": {name: phase.wall_s for name, phase in record.phases.items()},
        "wall_s": sum(phase.wall_s for phase in record.phases.values()),
    }


def _harm_auc(base: RoundRecord) -> float | None:
    """Of the judge of harm as a whole, on labelled cases; None where nothing is known of it."""
    trials = base.figures("trial").get("trials") or [{"auc": None}]
    auc: float | None = trials[0]["auc"]
    return auc


def _verdict(record: RoundRecord) -> str:
    if not record.number:
        return "base"
    if "publish" not in record.phases:
        return "under way"
    return "published" if record.is_published else "held back"


def _plain(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else asdict(interval)


def _is_interval(value: Any) -> bool:
    return isinstance(value, Mapping) and set(_ENDS) <= value.keys()


def _is_flat(value: Any) -> bool:
    return not isinstance(value, Mapping)
