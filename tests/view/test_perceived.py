"""What one seat has perceived: its own alone, bit by bit or at once."""

import json

import pytest

from simlab.view.opened import OpenedRun
from simlab.view.perceived import read_perceived


def test_a_seat_sees_what_it_perceived_and_did_and_nothing_of_others(sale):
    told = read_perceived(sale, 0, "buyer")
    text = json.dumps(told)

    assert "You can pay at most" in text
    assert "You need at least" not in text
    assert '"to":' not in json.dumps(told["seen"])
    assert {thing["by"] for thing in told["seen"] if thing["kind"] == "act"} == {"buyer"}
    assert (told["state"], told["run"], told["more"]) == ("ended", "finished", False)


def test_what_a_seat_said_is_told_once_and_what_it_heard_with_its_speaker(sale):
    seen = read_perceived(sale, 0, "buyer")["seen"]

    assert {thing["by"] for thing in seen if thing["kind"] == "utterance"} == {"seller"}
    assert all(thing["colour"].startswith("#") for thing in seen if thing["by"])


def test_the_end_of_a_part_is_told_last(coach):
    seen = read_perceived(coach, 0, "assistant")["seen"]

    assert [thing["text"] for thing in seen if thing["kind"] == "end"] == ["terminated"]
    assert seen[-1]["kind"] == "end"


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_bit_by_bit_the_same_is_read_as_at_once(sale, monkeypatch, at_once):
    whole = read_perceived(sale, 1, "seller")
    monkeypatch.setattr("simlab.view.perceived.TURNS_AT_ONCE", at_once)

    seen, told = [], {"to": 0, "more": True}
    while told["more"]:
        told = read_perceived(sale, 1, "seller", told["to"])
        seen += told["seen"]

    assert (seen, told["to"]) == (whole["seen"], whole["to"])
    assert read_perceived(sale, 1, "seller", told["to"])["seen"] == []


def test_an_episode_that_has_not_begun_has_nothing_to_tell(runs):
    told = read_perceived(OpenedRun(runs / "sale"), 99, "buyer")

    assert (told["seen"], told["to"], told["state"]) == ([], 0, "unfinished")
