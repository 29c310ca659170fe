"""What notebooks show of runs and episodes: HTML of their own, in which all texts are escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from simlab.agents.colours import colour_of
from simlab.sim.summary import EpisodeSummary
from simlab.trace.trajectory import Turn, words

if TYPE_CHECKING:
    from simlab.sim.run import Episode, Run

_MOST_ROWS: Final = 20
_MOST_TURNS: Final = 40
_LONGEST: Final = 600
"""Characters of what was done in one turn."""

_LINE: Final = (
    '<div style="margin:4px 0;padding:4px 12px;border-left:3px solid {colour};'
    'border-radius:3px;overflow-wrap:anywhere;white-space:pre-wrap">'
    '<b style="color:{colour}">{seat}</b> {said}{marks}</div>'
)

_QUIET: Final = '<span style="opacity:.65">{}</span>'


def run_in_html(run: "Run") -> str:
    """A run: what was run, how far it is, and a row for each of its first episodes."""
    summary, file = run.summary, run.file
    counts = (
        f"{summary.n_ended} of {file.episodes} episodes ended, {summary.n_failed} failed, "
        f"{sum(each.n_steps for each in summary.episodes):,} steps"
    )
    more = len(summary.episodes) - _MOST_ROWS
    rest = _QUIET.format(f"… {more} more") if more > 0 else ""
    return (
        f"<div><b>{escape(file.name)}</b> {_QUIET.format(escape(file.description))}<br>"
        f"{counts}<br>{_QUIET.format(escape(str(run.path)))}"
        f"{_table(summary.episodes[:_MOST_ROWS])}{rest}</div>"
    )


def episode_in_html(episode: "Episode") -> str:
    """An episode: how it ended, and what was done in its first turns."""
    turns = episode.turns()
    more = len(turns) - _MOST_TURNS
    rest = _QUIET.format(f"… {more} more turns") if more > 0 else ""
    lines = "".join(map(_line, turns[:_MOST_TURNS]))
    return f"<div><b>{escape(repr(episode)[1:-1])}</b>{lines}{rest}</div>"


def _line(turn: Turn) -> str:
    act = turn.acted
    assert act is not None, "a bystander sees what was done"
    said = words(act.action)
    cut = "…" if len(said) > _LONGEST else ""
    marks = [name for name in ("late", "edited") if getattr(act, name)]
    marks += ["no answer fitted"] if act.invalid is not None else []
    told = _QUIET.format(f" ({', '.join(marks)})") if marks else ""
    return _LINE.format(
        colour=colour_of(act.seat),
        seat=escape(act.seat),
        said=escape(said[:_LONGEST]) + cut,
        marks=told,
    )


def _table(episodes: Sequence[EpisodeSummary]) -> str:
    """A row for each episode, with a column for each seat's return, rating, and judge's score."""
    returns = _names(each.returns for each in episodes)
    ratings = _names(each.ratings for each in episodes)
    scores = _names(each.scores for each in episodes)
    heads = ["episode", "state", "steps", *returns, *(f"⌀ {name}" for name in ratings), *scores]
    rows = [
        [
            str(each.episode),
            each.state,
            str(each.n_steps),
            *(_number(each.returns.get(name)) for name in returns),
            *(_number(each.ratings.get(name)) for name in ratings),
            *(_number(each.scores.get(name)) for name in scores),
        ]
        for each in episodes
    ]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _names(values: Iterable[Mapping[str, object]]) -> list[str]:
    return sorted({name for each in values for name in each})


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
