"""The commands that serve models, on a cluster without Ray."""

from contextlib import asynccontextmanager

import pytest
import yaml

from simlab.sim.service import ModelService
from tests.commands import refused
from tests.models.memory_serve import MemoryServe
from tests.sim.conftest import RELAY


@pytest.fixture
def cluster(monkeypatch):
    """What all commands find that join a cluster."""
    serve = MemoryServe()

    @asynccontextmanager
    async def connected(_address):
        yield ModelService(serve)

    monkeypatch.setattr("simlab.sim.service.connected", connected)
    return serve


@pytest.fixture
def served_file(tmp_path):
    """A run file with a model to serve."""
    path = tmp_path / "served.yaml"
    models = {"small": {"engine": "scripted", "replicas": 2}}
    path.write_text(yaml.safe_dump({**RELAY, "models": models}))
    return path


def row(result):
    """Model, app and state as the table tells them, of its one row."""
    assert result.exit_code == 0, result.output
    _, told = result.output.splitlines()
    return told.split()[:3]


def test_up_status_and_down_tell_the_model_its_app_and_its_state(simlab, cluster, served_file):
    up = row(simlab("models", "up", served_file))
    status = row(simlab("models", "status"))
    down = row(simlab("models", "down", served_file))
    after = row(simlab("models", "status", served_file))

    [app] = cluster.started
    assert up == status == ["small", app, "RUNNING"]
    assert down == ["small", app, "ENDED"]
    assert after == ["small", app, "DOWN"]


def test_down_ends_an_app_by_the_name_that_status_tells(simlab, cluster, served_file):
    simlab("models", "up", served_file)
    [app] = cluster.started

    down = simlab("models", "down", app)

    assert down.exit_code == 0
    assert cluster.stopped == [app]
    assert "no models" in simlab("models", "status").output
    assert f"the cluster has no app '{app}'" in refused(simlab("models", "down", app))


def test_up_refuses_more_replicas_than_are_up(simlab, cluster, served_file):
    simlab("models", "up", served_file)
    more = simlab("models", "up", served_file, "--set", "models.small.replicas=3")

    [app] = cluster.started
    assert f"{app} is up with 2; end it first: simlab models down {app}" in refused(more)
