"""A small sweep of a scripted collector: six learning rates, of which the highest is best."""

import yaml

from tests.train.trainings import run_of, training_of

RATES = [3e-3, 6e-3, 1e-3, 2e-3, 5e-3, 4e-3]


def write_sweep(folder, weights, *, rates=RATES, training=(), model=(), **keys):
    """Write the files of a sweep and of its training into a folder, and give the sweep's path."""
    run = run_of(weights, engine="tests.sweep.perch:Perch", **dict(model))
    usual = {"learning_rate_factor": 1.0, **dict(training)}
    (folder / "small.yaml").write_text(yaml.safe_dump(training_of(run, **usual)))
    file = folder / "rates.yaml"
    data = {
        "name": "rates",
        "training": "small.yaml",
        "metric": "length",
        "space": {"train.learning_rate": rates},
        **keys,
    }
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    return file


def told(trials):
    """What trials came to, without what killed processes leave."""
    return [(trial.number, trial.point, trial.state, trial.reports) for trial in trials]
