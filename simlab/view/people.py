"""What people did to an episode while it went on, by the steps in which it took effect."""

from collections.abc import Mapping

from simlab.sim.control.told import interventions
from simlab.trace.events import Stepped
from simlab.view.bounds import Json, cut
from simlab.view.opened import OpenedRun


def people_in(run: OpenedRun, episode: int, first: int, last: int) -> Mapping[int, list[Json]]:
    """What people did in a window of steps, as ``{"seat", "words"}`` by step.

    What they let a seat say is told by its acts. A window that reaches the last step has the one
    after it too, which is not over.

    Args:
        run: Which.
        episode: Its number.
        first: First step.
        last: Step behind the last one.
    """
    places = run.log.places(episode, (Stepped,))
    start = int(places[first - 1]) if first else 0
    stop = None if last == len(places) else int(places[last - 1]) if last else 0
    found: dict[int, list[Json]] = {}
    for each in interventions(run.log, episode, start=start, stop=stop):
        told = {"seat": cut(each.seat, 200), "words": cut(each.words, 2000)}
        found.setdefault(each.step, []).append(told)
    return found
