"""What charts are drawn from is read as CSV and as a picture, of a listed run alone."""

import asyncio
import csv
import sys

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from simlab.apps import downloads as downloads_module
from simlab.apps import loads as loads_module
from simlab.apps import series_api as series_api_module
from simlab.apps import tables as tables_module
from simlab.apps.answers import tell_errors
from simlab.apps.reading import Reading
from simlab.apps.series_api import series_routes
from simlab.apps.tables import Tables
from simlab.view import series as series_module
from simlab.view.opened import OpenedRun

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx`")


@pytest.fixture
def client(runs):
    reading = Reading([runs])
    app = FastAPI()
    tell_errors(app)
    app.include_router(series_routes(Tables(reading)))
    with TestClient(app) as client:
        yield client
    reading.close()


def test_a_series_is_of_the_episodes_that_are_named(client):
    given = {"run": "sale", "of": "turns", "episodes": "0"}
    rows = [*csv.DictReader(client.get("/api/series.csv", params=given).text.splitlines())]

    assert [*rows[0]][:3] == ["episode", "step", "now"]
    assert {row["episode"] for row in rows} == {"0"}


def test_a_series_is_downloaded_as_csv(client):
    reply = client.get("/api/series.csv", params={"run": "sale", "of": "episodes"})

    rows = list(csv.DictReader(reply.text.splitlines()))
    assert [row["episode"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["return:buyer"] == "750.0"
    assert reply.headers["content-disposition"] == 'attachment; filename="episodes.csv"'


@pytest.mark.parametrize(
    ("of", "episodes", "at_least"), [("episodes", "0", 3), ("turns", "0-2", 17), ("load", "0", 1)]
)
def test_a_table_is_downloaded_whole_though_it_is_read_in_pieces(
    client, monkeypatch, of, episodes, at_least
):
    given = {"run": "sale", "of": of, "episodes": episodes}
    whole = client.get("/api/series.csv", params=given).text
    for limit in ("EPISODES_AT_ONCE", "TURNS_AT_ONCE", "EVENTS_AT_ONCE"):
        monkeypatch.setattr(series_module, limit, 2)
    monkeypatch.setattr(tables_module, "_READ_ON_S", -1.0)

    found = client.get("/api/series.csv", params=given).text

    assert found == whole
    rows = list(csv.DictReader(found.splitlines()))
    keys = {tuple(row.get(name) for name in ("episode", "step", "t_s")) for row in rows}
    assert len(keys) >= at_least


async def test_downloads_of_loads_are_read_in_pieces_and_keep_their_own_places(runs, monkeypatch):
    at_once = series_module.Load(OpenedRun(runs / "sale")).read()
    monkeypatch.setattr(loads_module, "_KEPT", 0)
    monkeypatch.setattr(series_module, "EVENTS_AT_ONCE", 10)
    reading = Reading([runs])
    tables = Tables(reading)
    async with asyncio.timeout(5):  # what begins anew each time would come to no end
        pieces = [piece async for piece in tables.pieces("load", "sale")]
    reading.close()

    *others, whole = pieces
    assert len(others) > 3
    assert {len(each.rows) for each in others} == {0}
    assert whole == at_once


def test_what_is_downloaded_is_encoded_in_threads_from_its_first_piece_on(client, monkeypatch):
    threads = []

    def keep(piece, rows):
        threads.append(asyncio._get_running_loop())
        return keep_a_piece(piece, rows)

    keep_a_piece = downloads_module._keep
    monkeypatch.setattr(downloads_module, "_keep", keep)
    monkeypatch.setattr(series_module, "EPISODES_AT_ONCE", 2)
    client.get("/api/series.csv", params={"run": "sale", "of": "episodes"})

    assert threads == [None, None], "no event loop runs in them"


@pytest.mark.slow
@pytest.mark.parametrize("plot", ["return", "ratings", "ratings_by_start", "throughput"])
def test_a_chart_is_downloaded_as_a_picture(client, plot):
    reply = client.get("/api/series.png", params={"run": "coach", "plot": plot})

    assert reply.headers["content-type"] == "image/png"
    assert reply.content.startswith(b"\x89PNG")
    assert len(reply.content) > 5_000


def test_a_picture_that_cannot_be_drawn_here_says_what_it_needs(client, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)

    reply = client.get("/api/series.png", params={"run": "sale", "plot": "return"})

    assert reply.status_code == 400
    assert "needs matplotlib" in reply.json()["error"]
    assert "pip install 'simlab[watch]'" in reply.json()["error"]


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"run": "../sale", "of": "turns"}, 404, "there is no run '../sale'"),
        ({"run": "sale", "of": "turns", "episodes": "9"}, 404, "no episode 9"),
        ({"run": "sale", "of": "turns", "episodes": "x"}, 400, "such as '0-3, 7'"),
        ({"run": "sale", "of": "all"}, 400, "of: "),
        ({"training": "sale", "of": "rounds"}, 404, "there is no training 'sale'"),
    ],
)
def test_what_cannot_be_given_is_told_in_words(client, given, status, said):
    reply = client.get("/api/series.csv", params=given)

    assert reply.status_code == status
    assert said in reply.json()["error"]


def test_a_load_is_read_on_from_look_to_look_and_progress_tells_how_far(client, monkeypatch):
    monkeypatch.setattr(series_module, "EVENTS_AT_ONCE", 20)
    monkeypatch.setattr(tables_module, "_READ_ON_S", -1.0)
    monkeypatch.setattr(series_api_module, "draw", lambda _chart: b"")
    shares = []

    while not shares or shares[-1] < 1:
        client.get("/api/series.png", params={"run": "sale", "plot": "throughput"})
        shares.append(client.get("/api/progress", params={"run": "sale"}).json()["load"])

    assert len(shares) > 3
    assert shares == sorted(shares)


def test_progress_tells_whether_charts_are_to_be_drawn_anew(client):
    told = client.get("/api/progress", params={"run": "sale"}).json()

    assert (told["state"], told["n_steps"], told["load"]) == ("finished", 17, None)
