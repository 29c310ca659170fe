"""The page of a run on a phone: all of it can be reached and left again by a finger."""

import pytest

from tests.view.browsing import PHONE, opened

pytestmark = pytest.mark.browser

IS_IN_SIGHT = """() => {
  const { top, bottom } = document.querySelector(".chosen").getBoundingClientRect();
  const room = document.querySelector(".reading > .rows").getBoundingClientRect();
  return Math.max(top, room.top) < Math.min(bottom, room.bottom, innerHeight);
}"""


def test_a_turn_that_was_opened_is_closed_by_a_tap(browser, address):
    with opened(browser, address("run?run=sale"), size=PHONE) as page:
        page.locator(".turn").nth(1).click()
        page.wait_for_selector(".drill .call")

        page.get_by_label("Close").click()

        page.locator(".drill").wait_for(state="hidden")
        assert page.locator("#run-side .toggle-button").is_visible()


def test_a_hit_that_is_chosen_is_in_sight_though_a_form_and_many_hits_were(browser, address):
    with opened(browser, address("run?run=sale"), size=PHONE) as page:
        page.get_by_label("Find by seat, tag, rating or failure").click()
        page.get_by_label("Words").fill("offer")
        page.click(".find-form button >> text=Find")
        page.wait_for_selector(".hits .more:not([role])")
        assert page.locator(".reading > .rows").bounding_box()["height"] > 100

        page.locator(".hit").nth(3).click()

        page.wait_for_selector(".chosen mark")
        page.wait_for_function(IS_IN_SIGHT)


def test_an_episode_is_chosen_where_there_is_no_room_for_their_list(browser, address):
    with opened(browser, address("run?run=sale"), size=PHONE) as page:
        page.get_by_label("Episode", exact=True).select_option("2")

        page.wait_for_selector(".chosen")
        assert page.evaluate("document.querySelector('simlab-run').view.episode") == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
