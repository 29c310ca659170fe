"""A page of a run is there in a moment, however many episodes the run has."""

import re

import pytest

from benchmarks.looking import WINDOW
from simlab.view.static_page import PAGE
from tests.apps.conftest import serving
from tests.view.browsing import opened
from tests.view.test_difference import chat

N_EPISODES = 2_000

FIRST_PAINT_MS = "performance.getEntriesByName('first-contentful-paint')[0].startTime"

N_READ = "document.querySelector('simlab-run').view.order.length"


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Gives addresses of an app over a run of many short episodes."""
    folder = tmp_path_factory.mktemp("wide")
    chat(folder / "wide", *[["hello", "bye"]] * N_EPISODES)
    with serving(folder) as address:
        yield address


@pytest.mark.browser
def test_the_first_turn_is_shown_while_most_episodes_are_still_to_be_read(browser, wide):
    with opened(browser, wide(""), until="simlab-runs .line") as page:
        page.route(re.compile(r"/api/news\?.*cursor="), lambda _: None)  # kept waiting

        page.goto(wide("run?run=wide"))
        page.wait_for_selector(".turn:not(.loading) .words")

        assert page.evaluate(N_READ) < N_EPISODES / 2
        page.unroute_all()  # lets go on what was kept
        page.wait_for_function(f"{N_READ} === {N_EPISODES}")
        assert page.inner_text(".bar h2") == "Episode 0"


@pytest.mark.browser
def test_an_episode_that_is_read_late_is_shown_where_its_link_leads_to_it(browser, wide):
    last = N_EPISODES - 1
    with opened(browser, wide("run?run=wide") + f"#e={last}&t=1") as page:
        page.wait_for_selector(".chosen[data-turn='1'] .words")

        assert page.inner_text(".bar h2") == f"Episode {last}"


@pytest.mark.browser
@pytest.mark.parametrize("name", ["", "run?run=sale"])
def test_pages_are_painted_in_two_seconds(browser, address, name):
    with opened(browser, address(name), until="simlab-runs .line, .turn:not(.loading)") as page:
        assert page.evaluate(FIRST_PAINT_MS) < 2_000


def test_benchmarks_ask_for_as_many_turns_as_pages_do():
    window = (PAGE / "window.js").read_text()

    assert f"const WINDOW = {WINDOW};" in window
