"""A notebook shows a run and its episodes as something to read."""

import pytest

from simlab.sim.launch import run
from simlab.sim.notebook import episode_in_html
from tests.sim.conftest import RELAY


@pytest.fixture
def played(run_file, tmp_path):
    return run(run_file({**RELAY, "description": "<b>Two</b> models chat."}), out=tmp_path / "run")


def test_a_run_is_a_table_of_its_episodes(played):
    html = played._repr_html_()

    assert "<th>episode</th>" in html
    assert "<td>ended</td>" in html
    assert "1 of 1 episodes ended, 0 failed" in html


def test_what_comes_from_a_run_is_escaped(played):
    assert "&lt;b&gt;Two&lt;/b&gt; models chat." in played._repr_html_()


def test_an_episode_is_what_was_done_with_seats_in_colours(played):
    episode = played.episode(0)

    html = episode._repr_html_()

    assert html == episode_in_html(episode)
    for turn in episode.turns():
        assert f">{turn.acted.seat}</b>" in html
    assert "border-left:3px solid #" in html
