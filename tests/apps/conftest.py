"""Runs to look at, and the app that shows them."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.apps.asking import TOKEN
from tests.apps.serving import served
from tests.view.conftest import browser, copied, runs, unsynced
from tests.view.test_trainings import training

__all__ = ["browser", "copied", "runs", "training", "unsynced"]


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory):
    """Where this user's key of links lies, while tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def app(runs):
    """The whole app over some runs, served on the loopback."""
    with served([runs]) as shown:
        yield shown


@pytest.fixture(scope="session")
def address(app):
    """Gives the address of a page of the app, with the token in it."""
    return _addresses(app)


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of pages are kept, for people to look at."""
    folder = Path(__file__).parents[2] / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def serving(*roots):
    """The whole app over some folders while the block runs; gives addresses of its pages."""
    with served(roots) as shown:
        yield _addresses(shown)


def _addresses(shown):
    return lambda page: f"http://{shown.host}/{page}{'&' if '?' in page else '?'}token={TOKEN}"


@pytest.fixture
def trained(training):
    return with_figures(training)


@pytest.fixture
def swept(runs, tmp_path):
    return write_sweep(runs, tmp_path / "swept")


def with_figures(training):
    """A training with intervals of all its figures, and a figure that it has drawn."""
    ends = {"mean": 0.5, "low": 0.4, "high": 0.6}
    figures = dict.fromkeys(("rating", "harm", "veto_rate", "kl", "rating_gap", "harm_gap"), ends)
    rows = [
        {"round": n, "verdict": verdict, "n": 2, "by_environment": {"exam": figures}, **figures}
        for n, verdict in enumerate(("base", "published"))
    ]
    (training / "table.json").write_text(json.dumps(rows))
    (training / "plots").mkdir()
    (training / "plots" / "rating.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    record = (training / "train.yaml").read_text().replace("run: {}", "name: small\n  rounds: 1")
    (training / "train.yaml").write_text(record)
    return training


def write_sweep(runs, path):
    """A sweep of two trials, of which the second is the better one, and one that has failed."""
    from simlab.sweep.directory import SweepDirectory
    from simlab.sweep.trial import Report, Trial

    file = {
        "name": "rates",
        "run": {},
        "metric": "return.buyer",
        "mode": "max",
        "space": {"a": [1]},
    }
    directory = SweepDirectory.create(path, {"sweep": file})
    ended = [
        Trial(number, {"a": number}, "ended", [Report(0, float(number))]) for number in range(2)
    ]
    directory.write_trials([*ended, Trial(2, {"a": 2}, "failed", [], "no weights")])
    shutil.copytree(runs / "sale", directory.trial(1))
    return directory.path
