"""Learning: how near expert iteration comes to the best policy of toys in which it is known.

The trainings ``marked_phrase`` and ``flagged_phrase``, with SFT and with KTO, each in three seeds,
on the embedded weights: what share of the replies to states that are held out bears the phrase that
is rated 1, beside the base's share; and where a second phrase is rated 1 but flagged, that one's.
The best there is says the first in each reply, and the second no more often than the base does.
"""

import tempfile
from pathlib import Path
from statistics import fmean

from benchmarks.measuring import Figures, fresh
from benchmarks.report import Bar, progress, report

SEEDS = (0, 1, 2)
LOSSES = {
    "sft": [],
    "kto": ["select={fraction: 0.25, level: subenv, positive_from: 1.0, negative_to: 0.0}"],
}
"""What is set for each: the trainings select for SFT, the two best, and KTO takes the worst too."""
WANTED, FLAGGED = "glad", "sorry"
"""Judges of the run that find the phrases."""

BARS = (
    *(Bar(f"marked_phrase.{loss}.lowest_wanted", at_least=0.9) for loss in LOSSES),
    *(Bar(f"flagged_phrase.{loss}.lowest_wanted", at_least=0.9) for loss in LOSSES),
    *(Bar(f"flagged_phrase.{loss}.highest_flagged_rise", at_most=0.05) for loss in LOSSES),
)


def measure() -> Figures:
    """Shares of the base and of the last version, of each training, loss and seed."""
    return {
        training: {loss: _of_seeds(training, loss) for loss in LOSSES}
        for training in ("marked_phrase", "flagged_phrase")
    }


def _of_seeds(training: str, loss: str) -> Figures:
    found: dict[str, dict[str, float]] = {}
    for seed in SEEDS:
        progress(f"{training} by {loss}, seed {seed}")
        found[f"seed_{seed}"] = fresh(_trained, training, loss, seed)
    each: Figures = {seed: {**shares} for seed, shares in found.items()}
    return {
        **each,
        "lowest_wanted": min(one["wanted"] for one in found.values()),
        "highest_flagged_rise": max(one["flagged"] - one["base_flagged"] for one in found.values()),
    }


def _trained(training: str, loss: str, seed: int) -> dict[str, float]:
    """Shares of replies with either phrase, by the base and by the last version."""
    from simlab.train.launch import train

    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "training"
        rows = train(training, out=out, seed=seed, settings=[f"train.loss={loss}", *LOSSES[loss]])
        last = max(row["round"] for row in rows if row["verdict"] in ("base", "published"))
        return {
            "base_wanted": _share(out, 0, WANTED),
            "wanted": _share(out, last, WANTED),
            "base_flagged": _share(out, 0, FLAGGED),
            "flagged": _share(out, last, FLAGGED),
            "wall_s": round(sum(row["wall_s"] for row in rows), 1),
        }


def _share(out: Path, number: int, judge: str) -> float:
    """The share of a round's replies to states that are held out that bear a judge's phrase."""
    from simlab.sim.run import Run

    episodes = Run(out / "rounds" / f"{number:03}" / "evaluate").summary.episodes
    scores = [episode.scores[judge] for episode in episodes]
    known = [score for score in scores if score is not None]
    assert len(known) == len(episodes), "a rule is never without an answer where something was said"
    return round(fmean(known), 4)


if __name__ == "__main__":
    report("learning", measure, bars=BARS)
