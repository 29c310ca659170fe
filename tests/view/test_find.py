"""Finding by words, seat, tag, rating and failure goes on by cursor, a bounded stretch a call."""

import pytest

from simlab.errors import ConfigError
from simlab.trace.events import Noted, Started, Stepped, encode
from simlab.view import find as find_module
from simlab.view.find import Query, find
from simlab.view.opened import OpenedRun
from tests.view.test_hostile import Raw, crafted


def test_words_are_found_in_what_was_done_and_perceived(sale):
    hits = find(sale, Query("you HAVE a deal"))["hits"]

    assert {hit["what"] for hit in hits} == {"action", "observation", "completion"}
    assert all("You have a deal" in hit["excerpt"] for hit in hits)


def test_a_seat_narrows_what_is_found(sale):
    hits = find(sale, Query("offer", seat="buyer"))["hits"]

    assert {hit["seat"] for hit in hits} == {"buyer"}


def test_ratings_are_found_by_their_value(coach):
    every = find(coach, Query(at_least=0.0))["hits"]
    high = find(coach, Query(at_least=2.0))["hits"]

    assert {hit["seat"] for hit in every} >= {"influence", "preference"}
    assert {hit["seat"] for hit in high} == {"preference"}


def test_a_search_goes_on_where_it_was_and_finds_each_thing_once(sale, monkeypatch):
    whole = find(sale, Query("offer"))["hits"]
    monkeypatch.setattr(find_module, "EVENTS_AT_ONCE", 7)

    parts, cursor, complete = [], "", False
    while not complete:
        found = find(sale, Query("offer"), cursor)
        parts += found["hits"]
        cursor, complete = found["cursor"], found["complete"]

    assert parts == whole


def test_only_failures_are_found_where_they_are_asked_for(tmp_path, sale):
    acted = ["buyer", "PASS", 3, "no JSON in it", "gibberish", False, False]
    path = crafted(
        tmp_path / "run",
        Started(Raw(encode([1, {}])), b"", 0.0),
        Stepped(Raw(encode([0, 0.0, [acted], {}])), b"", 0.0),
    )

    (hit,) = find(OpenedRun(path), Query(failed=True))["hits"]

    assert (hit["seat"], hit["step"]) == ("buyer", 0)
    assert find(sale, Query(failed=True))["hits"] == []


def test_notes_are_found_by_their_tags(tmp_path):
    path = crafted(
        tmp_path / "run",
        Started(Raw(encode([1, {}])), b"", 0.0),
        Noted("buyer", 4, "act 1", 1, 0, "thought", "hm", [("doubt", None)], 0.0),
    )

    (hit,) = find(OpenedRun(path), Query(tag="doubt"))["hits"]

    assert (hit["step"], hit["what"], hit["excerpt"]) == (4, "note", "thought")


def test_a_cursor_of_something_else_is_refused(sale):
    with pytest.raises(ConfigError, match="cursor must be one that was given out"):
        find(sale, Query("x"), "gaga")
