"""What tests of branches look at."""

from simlab.sim.blocking import run_async
from simlab.sim.replay import replay
from simlab.sim.run import Run
from simlab.trace.events import Effect, Started, Stepped, encode


class Calls:
    """A model that logs its calls.

    Args:
        log: The file.
    """

    def __init__(self, log):
        self.log = log
        self.models = {"small": {"engine": "scripted", "calls_log": str(log)}}

    def count(self):
        """How many there were so far."""
        return len(self.log.read_text().splitlines())


def deeds(run, episode=0):
    """What was done, in order."""
    return [turn.acted.action for turn in run.episode(episode).turns()]


def records(run, n_steps, episode=0):
    """The canonical records of an episode up to the commit of a step."""
    found, n_milestones = [], 0
    for event in run.log.events(episode, (Started, Effect, Stepped)):
        found.append((type(event).__name__, encode(event)))
        n_milestones += isinstance(event, Started | Stepped)
        if n_milestones == n_steps + 1:
            break
    return found


def contents(run):
    """All files of a run with their bytes."""
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def replayed(run):
    return run_async(replay(Run(run.path)))
