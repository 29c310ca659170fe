"""Pictures and pages are seen beside the words, once, and no more of them than an answer holds."""

import base64
import json

import pytest
from msgspec import Raw

from simlab.trace.events import Noted, Started, Stepped, encode
from simlab.view import bounds
from simlab.view.bounds import MAX_DEPTH, Pictures, shown
from simlab.view.find import Query, find
from simlab.view.opened import OpenedRun
from simlab.view.perceived import read_perceived
from simlab.view.pictures import rich_in, words_beside
from simlab.view.static_page import write_page
from simlab.view.steps import Steps
from simlab.view.turns import read_turns
from tests.view.browsing import opened
from tests.view.serving import served
from tests.view.test_hostile import PIXEL, crafted

TABLE = (
    '<style media="print">body { display: none }</style>'
    "<style>table > tbody > tr > td { color: rgb(1, 2, 3) }</style>"
    "<table><tbody><tr><td>cell</td></tr></tbody></table>"
)
PLOT = (
    '<svg width="60" height="40" xmlns:xlink="http://www.w3.org/1999/xlink"><defs>'
    '<rect id="letter" width="30" height="20"/></defs><use xlink:href="#letter"/></svg>'
)
OTHER = PIXEL[:-1] + b"\x00"


ARE_APART = """() => {
  const boxes = [...document.querySelectorAll(".cells")].map((row) => row.getBoundingClientRect());
  const next = (at) => boxes[at + 1]?.top ?? Infinity;
  return boxes.length > 1 && boxes.every(({ bottom }, at) => bottom <= next(at) + 1);
}"""


def page(source):
    return {"_type": "Html", "text": source}


def painted(path, picture=PIXEL):
    """A run in which pictures and pages are perceived, given as actions, logged and told."""
    seen = {"critic": ["look", picture, page(TABLE)], "painter": ["look", picture, OTHER]}
    info = {"painter": {"board": picture, "table": page(TABLE), "n": 3}}
    acts = [
        ["painter", {"_type": "Painting", "picture": picture, "title": "Dawn"}],
        ["critic", page(PLOT)],
    ]
    acted = [[*act, 1, None, None, False, False] for act in acts]
    asked = {"painter": {"prompt": "Paint.", "like": [picture, OTHER, picture]}}
    timestep = {"observations": seen, "info": info, "requests": asked}
    return crafted(
        path,
        Started(Raw(encode([1, timestep])), b"", 0.0),
        Noted("painter", 0, "act 1", 1, 0, "both", {"a": picture, "n": 3}, [], 0.0),
        Stepped(Raw(encode([0, 1.0, acted, {"info": info}])), b"", 1.0),
    )


@pytest.fixture
def paintings(tmp_path):
    return painted(tmp_path / "run")


def kinds(line):
    return [image["_type"] for image in line.get("images", [])]


def test_what_is_a_picture_itself_has_no_words_and_each_is_told_once(paintings):
    heard = read_turns(OpenedRun(paintings), 0)["turns"][0]["heard"]

    told = [(line["text"], kinds(line), line["to"]) for line in heard]
    assert told == [
        ("look", [], ["critic", "painter"]),
        ("", ["image"], ["critic", "painter"]),
        ("", ["html"], ["critic"]),
        ("", ["image"], ["painter"]),
    ]


def test_an_action_keeps_its_words_and_fields_apart_from_its_pictures(paintings):
    painter, critic = read_turns(OpenedRun(paintings), 0)["turns"][0]["acts"]

    assert painter["action"] == {"_type": "Painting", "title": "Dawn"}
    assert (painter["words"], kinds(painter)) == ("[title Dawn]", ["image"])
    assert (critic["action"], critic["words"], kinds(critic)) == (None, "", ["html"])


def test_a_player_sees_pictures_and_not_their_bytes(paintings):
    seen = read_perceived(OpenedRun(paintings), 0, "painter")["seen"]

    assert [(thing["text"], kinds(thing)) for thing in seen] == [
        ("look", []),
        ("", ["image"]),
        ("", ["image"]),
        ("[title Dawn]", ["image"]),
    ]


def test_an_answer_holds_so_much_of_pictures_and_tells_the_size_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_PICTURE_BYTES", 250_000)
    path = painted(tmp_path / "run", PIXEL + bytes(100_000))

    turns = json.dumps(read_turns(OpenedRun(path), 0))
    step = json.dumps(Steps(OpenedRun(path)).read(0, 0))

    for answer in (turns, step):
        assert 250_000 < len(answer) < 450_000
        assert '"size": "100.1 kB"' in answer


def test_pictures_are_seen_however_they_are_nested_and_leave_no_words():
    frames = {"_type": "Frames", "views": [PIXEL, [OTHER]], "map": {"left": page(TABLE)}, "n": None}

    assert rich_in(frames) == [PIXEL, OTHER, page(TABLE)]
    assert (words_beside(frames), words_beside([[PIXEL], OTHER])) == ("Frames", "")
    assert words_beside({"say": "Look!", "at": [PIXEL], "none": [], "two": [1, PIXEL, None]}) == (
        "Look! [none [], two [1, None]]"
    )


