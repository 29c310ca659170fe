"""Overlap: many episodes with a slow model take little longer than the slowest chain of calls.

Time is read from the log, from the first reset to the last end, so that the start of Ray and of its
hosts is left out. The critical path of an episode is its number of calls, one after another, times
the latency of the model; what it really takes alone is measured beside it.
"""

from statistics import median

from benchmarks.measuring import Figures, fresh
from benchmarks.report import Bar, progress, report
from benchmarks.runs import TURNS, scratch
from benchmarks.workload import LIVE
from simlab.sim.run import Run
from simlab.trace.events import Ended, Started

LATENCY_S = 0.05
N_STEPS = 40
CRITICAL_PATH_S = N_STEPS * LATENCY_S

HOSTS = (0, 2)
N_REPEATS = 3

BARS = tuple(Bar(f"hosts_{hosts}.to_critical_path", at_most=1.15) for hosts in HOSTS)


def measure() -> Figures:
    """Figures in this process alone and on two Ray hosts."""
    figures: Figures = {
        "latency_s": LATENCY_S,
        "n_steps": N_STEPS,
        "n_episodes": LIVE,
        "critical_path_s": CRITICAL_PATH_S,
    }
    progress("one episode alone")
    figures["alone_s"] = fresh(played_s, episodes=1, hosts=0)
    for hosts in HOSTS:
        progress(f"{LIVE} episodes, hosts={hosts}")
        took_s = [fresh(played_s, episodes=LIVE, hosts=hosts) for _ in range(N_REPEATS)]
        figures[f"hosts_{hosts}"] = {
            "played_s": median(took_s),
            "lowest_played_s": min(took_s),
            "highest_played_s": max(took_s),
            "to_critical_path": round(median(took_s) / CRITICAL_PATH_S, 3),
            "n_repeats": N_REPEATS,
        }
    return figures


def played_s(*, episodes: int, hosts: int) -> float:
    """Seconds from the first reset of a run to its last end."""
    with scratch() as folder:
        launch = TURNS.launch(
            folder / "run",
            steps=N_STEPS,
            episodes=episodes,
            live=episodes,
            hosts=hosts,
            latency_s=LATENCY_S,
        )
        run = launch.run()
        TURNS.check(run, N_STEPS)
        started, ended = _times(run)
    return round(max(ended) - min(started), 3)


def _times(run: Run) -> tuple[list[float], list[float]]:
    """When each episode began and ended, by the clock of its host, in seconds."""
    started, ended = [], []
    for episode in run.log.episodes:
        for event in run.log.events(episode, (Started, Ended)):
            match event:
                case Started():
                    started.append(event.wall_s)
                case Ended():
                    ended.append(event.wall_s)
    return started, ended


if __name__ == "__main__":
    report("overlap", measure, bars=BARS)
