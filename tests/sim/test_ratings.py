"""Ratings in play are told in the place of returns, which are zero."""

import pytest

from simlab.sim.launch import run
from simlab.sim.run import Run
from tests.env.influence_folder import write_folder
from tests.sim.test_dialogue_runs import dialogues


@pytest.fixture
def rated(run_file, tmp_path):
    write_folder(tmp_path / "mine")
    return run(run_file(dialogues("./mine")), episodes=3, out=tmp_path / "run", hosts=0)


def values_in(trajectory):
    return [turn.acted.action["value"] for turn in trajectory.turns if turn.acted is not None]


def test_seats_that_rate_are_told_by_their_mean(rated):
    ratings = rated.summary.episodes[0].ratings
    by_seat = rated.episode(0).trajectories()

    assert {*ratings} == {"influence", "preference"}
    for seat, mean in ratings.items():
        values = values_in(by_seat[seat])
        assert mean == pytest.approx(sum(values) / len(values))
        means = [one.ratings[seat] for one in rated.summary.episodes]
        assert rated.summary.mean_ratings()[seat] == pytest.approx(sum(means) / 3)
    assert Run(rated.path).summary == rated.summary


def test_ratings_stand_in_the_table_of_a_run_and_of_an_episode(rated, simlab):
    whole = simlab("show", rated.path).stdout
    one = simlab("show", rated.path, "--episode", "1").stdout

    preference = rated.summary.mean_ratings()["preference"]
    assert "mean rating" in whole
    assert "return" not in whole
    assert f"preference  {preference:.4g}" in whole
    assert f"{rated.summary.episodes[1].ratings['preference']:.6g}" in one


def test_worlds_without_ratings_have_returns(tmp_path):
    made = run("car_sale", models={"all": "scripted"}, out=tmp_path / "run", hosts=0)

    assert made.summary.mean_ratings() == {}
    assert made.summary.episodes[0].ratings == {}
