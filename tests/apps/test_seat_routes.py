"""The routes below a link, and the door before them."""

import json

import pytest

from simlab.apps.links import Link, Links
from simlab.apps.seat_routes import SeatDoor
from simlab.apps.seats import Seats

LINKS = Links(bytes(32))
TOKEN = LINKS.write(Link("sale", b"", "Robin", 0, "buyer"))


async def passed(path):
    """What is behind the door, or what it says instead."""
    sent = []

    async def inside(scope, _receive, send):
        assert scope["path"] != f"/seat/{TOKEN}/" or scope["headers"] == [], "it is not packed"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<head>", "more_body": True})
        await send({"type": "http.response.body", "body": b"inside"})

    async def send(message):
        sent.append(message)

    door = SeatDoor(inside, Seats(None, None, LINKS))
    headers = [(b"accept-encoding", b"br")]
    await door({"type": "http", "path": path, "method": "GET", "headers": headers}, None, send)
    return sent[0]["status"], b"".join(each["body"] for each in sent[1:]).decode()


@pytest.mark.parametrize(
    "below", ["", "api/state", "page/seat.js", "config", "gradio_api/queue/join", "seat/x/"]
)
async def test_a_forged_link_opens_neither_our_routes_nor_gradios(below):
    status, body = await passed(f"/seat/{TOKEN[:-1]}/{below}")

    assert status == 404
    assert "this link of a seat is not whole" in body
    assert below == "" or json.loads(body)["error"]
    assert (await passed(f"/seat/{TOKEN}/{below}"))[0] == 200


async def test_what_is_below_no_link_is_no_business_of_the_door():
    for path in ("/", "/api/runs", "/seats"):
        assert await passed(path) == (200, "<head>inside")
    assert (await passed("/seat/"))[0] == 404


async def test_the_page_of_a_seat_has_an_icon_so_that_browsers_look_for_none_elsewhere():
    page = await passed(f"/seat/{TOKEN}/")

    assert page == (200, '<head><link rel="icon" href="data:,">inside')
