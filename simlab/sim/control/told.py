"""What people did to an episode while it went on, as its record tells it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simlab.sim.control.order import ACTOR, Order
from simlab.trace.events import Effect, EffectCore, Event, Noted
from simlab.trace.log import Log


@dataclass(frozen=True, slots=True)
class Intervention:
    """One thing that people did to an episode.

    Attributes:
        step: In which it took effect.
        seat: Of whom; empty for the episode as a whole.
        words: What, in few words.
    """

    step: int
    seat: str
    words: str


def interventions(
    log: Log, episode: int, *, start: int = 0, stop: int | None = None
) -> list[Intervention]:
    """What people did to an episode, in its order; what a seat said is in its turns.

    A record of another form, as a stranger may have made it, is told as that.

    Args:
        log: The run's.
        episode: Its number.
        start: As of `Log.events`.
        stop: As of `Log.events`.
    """
    found: list[Intervention] = []
    for event in log.events(episode, (Effect, Noted), start=start, stop=stop):
        step, told = _told(log, event)
        try:
            found.extend(told)
        except (KeyError, TypeError, AttributeError):
            found.append(Intervention(step, "", "an order that cannot be read"))
    return found


def recorded_edits(log: Log, episode: int) -> list[tuple[int, Order]]:
    """The edits in the record of an episode, in its order, each with the step of its own."""
    cores = [log.core(event, EffectCore) for event in log.events(episode, (Effect,))]
    given = [(core.step, core.result) for core in cores if core.actor == core.kind == ACTOR]
    orders = [(step, Order.of(result)) for step, result in given]
    return [(step, order) for step, order in orders if order.kind == "edit"]


def _told(log: Log, event: Event) -> tuple[int, Iterator[Intervention]]:
    """The step of a record, and what it tells."""
    if isinstance(event, Noted) and event.actor == event.kind == ACTOR:
        return event.step, _of_note(event.step, log.whole(event.data))
    if isinstance(event, Effect):
        core = log.core(event, EffectCore)
        if core.actor == core.kind == ACTOR:
            return core.step, _of_order(core.step, core.result)
        if core.kind == "human" and core.error is not None and core.error.type in _GONE:
            return core.step, iter([Intervention(core.step, core.actor, _GONE[core.error.type])])
    return 0, iter(())


_GONE = {"PersonLateError": "gave no answer in time", "PersonLeftError": "was left"}


def _of_note(step: int, data: Any) -> Iterator[Intervention]:
    if data["kind"] == "refused":
        yield Intervention(step, data["order"]["seat"], f"not done: {data['why']}")
    else:
        yield Intervention(step, "", str(data["kind"]))


def _of_order(step: int, data: Any) -> Iterator[Intervention]:
    order = Order.of(data)
    args = order.args
    if order.kind == "lease":
        yield Intervention(step, order.seat, f"taken by {args['who']}")
    elif order.kind == "edit" and "model" in args["options"]:
        yield Intervention(step, order.seat, f"model swapped for {args['options']['model']}")
    elif order.kind == "edit":
        yield Intervention(step, order.seat, f"edited: {', '.join(args['options'])}")
