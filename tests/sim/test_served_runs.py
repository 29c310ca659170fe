"""Runs whose models are served by Ray Serve."""

import asyncio
import os
import signal

import pytest

import simlab
from simlab.models.serving import PREFIX
from simlab.sim.simulation import Observer

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

SERVED = {"models.all.replicas": 2, "models.all.latency_s": 0.05}


@pytest.fixture(autouse=True)
def _serve_ends():
    """Leaves no Serve behind for other tests."""
    yield
    from ray import serve

    serve.shutdown()


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


def pids_of_replicas():
    from simlab.models.serve import RayServe

    async def ask():
        server = RayServe()
        apps = [app for app in await server.apps() if app.name.startswith(PREFIX)]
        return [one.pid for app in apps for one in await server.statistics(app)]

    return asyncio.run(ask())


class Killer:
    """Kills one replica, `kill -9`, when the second episode has ended."""

    def __init__(self):
        self.n_ended = 0
        self.killed = None

    def on_episode(self, _result):
        self.n_ended += 1
        if self.n_ended == 2:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(1) as thread:  # the run's own event loop is running here
                self.killed = thread.submit(pids_of_replicas).result()[0]
            os.kill(self.killed, signal.SIGKILL)


def test_a_served_run_has_the_digest_of_one_in_this_process(tmp_path):
    alone = play(tmp_path / "alone", hosts=0)
    served = play(tmp_path / "served", settings=SERVED)

    assert served.digest == alone.digest
    assert served.summary.usage["calls"] == alone.summary.usage["calls"]


def test_train_11_a_replica_killed_in_a_run_changes_nothing_but_the_count_of_retries(tmp_path):
    killer = Killer()
    unbroken = play(tmp_path / "unbroken", hosts=0)

    run = play(tmp_path / "run", settings=SERVED, observer=Observer(on_episode=killer.on_episode))

    assert killer.killed is not None
    assert run.summary.n_ended == 12
    assert run.digest == unbroken.digest
    assert run.summary.usage["retries"] > 0
    assert run.summary.usage["calls"] == unbroken.summary.usage["calls"], "each is recorded once"
