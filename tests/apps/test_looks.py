"""What pages look like, for people to look at; and that they can be used by keys alone."""

import pytest

from tests.apps.seated import OPEN_FORM, STUCK, person
from tests.apps.seated import address as seat_address
from tests.apps.starting import running, watching
from tests.apps.steered import opened_side
from tests.view.browsing import PHONE, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DESK = {"width": 1440, "height": 860}

LOOKS = [
    pytest.param(size, scheme, id=f"{size['width']}-{scheme}")
    for size in (DESK, PHONE)
    for scheme in ("light", "dark")
]

NAMED = """() => {
  const { activeElement: here } = document;
  return here.getAttribute("aria-label") ?? here.innerText.trim();
}"""

OUTLINED = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"


def tab_to(page, name):
    """Go to an element by the key that leads from one to the next."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(NAMED) == name:
            return
    raise AssertionError(f"{name} cannot be reached")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_run_looks_as_in_its_pictures(browser, address, screenshots, size, scheme):
    def keep(name):
        page.screenshot(path=screenshots / f"{name}-{size['width']}-{scheme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]

    with opened(browser, address("run?run=coach"), size=size, scheme=scheme) as page:
        keep("run")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector(".drill .call")
        keep("drill")
        page.get_by_label("Close").click()
        page.get_by_role("button", name="details").click()
        page.locator(".card td").first.wait_for()
        keep("spent")
        page.get_by_label("Put away").click()
        opened_side(page, "Label")
        page.get_by_label("Your name").wait_for()
        keep("side")
        page.get_by_label("Toggle Sidebar").click()
        page.get_by_role("tab", name="Charts").click()
        page.locator(".chart canvas, .chart svg.marks").first.wait_for()
        keep("charts")


@pytest.fixture(scope="module")
def seat(tmp_path_factory):
    """The address of a seat in which somebody is asked."""
    folder = tmp_path_factory.mktemp("seats")
    with watching(folder) as app, running(folder / "deal", "car_sale", *STUCK):
        yield seat_address(app.base, folder / "deal", "seller")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_seat_looks_as_in_its_pictures(browser, seat, screenshots, size, scheme):
    with person(browser, seat, size=size, scheme=scheme) as page:
        page.wait_for_selector(OPEN_FORM)
        page.get_by_label("say").fill("It is a fine car.")

        page.screenshot(path=screenshots / f"seat-{size['width']}-{scheme}.png")

        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_turn_is_opened_read_and_closed_by_keys_alone(browser, address):
    with opened(browser, address("run?run=coach")) as page:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector(".drill .call")

        tab_to(page, "sampling")
        assert page.evaluate(OUTLINED)
        page.keyboard.press("Enter")
        page.locator(".sampling[open] pre").first.wait_for()

        page.keyboard.press("Escape")
        page.locator(".drill").wait_for(state="hidden")


def test_the_panels_beside_a_run_are_used_by_keys_alone(browser, address):
    with opened(browser, address("run?run=coach") + "#e=0&t=1") as page:
        tab_to(page, "Toggle Sidebar")
        page.keyboard.press("Enter")
        page.wait_for_selector("#run-side.open")
        tab_to(page, "Label")
        page.keyboard.press("Enter")
        page.get_by_label("Your name").wait_for()
        tab_to(page, "Keep the label")

        assert page.evaluate(OUTLINED)


def test_who_sits_in_a_seat_is_told_on_a_click_and_put_away_by_a_key(browser, address):
    with opened(browser, address("run?run=sale")) as page:
        page.get_by_role("button", name="buyer").click()

        card = page.get_by_role("dialog", name="buyer")
        assert "You are Robin" in card.inner_text()
        page.keyboard.press("Escape")
        card.wait_for(state="hidden")


def test_what_each_model_and_seat_has_spent_is_told_with_versions(browser, address):
    with opened(browser, address("run?run=sale")) as page:
        page.get_by_role("button", name="details").click()
        card = page.get_by_role("dialog", name="What was spent")
        card.locator("table").nth(1).wait_for()

        rows = card.locator("tbody tr").all_inner_texts()
        assert [row.split()[0] for row in rows][1:] == ["buyer", "seller"]
        total, *seats = (int(row.split()[1]) for row in rows)
        assert total == sum(seats) > 0
        card.get_by_text("Versions").click()
        assert "simlab" in card.inner_text()
