"""A training in a browser: its rounds, its figures, one state across rounds; and a sweep."""

import shutil

import pytest

from tests.apps.conftest import serving, with_figures, write_sweep
from tests.view.browsing import PHONE, opened
from tests.view.test_trainings import write_training

pytestmark = pytest.mark.browser

TABLE = "simlab-training table"


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory):
    """A training, one like it that goes on, and a sweep."""
    path = tmp_path_factory.mktemp("studies")
    with_figures(write_training(runs, path / "training"))
    shutil.copytree(path / "training", path / "growing")
    write_sweep(runs, path / "swept")
    return path


@pytest.fixture(scope="module")
def page_of(folder):
    with serving(folder) as address:
        yield address


def texts(page, selector):
    return [node.inner_text() for node in page.query_selector_all(selector)]


def test_rounds_are_a_table_with_intervals_and_links_to_their_runs(browser, page_of):
    with opened(browser, page_of("training?training=training"), until=TABLE) as page:
        assert page.inner_text("simlab-training h1") == "small"
        assert texts(page, f"{TABLE} tbody td:nth-child(2)") == ["base", "published"]
        assert texts(page, f"{TABLE} tbody td:nth-child(4)")[0] == "0.5 [0.4, 0.6]"
        page.wait_for_selector("#chart-round_harm_gap canvas, #chart-round_harm_gap svg.marks")

        page.click(f"{TABLE} a >> text=evaluate >> nth=1")
        page.wait_for_selector(".turn:not(.loading)")
        assert page.url.split("#")[0].endswith("rounds%2F001%2Fevaluate")


def test_one_state_is_seen_across_rounds_turn_by_turn(browser, page_of):
    with opened(browser, page_of("training?training=training"), until=TABLE) as page:
        page.get_by_role("tab", name="Side by side").click()
        page.wait_for_selector("simlab-side-by-side .turn")

        assert [text.split(" episode")[0] for text in texts(page, ".heads > div")] == [
            "Round 0",
            "Round 1",
        ]
        assert len(page.query_selector_all(".rows-row:first-child .turn")) == 2
        page.select_option("simlab-side-by-side select[name=start]", index=1)
        page.wait_for_selector("simlab-side-by-side .heads a >> text=episode 1")


def test_a_training_that_goes_on_shows_its_next_round_by_itself(browser, page_of, folder):
    table = folder / "growing" / "table.json"
    whole = table.read_text()
    table.write_text("[]")
    with opened(browser, page_of("training?training=growing"), until=TABLE) as page:
        assert texts(page, f"{TABLE} tbody td:nth-child(2)") == ["under way", "under way"]

        table.write_text(whole)

        page.wait_for_selector(f"{TABLE} td >> text=published")
        page.wait_for_selector("#chart-round_kl canvas, #chart-round_kl svg.marks")


def test_a_sweep_has_its_trials_with_the_best_of_them_marked(browser, page_of):
    address = page_of("training?sweep=swept")
    with opened(browser, address, until=TABLE, size=PHONE) as page:
        assert texts(page, f"{TABLE} tbody th") == ["0", "1 best", "2"]
        assert page.inner_text(f"{TABLE} .failure") == "no weights"
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_training_that_is_none_is_told_in_words(browser, page_of):
    address = page_of("training?sweep=none")
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)

    page.wait_for_selector("text=there is no sweep 'none'; take one that is listed")
    context.close()
