"""Runs whose models are served by Ray Serve."""

import os
import signal

import pytest

import simlab
from simlab.sim.simulation import Observer
from tests.models.gated import Gate

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

SERVED = {"models.all.replicas": 2}
GATED = {"models.all.engine": "tests.models.gated:Gated"}


@pytest.fixture(autouse=True)
def _serve_ends():
    """Leaves no Serve behind for other tests."""
    yield
    from ray import serve

    serve.shutdown()


@pytest.fixture
def gate():
    """Open to the answers of models that are `Gated`."""
    gate = Gate(is_open=True)
    yield gate
    gate.end()


def play(out, *, hosts=2, settings=(), observer=None):
    return simlab.run(
        "car_sale",
        episodes=12,
        seed=7,
        hosts=hosts,
        out=out,
        models={"all": "scripted"},
        settings=settings,
        observer=observer,
    )


class Killer:
    """Kills a replica, `kill -9`, with calls in flight, when the second episode has ended.

    Args:
        gate: Holds the calls in flight until the replica is dead.
    """

    def __init__(self, gate):
        self.gate = gate
        self.n_ended = 0
        self.killed = None

    def on_episode(self, _result):
        self.n_ended += 1
        if self.n_ended == 2:
            self.gate.close()
            self.killed = self.gate.next_waiting()
            os.kill(self.killed, signal.SIGKILL)
            self.gate.open()


def test_a_served_run_has_the_digest_of_one_in_this_process(tmp_path):
    alone = play(tmp_path / "alone", hosts=0)
    served = play(tmp_path / "served", settings=SERVED)

    assert served.digest == alone.digest
    assert served.summary.usage["calls"] == alone.summary.usage["calls"]


def test_train_11_a_replica_killed_in_a_run_changes_nothing_but_the_count_of_retries(
    tmp_path, gate
):
    killer = Killer(gate)
    unbroken = play(tmp_path / "unbroken", hosts=0, settings=GATED)

    run = play(
        tmp_path / "run",
        settings={**GATED, "models.all.replicas": 2},
        observer=Observer(on_episode=killer.on_episode),
    )

    assert killer.killed is not None
    assert run.summary.n_ended == 12
    assert run.digest == unbroken.digest
    assert run.summary.usage["retries"] > 0
    assert run.summary.usage["calls"] == unbroken.summary.usage["calls"], "each is recorded once"
