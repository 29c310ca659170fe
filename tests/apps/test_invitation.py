"""Invitations: what is filled in for a link, and what of it is refused."""

from pathlib import Path

import pytest

from simlab.apps.invitation import Invitation, models
from simlab.apps.links import Link, place_of
from simlab.errors import ConfigError, RunDirectoryError
from simlab.sim.control.order import Order
from simlab.sim.control.order_file import OrderFile
from simlab.sim.launch import prepare
from simlab.view.opened import OpenedRun

PATH = Path("/runs/sale")


def invited(**other):
    given = {"run": "sale", "read": "2", "place": "buyer", "episode": "", "who": " Robin "}
    return Invitation(**{**given, "lapse": "pause", "after_s": " 60 ", **other})


def test_an_invitation_to_a_seat_is_for_the_episode_that_is_read():
    wanted = Link("sale", place_of(PATH), "Robin", 2, "buyer", "", "pause", 60.0)

    assert invited().link(PATH) == wanted
    assert invited(episode=" 5 ", after_s="").link(PATH).episode == 5
    assert invited(after_s="").link(PATH).after_s is None


def test_an_invitation_to_stand_for_a_model_is_for_all_episodes():
    link = invited(place="model small").link(PATH)

    assert (link.model, link.episode, link.seat) == ("small", -1, "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"who": " "}, "name of the person must be given, got nothing"),
        ({"place": None}, "seat or model must be given, got nothing"),
        ({"episode": "-1"}, "episode must be a number from 0 on, got '-1'"),
        ({"after_s": "soon"}, "seconds must be a number above 0, or nothing, got 'soon'"),
        ({"after_s": "0"}, "seconds must be a number above 0"),
        ({"after_s": "inf"}, "seconds must be a number above 0"),
        ({"lapse": "me"}, "the seat must go to one of agent, default, pause, got 'me'"),
    ],
)
def test_an_invitation_that_is_not_whole_is_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        invited(**given).link(PATH)


def test_models_that_wait_for_people_are_told(tmp_path):
    keys = {"hosts": 0, "models": {"all": "person"}, "settings": {}, "people": True}
    prepare("car_sale", out=tmp_path / "run", **keys)

    assert models(OpenedRun(tmp_path / "run")) == ["model small"]


def test_models_that_were_swapped_in_for_people_are_told_and_a_strange_file_is_refused(tmp_path):
    prepare("car_sale", out=tmp_path / "run", hosts=0, models={"all": "scripted"})
    orders = OrderFile(tmp_path / "run")
    models_in = {"person-1": {"engine": "person"}, "scripted-1": {"engine": "scripted"}}
    changes = {"options": {"model": "person-1"}, "models": models_in}
    orders.add(Order(orders.next_id(), "edit", "buyer", changes), None, holds=True)

    told = models(OpenedRun(tmp_path / "run"))
    (tmp_path / "run" / "orders.jsonl").unlink()
    (tmp_path / "run" / "orders.jsonl").symlink_to("/dev/zero")

    assert told == ["model person-1"]
    with pytest.raises(RunDirectoryError, match="must be a file or folder of the run itself"):
        models(OpenedRun(tmp_path / "run"))
