"""Turns: a window of an episode's transcript, as everybody in the room would tell it.

A turn is a step: what each seat had perceived before it, what was done, and what it brought. The
episode is never read as a whole: a window costs what it shows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simlab.trace.events import Acted, Outcome, Started, StartedCore, Stepped, SteppedCore
from simlab.trace.plain import Plain
from simlab.view.bounds import Json, Pictures, cut, number, shown
from simlab.view.opened import OpenedRun
from simlab.view.people import people_in
from simlab.view.pictures import apart, looks_of, told_pictures, words_beside
from simlab.view.tally import numbers, score_in

TURNS_AT_ONCE = 200

_TEXT = 1 << 13
"""Characters of one text in a transcript; the whole stands in the tree of the step."""

_STATE = 4_000

TimeStep = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """What the world has said, and when: after the reset, or after a step."""

    timestep: TimeStep
    now: float = 0.0
    wall_s: float | None = None
    acted: tuple[Acted, ...] = ()


def read_turns(run: OpenedRun, episode: int, start: int = 0, stop: int | None = None) -> Json:
    """A window of the transcript of an episode.

    Args:
        run: Which.
        episode: Its number.
        start: First step; a negative one counts from the end.
        stop: Step behind the last; at most `TURNS_AT_ONCE` are given, and no more once there is no
            room for another picture.

    Returns:
        ``{"episode", "from", "to", "n_steps", "row", "turns", "after"}``: `turns` have ``step,
        now, wall_s, heard, asked, acts, rewards, ended, info, people``, of whom `people` is what
        they did to the run, and of pictures the answer has no more than `MAX_PICTURE_BYTES`; `to`
        is the step from which to go on; `after`, where nothing is left but that, what was
        perceived since the last step, and who is asked or how it ended.

    Raises:
        NotFoundError: There is no such episode.
        RunDirectoryError: Its record is not as SimLab writes it.
    """
    run.require_episode(episode)
    row, n_steps = run.row(episode), run.log.n_steps(episode)
    first = max(0, n_steps + start) if start < 0 else min(start, n_steps)
    last = min(n_steps, first + TURNS_AT_ONCE, n_steps if stop is None else max(stop, first))
    pictures, turns, after = Pictures(), [], None
    with run.guarded(f"episode {episode}"):
        people = people_in(run, episode, first, last)
        moments = moments_of(run, episode, first, last)
        newest = next(moments, Moment({}))
        for step, moment in enumerate(moments, first):
            turn = _turn(step, newest, moment, pictures)
            turns.append({**turn, "people": people.get(step, [])})
            newest = moment
            if pictures.is_low:
                last = step + 1
                break
        else:
            if last == n_steps:
                told = _after(run, episode, newest, row, pictures)
                after = {**told, "people": people.get(last, [])}
    window = {"episode": episode, "from": first, "to": last, "n_steps": n_steps}
    return {**window, "row": row, "turns": turns, "after": after}


def moments_of(run: OpenedRun, episode: int, first: int, last: int) -> Iterator[Moment]:
    """What the world said before the first step of a window, and after each of it."""
    log = run.log
    if first == 0:
        for event in log.events(episode, (Started,)):
            assert isinstance(event, Started)
            yield Moment(log.core(event, StartedCore).timestep, wall_s=event.wall_s)
            break
    steps = log.places(episode, (Stepped,))[max(0, first - 1) : last]
    if not len(steps):
        return
    begin, end = int(steps[0]), int(steps[-1]) + 1
    for event in log.events(episode, (Stepped,), start=begin, stop=end):
        assert isinstance(event, Stepped)
        core: SteppedCore = log.core(event, SteppedCore)
        yield Moment(core.timestep, core.now, event.wall_s, tuple(core.acted))


def _turn(step: int, before: Moment, after: Moment, pictures: Pictures) -> Json:
    return {
        "step": step,
        "now": number(after.now),
        "wall_s": number(after.wall_s),
        "heard": heard(before, pictures),
        "asked": _asked(before),
        "acts": [_act(act, pictures) for act in after.acted],
        "rewards": numbers(after.timestep.get("rewards", {})),
        "ended": _texts(after.timestep.get("ended", {})),
        "info": shown(after.timestep.get("info", {}), characters=_STATE, pictures=pictures),
    }


def heard(moment: Moment, pictures: Pictures) -> list[Json]:
    """What was perceived since the last step: each thing once, with all who perceived it.

    What a seat perceives that has just been said is an echo of it, which a transcript leaves out.
    """
    said = {(act.seat, said_words(act.action)) for act in moment.acted}
    known: dict[tuple[Json, ...], dict[str, Json]] = {}
    for seat, observations in sorted(moment.timestep.get("observations", {}).items()):
        for observation in observations:
            told = told_thing(observation)
            key = (told["kind"], told["by"], told["text"], looks_of(observation))
            if key not in known:
                rich = told_pictures(observation, pictures)
                known[key] = {**told, **rich, "to": [], "echo": False}
            entry = known[key]
            entry["to"].append(cut(seat, 200))
            if told["kind"] == "utterance":
                entry["echo"] = (observation["speaker"], observation["text"]) in said
    return list(known.values())


def told_thing(observation: Plain) -> dict[str, Json]:
    """One thing that was perceived: its kind, whose words it is, and the words but no pictures."""
    kind = observation.get("_type") if isinstance(observation, dict) else None
    if kind == "Utterance":
        told = {"by": cut(observation["speaker"], 200), "text": cut(observation["text"], _TEXT)}
        return {"kind": "utterance", **told}
    name = "briefing" if kind == "Briefing" else "observation"
    return {"kind": name, "by": "", "text": cut(words_beside(observation), _TEXT)}


def said_words(action: Plain) -> str:
    """The words of an action that others perceive as an utterance."""
    if isinstance(action, dict):
        return str(action.get("say", action.get("text", "")))
    return str(action)


def _act(act: Acted, pictures: Pictures) -> Json:
    told = {
        "seat": cut(act.seat, 200),
        "words": cut(words_beside(act.action), _TEXT),
        "action": shown(apart(act.action), characters=_STATE, pictures=pictures),
        "attempts": act.attempts,
        "invalid": None if act.invalid is None else cut(act.invalid, 1000),
        "raw": None if act.raw is None else cut(act.raw, 1000),
        "late": act.late,
        "edited": act.edited,
    }
    if isinstance(act.action, dict) and act.action.get("_type") == "Score":
        told["score"] = _score(act.action)
    return {**told, **told_pictures(act.action, pictures)}


def _score(score: Mapping[str, Any]) -> Json:
    """A rating: its value, where on its scale it lies, and how likely each label was."""
    return {
        "value": number(score_in(dict(score))),
        "distribution": numbers(score.get("distribution") or {}),
        "mass": number(score.get("mass")),
        "reason": cut(str(score.get("reason") or ""), _TEXT),
    }


def _asked(moment: Moment) -> Json:
    """Who was asked, with what bounds the answer; prompts stand in the tree of the step."""
    asked = {}
    for seat, request in moment.timestep.get("requests", {}).items():
        fields = request if isinstance(request, dict) else {}
        asked[cut(seat, 200)] = {
            "required": fields.get("required", True) is True,
            "deadline": number(fields.get("deadline")),
        }
    return asked


def _after(
    run: OpenedRun, episode: int, moment: Moment, row: Mapping[str, Json], pictures: Pictures
) -> Json:
    """What is behind the last step: what was perceived since, who is asked, or how it ended."""
    told: dict[str, Json] = {
        "state": row["state"],
        "heard": heard(moment, pictures),
        "asked": _asked(moment) if row["state"] == "unfinished" else {},
        "info": {}
        if moment.acted
        else shown(moment.timestep.get("info", {}), characters=_STATE, pictures=pictures),
    }
    end = run.log.end(episode)
    if end is not None:
        outcome: Outcome = run.log.core(end, Outcome)
        told["wall_s"] = number(end.wall_s)
        told["scores"] = {
            cut(name, 200): _score(score if isinstance(score, dict) else {"value": score})
            if isinstance(score, dict) and "failed" not in score
            else shown(score, characters=2000)
            for name, score in outcome.scores.items()
        }
    return told


def _texts(values: Mapping[str, Any]) -> dict[str, Json]:
    return {cut(name, 200): cut(str(value), 200) for name, value in values.items()}
