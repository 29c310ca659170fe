"""What people do to runs over the API: commands to live ones, labels beside any."""

from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI

from simlab.apps.answers import tell_errors
from simlab.apps.api import reading_routes
from simlab.apps.reading import Reading
from simlab.apps.steering import Steering
from simlab.apps.tails import Tails
from simlab.apps.writing import writing_routes
from tests.sim.control.conftest import live, standing
from tests.view.conftest import copied, runs, unsynced

__all__ = ["copied", "live", "runs", "unsynced"]


@asynccontextmanager
async def api(root):
    """A client of the API over a folder, or a run."""
    reading = Reading([root])
    tails, steering = Tails(reading), Steering(reading)
    app = FastAPI()
    tell_errors(app)
    app.include_router(reading_routes(reading, tails))
    app.include_router(writing_routes(reading, steering))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://simlab/api/") as client:
        yield client
    await steering.close()
    await tails.close()
    reading.close()


async def command(client, kind, **given):
    return await client.post("control", json={"run": "run", "kind": kind, "arguments": given})


async def test_sim_23_a_live_run_is_commanded_and_tells_where_it_stands(live):
    async with live(options={"turns": 3000}) as (run, own), api(run.path) as client:
        paused = await command(client, "pause")
        step = (await standing(own))["step"]
        told = (await client.get("control", params={"run": "run"})).json()
        (asked,) = told["episodes"][0]["asked"]
        said = (await command(client, "say", episode=0, seat=asked, text="Hm.")).json()
        turns = {"run": "run", "episode": 0, "from": step}
        edited = await command(client, "edit", seat="ann", options={"persona": "shy"}, episode=0)
        after = (await client.get("turns", params=turns)).json()["after"]

    assert paused.status_code == 200
    assert (told["live"], told["paused"], told["seats"]) == (True, True, ["ann", "bob"])
    assert told["episodes"][0]["stands"]
    assert said["step"] == step
    assert edited.status_code == 200
    assert {"seat": "ann", "words": "edited: persona"} in after["people"]


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("say", {"episode": 0, "seat": "carol", "text": "Hm."}, "there is no seat 'carol'"),
        ("say", {"episode": 9, "seat": "ann", "text": "Hm."}, r"episode must be in 0\.\.0, got 9"),
        ("lease", {"episode": 0, "seat": "ann", "who": "me"}, "kind must be one of"),
    ],
)
async def test_what_a_run_refuses_is_told_and_changes_nothing(live, kind, given, message):
    async with live(options={"turns": 3000}) as (run, _), api(run.path) as client:
        answer = await command(client, kind, **given)

    assert answer.status_code == 409
    assert message.replace("\\", "") in answer.json()["error"]


async def test_a_finished_run_says_why_it_takes_no_commands(copied):
    async with api(copied) as client:
        told = (await client.get("control", params={"run": "copied"})).json()
        body = {"run": "copied", "kind": "pause", "arguments": {}}
        answer = await client.post("control", json=body)

    assert not told["live"]
    assert "can be seen and not steered" in told["why"]
    assert (answer.status_code, answer.json()["error"]) == (409, told["why"])


async def test_labels_are_kept_beside_the_run_and_told(copied):
    label = {"run": "copied", "who": "eva", "episode": 0, "step": 2, "rating": 4, "tags": ["kind"]}
    async with api(copied) as client:
        given = await client.post("labels", json=label)
        found = (await client.get("labels", params={"run": "copied"})).json()

    assert given.status_code == 201
    (kept,) = found["labels"]
    assert (kept["who"], kept["step"], kept["rating"], kept["tags"]) == ("eva", 2, 4.0, ["kind"])
    assert found["compared"]["n_labels"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 99}, r"step of episode 0 must be in 0..6, got 99"),
        ({"rating": None}, "a label must have a rating, tags or a note"),
        ({"who": ""}, "who: String should have at least 1 character"),
        ({"path": "/etc"}, "path: Extra inputs are not permitted"),
    ],
)
async def test_a_label_that_says_nothing_of_anything_is_refused(copied, changes, message):
    label = {"run": "copied", "who": "eva", "episode": 0, "step": 2, "rating": 4, **changes}
    async with api(copied) as client:
        answer = await client.post("labels", json=label)

    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert not (copied / "labels.jsonl").exists()


async def test_a_branch_has_its_parent_and_others_have_none(runs):
    async with api(runs) as client:
        found = [(await client.get("parent", params={"run": n})).json() for n in ("branch", "sale")]
        unknown = await client.get("parent", params={"run": "../sale"})

    assert found == [{"run": "sale", "episode": 0}, None]
    assert unknown.status_code == 404
