"""The charts of a run in a browser: chosen, looked at closely, downloaded, and kept up to date."""

import shutil

import pytest

from tests.apps.conftest import serving
from tests.view.browsing import PHONE, opened
from tests.view.growing import grown

pytestmark = pytest.mark.browser

TICKS = "[...document.querySelectorAll('#chart-throughput svg text')].map((e) => e.textContent)"
DRAWN = "document.querySelector('#chart-throughput svg.marks')?.innerHTML"
RATING = "#chart-rating canvas, #chart-rating svg.marks"


def charts(page):
    page.get_by_role("tab", name="Charts").click()


def shown(page):
    return page.eval_on_selector_all(
        "[id^=chart-]", "all => all.filter((each) => each.offsetParent).map((each) => each.id)"
    )


def choose(page, words):
    page.get_by_label(words).check()


def test_what_a_run_has_is_charted_and_what_it_lacks_is_not(browser, address):
    with opened(browser, address("run?run=coach")) as page:
        charts(page)
        page.wait_for_selector(RATING)
        assert shown(page) == ["chart-rating", "chart-labels"]

        choose(page, "Over episodes")
        page.wait_for_selector("#chart-ratings_by_start canvas, #chart-ratings_by_start svg.marks")
        assert "chart-returns" not in shown(page)

        choose(page, "Load over time")
        page.wait_for_selector("#chart-throughput canvas, #chart-throughput svg.marks")
        assert {"chart-throughput", "chart-token_rate", "chart-queue"} <= set(shown(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_downloaded_as_they_are_chosen(browser, address, scheme):
    with opened(browser, address("run?run=coach"), scheme=scheme, size=PHONE) as page:
        charts(page)
        page.wait_for_selector(RATING)
        page.fill("#charts-episodes textarea, #charts-episodes input", "0-1")
        page.keyboard.press("Enter")
        link = "simlab-download[plot=rating] a"
        page.wait_for_function(f"document.querySelector('{link}').href.includes('episodes=0-1')")

        with page.expect_download() as csv:
            page.click(f"{link} >> text=CSV")
        with page.expect_download() as png:
            page.click(f"{link} >> text=PNG")

        assert csv.value.path().read_text().startswith("episode,step,")
        assert png.value.path().read_bytes().startswith(b"\x89PNG")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_episodes_that_are_none_are_refused_in_words(browser, address):
    with opened(browser, address("run?run=sale")) as page:
        charts(page)
        page.wait_for_selector("#chart-return canvas, #chart-return svg.marks")
        page.fill("#charts-episodes textarea, #charts-episodes input", "nine")
        page.keyboard.press("Enter")

        page.wait_for_selector("text=episodes must be numbers such as '0-3, 7', got 'nine'")


def test_charts_of_a_run_that_goes_on_are_drawn_anew_and_stay_as_close_as_they_were(
    browser, runs, tmp_path
):
    segment, data = grown(shutil.copytree(runs / "sale", tmp_path / "live"), 0.3)
    with serving(tmp_path) as address, opened(browser, address("run?run=live")) as page:
        charts(page)
        choose(page, "Load over time")
        page.wait_for_selector("#chart-throughput svg.marks")
        box = page.locator("#chart-throughput svg.marks").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 120, steps=5)
        page.mouse.up()
        page.wait_for_function(f"!({TICKS}).includes('1.0')")
        with page.expect_response(lambda r: "/api/progress" in r.url):
            pass
        before = page.evaluate(DRAWN)

        segment.write_bytes(data)

        page.wait_for_function(f"(before) => {DRAWN} !== before", arg=before)
        assert page.get_by_label("Load over time").is_checked()
        assert "1.0" not in page.evaluate(TICKS)
        page.dblclick("#chart-throughput svg.marks")
        page.wait_for_function(f"({TICKS}).includes('1.0')")
