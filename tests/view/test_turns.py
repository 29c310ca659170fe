"""A window of a transcript costs what it shows, and tells what people see of a turn."""

import pytest

from simlab.errors import ConfigError
from simlab.trace.events import SteppedCore
from simlab.trace.log import Log
from simlab.view.turns import read_turns


def test_a_window_tells_who_perceived_said_and_did_what(sale):
    window = read_turns(sale, 0, 0, 3)

    first, second, _ = window["turns"]
    assert [turn["step"] for turn in window["turns"]] == [0, 1, 2]
    assert [line["to"] for line in first["heard"]] == [["buyer"], ["seller"]]
    assert first["acts"][0]["seat"] == "seller"
    assert first["acts"][0]["action"]["price"] == 7750
    assert list(first["asked"]) == ["seller"]
    echo, told = second["heard"]
    assert (echo["echo"], echo["kind"], echo["to"]) == (True, "utterance", ["buyer", "seller"])
    assert (told["echo"], told["text"]) == (False, "The seller asks $7,750.")


def test_the_window_at_the_end_tells_how_the_episode_ended(sale):
    window = read_turns(sale, 0, -2)

    assert [turn["step"] for turn in window["turns"]] == [5, 6]
    assert window["turns"][-1]["rewards"] == {"buyer": 750.0, "seller": 550.0}
    assert window["turns"][-1]["ended"] == {"buyer": "terminated", "seller": "terminated"}
    assert window["after"]["state"] == "ended"
    assert read_turns(sale, 0, 0, 2)["after"] is None


def test_a_rating_comes_with_the_probability_of_each_label(coach):
    acts = [act for turn in read_turns(coach, 0)["turns"] for act in turn["acts"]]

    ratings = {act["seat"]: act["score"] for act in acts if "score" in act}

    assert set(ratings["influence"]["distribution"]) == {"no", "yes"}
    assert sum(ratings["preference"]["distribution"].values()) == pytest.approx(1)
    assert 1 <= ratings["preference"]["value"] <= 5


def test_an_action_that_a_branch_put_there_is_marked(runs):
    from simlab.view.opened import OpenedRun

    turns = read_turns(OpenedRun(runs / "branch"), 0)["turns"]

    assert [act["edited"] for turn in turns[:4] for act in turn["acts"]] == [False] * 3 + [True]


def test_a_window_reads_no_step_outside_it(sale, monkeypatch):
    decoded = []
    core = Log.core
    monkeypatch.setattr(Log, "core", lambda log, *of: decoded.append(of) or core(log, *of))

    read_turns(sale, 0, 3, 5)

    read = [core(sale.log, *of) for of in decoded]
    assert [each.step for each in read if isinstance(each, SteppedCore)] == [2, 3, 4]
    assert {each.step for each in read} == {2, 3, 4}


@pytest.mark.parametrize("episode", [-1, 3, 10**12])
def test_an_episode_that_is_not_there_is_refused_with_its_number(sale, episode):
    with pytest.raises(ConfigError, match=f"has no episode {episode}; it has 3"):
        read_turns(sale, episode)