def test_what_is_nested_deeper_than_anybody_looks_is_left_out():
    deep = "deep"
    for _ in range(500):
        deep = [deep, PIXEL]

    assert words_beside(deep).strip("[]'") == "…"
    assert len(rich_in(deep)) == MAX_DEPTH


def test_bytes_of_pictures_are_not_searched_and_turns_of_them_are_found_by_seat(paintings):
    run = OpenedRun(paintings)

    assert find(run, Query("x89png"))["hits"] == []
    found = [hit["excerpt"] for hit in find(run, Query(seat="critic"))["hits"]]
    assert found == ["look", "(a picture)"]


BOARDS = [PIXEL + bytes([n]) + bytes(1000) for n in range(20)]


@pytest.fixture
def boards(tmp_path, monkeypatch):
    """A run in which a board is perceived at each turn, three of which an answer has room for."""
    monkeypatch.setattr(bounds, "MAX_PICTURE_BYTES", 4_000)
    monkeypatch.setattr(bounds, "_MAX_IMAGE_BYTES", 1_500)
    first, *rest = [{"observations": {"ann": [board]}} for board in BOARDS]
    steps = [encode([step, 1.0, [], timestep]) for step, timestep in enumerate(rest)]
    return crafted(
        tmp_path / "run",
        Started(Raw(encode([1, first])), b"", 0.0),
        *(Stepped(Raw(step), b"", 1.0) for step in steps),
    )


def seen_in(lines):
    return [base64.b64decode(line["images"][0]["base64"]) for line in lines]


def test_a_player_sees_the_newest_picture_also_where_there_were_many(boards):
    run, seen, told = OpenedRun(boards), [], {"to": 0, "more": True}

    while told["more"]:
        told = read_perceived(run, 0, "ann", told["to"])
        seen += told["seen"]

    assert seen_in(seen) == BOARDS


def test_turns_come_with_their_pictures_as_many_at_once_as_an_answer_holds(boards):
    run, heard, window = OpenedRun(boards), [], {"to": 0, "after": None}

    while window["after"] is None:
        window = read_turns(run, 0, window["to"])
        heard += [line for turn in window["turns"] for line in turn["heard"]]
        assert len(window["turns"]) <= 3

    assert seen_in(heard + window["after"]["heard"]) == BOARDS


@pytest.mark.browser
@pytest.mark.parametrize("offline", [False, True])
def test_no_picture_of_many_is_missing_in_the_page(browser, boards, tmp_path, offline):
    write_page(OpenedRun(boards), tmp_path / "page.html")
    with served(boards) as address:
        given = (tmp_path / "page.html").as_uri() if offline else address
        with opened(browser, given, size={"width": 800, "height": 4000}) as shown_page:
            shown_page.wait_for_selector(".turn.after img.rich")

            assert shown_page.locator("img.rich").count() == len(BOARDS)
            assert "not shown" not in shown_page.inner_text(".reading")


def test_pages_count_as_pictures_do_and_not_as_text():
    pictures = Pictures(100)

    first = shown(page("x" * 60), characters=20, pictures=pictures)
    second = shown(page("x" * 60), pictures=pictures)

    assert (first["_type"], second) == ("html", {"_type": "bytes", "size": "60 B"})


@pytest.mark.browser
def test_pictures_and_pages_stand_in_the_transcript_without_their_sources(browser, paintings):
    with served(paintings) as address, opened(browser, address) as shown_page:
        shown_page.wait_for_selector(".act iframe.rich")
        words = shown_page.inner_text(".turn")

        assert shown_page.locator(".turn-body > img.rich").count() == 2
        assert shown_page.locator(".chip").all_inner_texts() == ["title Dawn"]
        assert "<" not in words
        assert "PNG" not in words
        assert "silence" not in words
        shown_page.locator(".world summary").first.click()
        assert shown_page.locator(".world dd img.rich").count() == 1
        assert shown_page.locator(".world dd iframe.rich").count() == 1
        shown_page.wait_for_function(ARE_APART)
        sides = shown_page.locator(".turn-body > .rich").first.bounding_box()
        above = shown_page.locator(".heard .to").nth(1).bounding_box()
        assert sides["y"] >= above["y"] + above["height"]


@pytest.mark.browser
def test_pages_keep_their_styles_and_plots_their_letters(browser, paintings):
    with served(paintings) as address, opened(browser, address) as shown_page:
        shown_page.wait_for_selector(".act iframe.rich")
        table = shown_page.query_selector(".turn-body > iframe.rich").content_frame()
        plot = shown_page.query_selector(".act iframe.rich").content_frame()

        colour = table.wait_for_selector("td").evaluate("cell => getComputedStyle(cell).color")
        drawn = plot.wait_for_selector("use").evaluate("use => use.getBBox().width")

        assert colour == "rgb(1, 2, 3)"
        assert drawn == 30


@pytest.mark.browser
def test_a_turn_that_is_opened_shows_pictures_and_what_stands_beside_them(browser, paintings):
    with served(paintings) as address, opened(browser, address) as shown_page:
        shown_page.keyboard.press("Enter")
        note = shown_page.locator(".node.note .result")
        note.locator("img.rich").wait_for()

        assert '"n": 3' in note.inner_text()
        assert "base64" not in shown_page.inner_text(".drill")
