"""Finding by a form, and comparing with episodes of other runs, in a browser."""

import pytest

from tests.view.browsing import opened

pytestmark = pytest.mark.browser


def texts(page, selector):
    return [node.inner_text() for node in page.query_selector_all(selector)]


def test_who_knows_no_syntax_finds_by_a_form_and_sees_what_it_stands_for(browser, address):
    with opened(browser, address("run?run=coach")) as page:
        page.get_by_label("Find by seat, tag, rating or failure").click()
        page.select_option(".find-form select[name=seat]", "preference")
        page.get_by_label("from", exact=True).fill("1")
        page.get_by_label("to", exact=True).fill("5")
        page.click(".find-form button >> text=Find")
        page.wait_for_selector(".hits .more:not([role])")

        assert page.input_value(".find") == "seat:preference score>=1 score<=5"
        assert {text.split()[3] for text in texts(page, ".hit small")} == {"preference"}
        page.click(".hit >> nth=0")
        step = texts(page, ".hit small")[0].split()[2]
        page.wait_for_selector(f".chosen[data-turn='{step}']")


def test_what_is_typed_stands_in_the_form_with_names_of_several_words(browser, address):
    with opened(browser, address("run?run=sale")) as page:
        page.fill(".find", 'a deal tag:"two words" is:failed score<=2')
        page.get_by_label("Find by seat, tag, rating or failure").click()

        assert page.input_value(".find-form input[name=q]") == "a deal"
        assert page.input_value(".find-form input[name=tag]") == "two words"
        assert page.is_checked(".find-form input[name=failed]")
        page.press(".find-form input[name=tag]", "Escape")
        assert page.locator(".find-form").is_hidden()


def test_an_episode_of_another_run_stands_beside_with_the_first_difference_marked(browser, address):
    with opened(browser, address("run?run=sale")) as page:
        page.select_option(".bar .compare", "choose")
        page.get_by_label("Run", exact=True).fill("branch")
        page.click("dialog button >> text=Compare")
        page.wait_for_selector(".first-difference .words")

        assert page.get_attribute(".first-difference", "data-turn") == "3"
        assert page.inner_text(".bar h2") == "Episode 0 · branch's episode 0"
        assert "Let me think." in texts(page, ".first-difference .act .words")


def test_a_run_that_is_not_listed_cannot_be_chosen_and_nothing_changes_without_one(
    browser, address
):
    with opened(browser, address("run?run=sale")) as page:
        page.select_option(".bar .compare", "choose")
        page.get_by_label("Run", exact=True).fill("nowhere")
        page.click("dialog button >> text=Compare")
        assert page.locator("dialog").is_visible()

        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        assert page.inner_text(".bar h2") == "Episode 0"
        assert page.input_value(".bar .compare") == ""
