"""All of it in one go on the embedded model; pictures of it are kept in ``screenshots``."""

import re
from contextlib import ExitStack

import pytest

from simlab.sim.run import Run
from tests.apps.seated import OPEN_FORM, person
from tests.apps.starting import running, watching
from tests.apps.steered import DELAY_S, N_TURNS, choose, invite, n_turns, opened_side, page_of, told
from tests.sim.records import replayed

pytestmark = [pytest.mark.browser, pytest.mark.model]

ASKED = '{"say": "Take it for this, and it is yours.", "price": 6789}'


def test_sim_23_interlab_15_38_a_sale_is_watched_steered_branched_and_closed_by_a_person(
    tmp_path, browser, screenshots
):
    path = tmp_path / "sale"
    with ExitStack() as stack:
        app = stack.enter_context(watching(tmp_path))
        run = stack.enter_context(running(path, "car_sale", "--people"))
        page = stack.enter_context(page_of(browser, app.link, "sale"))
        assert page.evaluate(DELAY_S) < 2

        page.locator(".rows").first.press("p")
        stands_still(page)
        page.screenshot(path=screenshots / "live-1-paused.png")
        step(page)
        if n_turns(page) % 2:  # the seller began, and is to be spoken for
            step(page)
        opened_side(page, "Steer")
        choose(page, "Seat", "seller")
        page.get_by_label("Says or does", exact=True).fill(ASKED)
        page.get_by_role("button", name="Say", exact=True).click()
        told(page, "steer", "seller does that")
        page.screenshot(path=screenshots / "live-2-said.png")

        robin = stack.enter_context(person(browser, invite(page, "buyer", "Robin")))
        page.get_by_text("Robin is buyer of episode 0").wait_for()
        page.locator(".rows").first.press("p")
        robin.wait_for_selector(OPEN_FORM)
        page.get_by_text("Take it for this, and it is yours.").first.wait_for()
        branch(page)
        page.screenshot(path=screenshots / "live-3-branch.png")

        robin.get_by_label("say").fill("Then it is mine.")
        robin.get_by_label("price").fill("6789")
        robin.screenshot(path=screenshots / "live-4-seat.png")
        robin.get_by_label("price").press("Enter")
        robin.locator("simlab-turn .state", has_text=re.compile("^Ended$")).wait_for()
        assert run.wait(timeout=60) == 0
        stop(page)

    made = Run(path)
    assert replayed(made) == 1
    assert made.episode(0).facts() == {"outcome": "deal", "price": 6789}
    assert Run(tmp_path / "sale-branch-1").episode(0).turns()[0].acted.action["price"] == 9999


def stands_still(page):
    page.wait_for_selector("simlab-standing :text('stands still')", state="attached")


def step(page):
    """Let the run take one step, and wait until its turn is on the page."""
    before = n_turns(page)
    page.locator(".rows").first.press("s")
    page.wait_for_function(f"{N_TURNS} === {before + 1}")
    stands_still(page)


def branch(page):
    """Let the seller begin with another price, in a run beside this one."""
    page.evaluate("document.querySelector('simlab-run').view.show(0, 0)")
    opened_side(page, "Branch")
    page.get_by_label("Says or does instead").fill('{"say": "It is dear.", "price": 9999}')
    page.get_by_role("button", name="Branch", exact=True).click()
    page.wait_for_url("**/run?run=sale-branch-1*")
    page.wait_for_selector(".cells.first-difference[data-turn='0']")


def stop(page):
    """End the run whose page it is."""
    opened_side(page, "Steer")
    for _ in range(2):  # it asks whether that is meant
        page.locator("[data-does=stop]").click()
    page.wait_for_selector("simlab-standing :text('can be seen and not steered')")
