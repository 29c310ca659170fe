"""The list of runs in a browser: live ones on top, groups, filters, thousands, and what is odd."""

import os
import shutil

import pytest

from tests.apps.conftest import serving
from tests.view.browsing import PHONE, opened
from tests.view.growing import grown
from tests.view.test_trainings import write_training

pytestmark = pytest.mark.browser

LINE = "simlab-runs .line"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A folder, and the addresses of an app over it."""
    folder = tmp_path_factory.mktemp("shown")
    with serving(folder) as address:
        yield folder, address


@pytest.fixture
def folder(shown):
    """The folder, which is empty before each test and after it."""
    yield shown[0]
    for entry in shown[0].iterdir():
        shutil.rmtree(entry)


@pytest.fixture
def list_of_runs(shown):
    return shown[1]("")


def names(page):
    return [node.inner_text() for node in page.query_selector_all("simlab-runs .name")]


def test_runs_are_listed_with_state_progress_and_what_they_came_to(browser, address):
    with opened(browser, address(""), until=LINE) as page:
        line = page.locator(LINE, has_text="sale").filter(has_text="3 of 3")

        assert line.locator(".state").inner_text() == "✓ finished"
        assert "buyer" in line.locator(".means").inner_text()
        assert "tokens" in line.locator(".spent").inner_text()
        branch = page.locator(LINE, has_text="a branch of")
        assert branch.locator(".what small a").inner_text() == "sale"
        line.locator("a.name").click()
        page.wait_for_selector(".turn:not(.loading)")
        assert page.url.split("#")[0].endswith("/run?run=sale")


def test_a_run_that_stops_and_one_that_cannot_be_read_are_told_and_hide_no_other(
    browser, runs, folder, list_of_runs
):
    grown(shutil.copytree(runs / "sale", folder / "half"), 0.6)
    broken = shutil.copytree(runs / "sale", folder / "broken")
    (broken / "summary.json").write_text("{")
    with opened(browser, list_of_runs, until=LINE) as page:
        assert page.locator(f"{LINE}.unreadable .failure").inner_text().count("summary.json") == 1
        assert page.locator(f"{LINE}.stopped").count() == 1

        page.select_option("simlab-runs select[aria-label=State]", "stopped")
        assert names(page) == ["half"]
        page.fill("simlab-runs input", "nowhere")
        assert page.inner_text("simlab-runs .empty") == "No run fits the filter."


def test_an_empty_folder_says_how_to_make_a_run(browser, runs, folder, list_of_runs):
    how = "simlab-runs .empty pre"
    with opened(browser, list_of_runs, until=how) as page:
        assert "simlab run car_sale" in page.inner_text(how)

        shutil.copytree(runs / "sale", folder / "sale")
        page.wait_for_selector(LINE)
        assert names(page) == ["sale"]


def test_runs_of_a_training_stand_below_it_and_are_shown_when_it_is_opened(
    browser, runs, folder, list_of_runs
):
    write_training(runs, folder / "training")
    with opened(browser, list_of_runs, until=LINE) as page:
        assert names(page) == ["training"]
        toggle = page.get_by_label("runs of training")
        toggle.focus()
        page.keyboard.press("Enter")

        page.wait_for_selector("simlab-runs a.name >> text=rounds/001/evaluate")
        assert toggle.get_attribute("aria-expanded") == "true"
        assert page.evaluate("document.activeElement.dataset.key") == "toggle training training"


def test_of_thousands_of_runs_only_those_in_sight_are_in_the_document(
    browser, runs, folder, list_of_runs
):
    for number in range(1_500):
        shutil.copytree(runs / "sale", folder / f"run-{number:04}", copy_function=os.link)
    with opened(browser, list_of_runs, until=LINE, size=PHONE) as page:
        page.wait_for_function("document.querySelectorAll('simlab-runs .line.finished').length > 3")
        page.wait_for_function(
            "document.querySelector('simlab-runs .list-head small').textContent === '1,500 runs'"
        )

        assert len(page.query_selector_all(LINE)) < 60
        page.select_option("simlab-runs select[aria-label=Order]", "name")
        assert names(page)[0] == "run-0000"
        page.fill("simlab-runs input", "run-1499")
        assert names(page) == ["run-1499"]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
