"""What one seat has perceived in an episode, and what it did: all that its player may see.

Nothing else of the record is told: neither what others perceive, nor who else perceives the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simlab.agents.colours import colour_of
from simlab.errors import NotFoundError
from simlab.trace.events import Acted
from simlab.view.bounds import Json, Pictures, cut, number
from simlab.view.opened import OpenedRun
from simlab.view.pictures import told_pictures, words_beside
from simlab.view.turns import TURNS_AT_ONCE, Moment, moments_of, said_words, told_thing

_TEXT = 1 << 13


def read_perceived(run: OpenedRun, episode: int, seat: str, start: int = 0) -> Json:
    """What a seat has perceived and done, from a moment on.

    Args:
        run: Which.
        episode: Its number; one that has not begun has nothing to tell.
        seat: Whose.
        start: The first moment: 0 is after the reset, n after step n - 1.

    Returns:
        ``{"to", "more", "state", "run", "seen", "due_s"}``: the moment to go on from, whether there
        are more already; how the episode and the run stand; what was perceived, in order; and the
        world's deadline for the seat on a real clock, in seconds of the epoch, or None.

    Raises:
        RunDirectoryError: The record is not as SimLab writes it.
    """
    state, n_moments = _extent(run, episode)
    seen: list[Json] = []
    due_s, to, pictures = None, start, Pictures()
    with run.guarded(f"episode {episode}"):
        for moment in moments_of(run, episode, start, min(n_moments, start + TURNS_AT_ONCE) - 1):
            seen += _seen(to, moment, seat, pictures)
            due_s = _due_s(run, moment, seat)
            to += 1
            if pictures.is_low:
                break
    return {
        "to": to,
        "more": start < to < n_moments,
        "state": state,
        "run": run.progress()["state"],
        "seen": seen,
        "due_s": due_s,
    }


def _extent(run: OpenedRun, episode: int) -> tuple[str, int]:
    """How an episode stands, and how many moments there are of it."""
    try:
        row = run.row(episode)
    except NotFoundError:
        return "unfinished", 0
    return row["state"], run.log.n_steps(episode) + 1


def _seen(at: int, moment: Moment, seat: str, pictures: Pictures) -> Iterator[Json]:
    """What a seat did just before a moment, and what it perceived then."""
    own = [act for act in moment.acted if act.seat == seat]
    for act in own:
        yield _act(at - 1, act, pictures)
    said = {said_words(act.action) for act in own}
    for observation in moment.timestep.get("observations", {}).get(seat, ()):
        told = told_thing(observation)
        if told["by"] != seat or observation["text"] not in said:
            rich = told_pictures(observation, pictures)
            yield {"step": at, **told, **rich, "colour": _colour(told["by"])}
    ending = moment.timestep.get("ended", {}).get(seat)
    if ending is not None:
        yield {"step": at, "kind": "end", "by": "", "text": cut(str(ending), 200)}


def _act(step: int, act: Acted, pictures: Pictures) -> Json:
    told = {"step": step, "kind": "act", "by": cut(act.seat, 200), "colour": _colour(act.seat)}
    text = cut(words_beside(act.action), _TEXT)
    told |= told_pictures(act.action, pictures)
    return {**told, "text": text, "late": act.late, "edited": act.edited}


def _due_s(run: OpenedRun, moment: Moment, seat: str) -> float | None:
    """When the world plays the seat's default, in seconds of the epoch; only a real clock says."""
    request = moment.timestep.get("requests", {}).get(seat)
    if not run.record.on_real_clock or not isinstance(request, dict):
        return None
    deadline, wall_s = number(request.get("deadline")), number(moment.wall_s)
    if not isinstance(deadline, int | float) or not isinstance(wall_s, int | float):
        return None
    clock: Mapping[str, Any] = run.record.run["clock"]
    speed = number(clock.get("speed", 1.0))
    return wall_s + (deadline - moment.now) / speed if isinstance(speed, int | float) else None


def _colour(name: str) -> str:
    return colour_of(name.encode(errors="replace").decode())
