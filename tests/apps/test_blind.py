"""Who reads blind sees neither what was rated or gained, nor which arm it is that is read."""

import pytest

from simlab.view.labels import Label, add_label
from simlab.view.opened import OpenedRun
from tests.apps.conftest import serving
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


def test_neither_what_others_say_nor_which_models_play_is_seen_by_who_reads_blind(browser, copied):
    for who in ("eva", "tom"):
        said = Label(who=who, when=1.0, episode=0, step=1, rating=4.0, note=f"of {who}")
        add_label(OpenedRun(copied), said)
    fields = "#run-panels .tabitem :is(input, textarea, button):visible"
    with serving(copied.parent) as address, opened(browser, address("run?run=copied")) as page:
        page.evaluate("localStorage.setItem('simlab-who', ' eva')")
        opened_side(page, "Seats")
        page.locator(fields).first.wait_for()

        read_blind(page, True)

        assert page.locator("simlab-labels .label").all_inner_texts() == ["0 · 1\n4\nof eva\neva"]
        assert "Labels so far: 1" in page.inner_text("simlab-labels h4")
        for tab in ("Steer", "Seats", "Branch"):
            opened_side(page, tab)
            assert page.get_by_role("tab", name=tab).get_attribute("aria-selected") == "true"
            assert page.locator(fields).count() == 0

        read_blind(page, False)

        assert page.locator("simlab-labels .label").count() == 2
