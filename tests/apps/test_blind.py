"""Who reads blind sees neither what was rated or gained, nor which arm it is that is read."""

import pytest

from tests.apps.steered import opened_side
from tests.view.browsing import fresh, opened

pytestmark = pytest.mark.browser

TELLING = ".rating .totals .gains .people .mark.edited .difference .bar_.compare .find-more .seats"
SEEN = ", ".join(f".simlab {name.replace('_', ' ')}:visible" for name in TELLING.split())


def read_blind(page, is_blind):
    opened_side(page, "Label")
    page.get_by_label("Blind: hide ratings").set_checked(is_blind)


def test_a_branch_that_is_compared_shows_nothing_of_it_once_it_is_read_blind(browser, address):
    with opened(browser, address("run?run=branch")) as page:
        page.wait_for_selector(".first-difference .mark.edited")

        read_blind(page, True)

        page.wait_for_selector(".cells.two", state="detached")
        assert page.locator(".first-difference").count() == 0
        assert page.locator(SEEN).count() == 0


def test_a_branch_is_not_compared_with_its_parent_until_it_may_be_seen(browser, address):
    with fresh(browser) as page:
        page.add_init_script("localStorage.setItem('simlab-blind', 'yes')")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address("run?run=branch"))
        page.wait_for_selector("simlab-run .simlab.blind .turn:not(.loading)")
        page.keyboard.press("End")
        page.wait_for_selector(".chosen .end")
        assert page.locator(SEEN).count() == 0
        assert page.inner_text(".bar h2") == "Episode 0"
        assert [url for url in asked if "/api/difference" in url] == []

        read_blind(page, False)

        page.wait_for_selector(".first-difference .mark.edited")
