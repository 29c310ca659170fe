"""Trainings and sweeps are read by the names under which they were listed, and their own files."""

import os

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from simlab.actors.live import LiveRun
from simlab.apps.answers import tell_errors
from simlab.apps.cluster import ClusterRuns
from simlab.apps.reading import Reading
from simlab.apps.trainings_api import training_routes

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx`")


@pytest.fixture
def cluster():
    return ClusterRuns(None)


@pytest.fixture
def client(tmp_path, cluster):
    reading = Reading([tmp_path], cluster.here)
    app = FastAPI()
    tell_errors(app)
    app.include_router(training_routes(reading, cluster))
    with TestClient(app) as client:
        yield client
    reading.close()


@pytest.mark.usefixtures("trained")
def test_trainings_are_listed_with_how_far_they_are(client):
    (row,) = client.get("/api/trainings").json()["trainings"]

    assert (row["key"], row["name"], row["state"]) == ("training", "small", "finished")
    assert (row["n_rounds"], row["of_rounds"], row["rating"]["mean"]) == (1, 1, 0.5)


def test_who_has_the_list_already_is_not_sent_it_again(client, trained):
    first = client.get("/api/trainings")

    again = client.get("/api/trainings", headers={"if-none-match": first.headers["etag"]})
    (trained / "table.json").write_text("[]")
    changed = client.get("/api/trainings", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.json()["trainings"][0]["state"] == "stopped"


@pytest.mark.usefixtures("trained")
def test_a_training_names_its_runs_as_they_are_listed(client):
    told = client.get("/api/training", params={"training": "training"}).json()

    assert [run["run"] for run in told["runs"]] == [
        "training/rounds/000/evaluate",
        "training/rounds/001/evaluate",
    ]
    assert told["plots"] == ["rating.png"]


@pytest.mark.usefixtures("trained")
def test_a_state_is_played_in_rounds_and_each_episode_has_its_run(client):
    states = client.get("/api/states", params={"training": "training"}).json()
    given = {"training": "training", "environment": "exam", "state": "2"}

    found = client.get("/api/side_by_side", params=given).json()

    assert states[1] == {"environment": "exam", "state": "2", "rounds": [0, 1]}
    assert [(each["round"], each["run"]) for each in found] == [
        (0, "training/rounds/000/evaluate"),
        (1, "training/rounds/001/evaluate"),
    ]


@pytest.mark.usefixtures("trained")
def test_a_figure_is_served_as_a_png(client):
    reply = client.get("/api/plot", params={"training": "training", "name": "rating.png"})

    assert reply.headers["content-type"] == "image/png"
    assert reply.content.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["../table.json", "none.png", "page.png", "link.png", ""])
def test_what_is_no_figure_of_the_training_is_not_served(client, trained, name):
    (trained / "plots" / "page.png").write_text("<script>alert(1)</script>")
    os.symlink("/etc/passwd", trained / "plots" / "link.png")

    reply = client.get("/api/plot", params={"training": "training", "name": name})

    assert reply.status_code in (404, 422)
    assert "error" in reply.json()


@pytest.mark.usefixtures("swept")
def test_a_sweep_has_a_table_of_trials_with_links_to_their_runs(client):
    (row,) = client.get("/api/trainings").json()["sweeps"]
    told = client.get("/api/sweep", params={"sweep": row["key"]}).json()

    assert (row["state"], row["n_over"], row["n_trials"]) == ("finished", 3, 3)
    assert [trial["run"] for trial in told["trials"]] == [None, "swept/trials/001", None]
    assert (told["best"], told["trials"][2]["why"]) == (1, "no weights")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("text", ["[1]", "{", '[{"number": "x"}]'])
def test_a_sweep_that_cannot_be_read_is_told_and_hides_no_other(client, swept, text):
    (swept / "table.json").write_text(text)

    told = client.get("/api/trainings").json()

    assert told["sweeps"][0]["state"] == "unreadable"
    assert "table" in told["sweeps"][0]["error"] or "trials" in told["sweeps"][0]["error"]
    assert len(told["trainings"]) == 1


def test_a_live_run_whose_directory_is_elsewhere_is_told_with_its_machine(client, cluster):
    cluster.take(b'{"runs": [{"path": "/far/run", "machine": "node7", "pid": 1, "n_hosts": 2}]}')

    (row,) = client.get("/api/trainings").json()["elsewhere"]

    assert (row["run"], row["machine"], row["state"]) == ("/far/run", "node7", "running")


def test_a_live_run_whose_directory_lies_here_is_read_like_any_other(cluster, runs, tmp_path):
    import shutil

    path = shutil.copytree(runs / "sale", tmp_path / "sale")
    (path / "lock").write_text("4711")
    cluster._runs = [LiveRun(str(path), "node7", 4711), LiveRun(str(path), "node8", 4712)]

    assert [*cluster.here().values()] == [path]
    assert [row["machine"] for row in cluster.elsewhere()] == ["node8"]


def test_what_is_wrong_with_a_cluster_is_told(client, cluster):
    cluster.take(b'{"error": "no Ray cluster answers"}')

    assert client.get("/api/trainings").json()["trouble"] == "no Ray cluster answers"
