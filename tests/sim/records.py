"""What runs have recorded, for the tests that compare them."""

from simlab.sim.blocking import run_async
from simlab.sim.replay import replay
from simlab.sim.run import Run
from simlab.trace.events import Effect, EffectCore, Started, Stepped, SteppedCore, encode


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
    """How many episodes came out the same when they were played again from their effects."""
    return run_async(replay(Run(run.path)))


def check_log(run):
    """That each episode has steps 0..n once and each effect key once; how many effects."""
    n_effects = 0
    for episode in run.log.episodes:
        steps = [run.log.core(e, SteppedCore).step for e in run.log.events(episode, (Stepped,))]
        cores = [run.log.core(e, EffectCore) for e in run.log.events(episode, (Effect,))]
        keys = [(c.actor, c.step, c.span, c.request, c.nth) for c in cores]

        assert steps == list(range(len(steps)))
        assert len(keys) == len(set(keys))
        n_effects += len(keys)
    return n_effects
