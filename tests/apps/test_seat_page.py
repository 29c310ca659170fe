"""People in seats, in Chromium: by links, on runs and apps in processes of their own."""

import re
import signal
from contextlib import ExitStack

import pytest

from simlab.sim.control.client import ControlClient
from simlab.sim.run import Run
from simlab.view.opened import OpenedRun
from simlab.view.perceived import read_perceived
from tests.apps.seated import OPEN_FORM, STUCK, address, fill, person
from tests.apps.starting import running, watching
from tests.apps.steered import invite
from tests.sim.records import replayed
from tests.view.browsing import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

LEFT = ("Connection errored out",)
"""What Gradio says where its page is loaded anew before the server has told that all is done."""

GONE = ("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY", "Failed to load resource")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def app(folder):
    with watching(folder) as shown:
        yield shown


@pytest.fixture(scope="module")
def base(app):
    return app.base


def turn(page):
    """Wait until it is the turn of whoever looks at a page."""
    page.wait_for_selector(OPEN_FORM)


def state(page, words):
    page.locator("simlab-turn .state", has_text=re.compile(f"^{words}$")).wait_for()


def offer(page, words, price):
    turn(page)
    page.get_by_label("say").fill(words)
    page.get_by_label("price").fill(price)
    page.get_by_label("price").press("Enter")


def test_interlab_15_38_two_people_close_a_deal_and_neither_sees_what_the_other_knows(
    folder,
    base,
    browser,
):
    path = folder / "deal"
    with running(path, "car_sale", *STUCK) as run:
        seller, buyer = (address(base, path, seat, seat.title()) for seat in ("seller", "buyer"))
        with person(browser, seller) as sam, person(browser, buyer) as robin:
            offer(sam, "It is a fine car.", "6,500")
            state(sam, "Waiting")
            offer(robin, "It is old.", "$5,700")
            turn(sam)
            assert sam.get_by_label("say").input_value() == ""
            sam.get_by_label("say").fill("Well, take it.")
            sam.get_by_label("price").fill("5700")
            sam.get_by_label("say").press("Control+Enter")
            for page in (sam, robin):
                state(page, "Ended")
            seen_by_sam, seen_by_robin = ("\n".join(page.received) for page in (sam, robin))
            words = robin.locator(".seat-list").inner_text()
        assert run.wait(timeout=60) == 0

    made = Run(path)
    assert replayed(made) == 1
    assert list(made.frame().words) == [
        "It is a fine car. [price 6500]",
        "It is old. [price 5700]",
        "Well, take it. [price 5700]",
    ]
    assert "You need at least" in seen_by_sam
    assert "You can pay at most" in seen_by_robin
    assert "You can pay at most" not in seen_by_sam
    assert "You need at least" not in seen_by_robin
    assert "It is a fine car." in words
    assert "buyer (you)" in words


def test_interlab_38_bad_input_asks_again_and_keeps_what_was_typed(folder, base, browser):
    path = folder / "bad"
    with running(path, "car_sale", *STUCK):
        link = address(base, path, "seller")
        with person(browser, link, expected=LEFT) as page, person(browser, link) as other:
            turn(other)
            offer(page, "Dear.", "60000")
            page.get_by_role("alert").wait_for()

            assert (
                "price must be a whole number from 1 to 50000"
                in page.locator(".refusal").inner_text()
            )
            assert page.get_by_label("say").input_value() == "Dear."
            assert page.get_by_label("price").input_value() == "60000"

            page.reload()
            turn(page)
            assert page.get_by_label("say").input_value() == "Dear."
            offer(page, "Cheap.", "6000")
            state(page, "Waiting")
            state(other, "Waiting")

            assert page.locator(".act.mine").inner_text().endswith("Cheap. [price 6000]")


def test_leaving_hands_the_seat_back_and_the_same_link_takes_it_again(folder, base, browser):
    path = folder / "left"
    with running(path, "car_sale", *STUCK), ControlClient(path) as client:
        link = address(base, path, "seller", lapse="pause")
        with person(browser, link, expected=LEFT) as page:
            turn(page)
            page.get_by_role("button", name="Leave the seat").click()
            state(page, "Left")
            assert client.hello()["paused"]
            assert not page.locator(OPEN_FORM).count()

            page.get_by_role("button", name="Take the seat again").click()
            offer(page, "I am back.", "6000")
            client.resume()
            state(page, "Waiting")


def test_a_deadline_is_counted_down_and_whoever_misses_it_is_told(folder, base, browser):
    path = folder / "late"
    with running(path, "car_sale", *STUCK):
        link = address(base, path, "seller", lapse="default", after_s=4.0)
        with person(browser, link) as page:
            page.get_by_text(re.compile(r"^0:0\d left$")).wait_for()
            state(page, "Too late")

            assert "defaults" in page.locator("simlab-turn").inner_text()

    seen = read_perceived(OpenedRun(path), 0, "seller")["seen"]
    assert [thing["late"] for thing in seen if thing["kind"] == "act"] == [True]


def test_the_app_may_die_under_a_person_who_goes_on_by_the_same_link(folder, browser):
    path = folder / "restarted"
    with running(path, "car_sale", *STUCK), watching(folder) as app:
        link = address(app.base, path, "seller")
        with person(browser, link, expected=GONE) as page:
            turn(page)
            page.get_by_label("say").fill("Half ty")
            app.process.kill()
            app.process.wait()
            state(page, "Not connected")
            with watching(folder, "--port", app.base.rpartition(":")[2]):
                turn(page)
                assert page.get_by_label("say").input_value() == "Half ty"
                offer(page, "Whole.", "6000")
                state(page, "Waiting")


def test_a_run_that_is_killed_is_told_and_gone_on_with_when_it_is_resumed(folder, base, browser):
    path = folder / "killed"
    link = address(base, path, "seller")
    with running(path, "car_sale", *STUCK) as run, person(browser, link) as page:
        turn(page)
        page.get_by_label("say").fill("Half ty")
        run.send_signal(signal.SIGKILL)
        state(page, "Nobody listens")
        with running(path, "car_sale", *STUCK, "--resume"):
            turn(page)
            assert page.get_by_label("say").input_value() == "Half ty"
            offer(page, "Whole.", "6000")
            state(page, "Waiting")


def test_a_person_stands_in_for_a_model(folder, base, browser):
    path = folder / "model"
    keys = ("--model", "all=person", "--people", "--set", "options.max_rounds=1")
    with running(path, "car_sale", *keys) as run:
        with person(browser, address(base, path, model="small")) as page:
            for words in ("5800}", "5800}"):
                turn(page)
                assert page.locator(".seat-list .act").count() > 1
                page.get_by_label("reply").fill(f'Yes.", "price": {words}')
                page.get_by_label("reply").press("Control+Enter")
                page.wait_for_selector("#seat-form[inert]")
            state(page, "Ended")
        assert run.wait(timeout=60) == 0

    assert list(Run(path).frame().words) == ["Yes. [price 5800]"] * 2


def test_a_link_is_made_on_the_page_of_the_run_which_tells_who_came(folder, app, browser):
    path = folder / "invited"
    with ExitStack() as stack:
        stack.enter_context(running(path, "car_sale", *STUCK))
        entry = app.link.replace("/?", "/run?run=invited&")
        page = stack.enter_context(opened(browser, entry, until="#run-side .toggle-button"))
        link = invite(page, "seller", "Sam")
        turn(stack.enter_context(person(browser, link)))
        page.get_by_text("Sam is seller of episode 0").wait_for()


@pytest.mark.parametrize("link", ["nonsense", "A" * 80])
def test_a_link_that_is_none_says_so(base, browser, link):
    page = browser.new_page()

    assert page.goto(f"{base}/seat/{link}/").status == 404
    assert "this link of a seat is not whole" in page.inner_text("body")
    assert page.goto(f"{base}/api/runs").status == 403


TALK = ("assistant", "character", "preference", "influence")
SEATS = {
    "auction": ["bidder_1", "bidder_2", "bidder_3", "bidder_4"],
    "car_sale": ["seller", "buyer"],
    "iterated_dilemma": ["first", "second"],
    "market_day": ["vendor_1", "vendor_2", "buyer_1", "buyer_2", "buyer_3", "buyer_4"],
    "round_table": ["moderator", "speaker_1", "speaker_2", "speaker_3"],
    "booking": [*TALK],
    "study_coach": [*TALK, "transition"],
}
"""Of the dialogues two, since all others have the seats of one of them."""


@pytest.mark.parametrize("scenario", SEATS)
def test_every_kind_of_seat_of_bundled_scenarios_takes_an_answer(folder, base, browser, scenario):
    path = folder / scenario
    with ExitStack() as stack:
        stack.enter_context(running(path, scenario, *STUCK, "--episodes", "1"))
        links = [address(base, path, seat) for seat in SEATS[scenario]]
        pages = [stack.enter_context(person(browser, link)) for link in links]
        while silent := [page for page in pages if not has_acted(page)]:
            for page in pages:
                if page.locator(OPEN_FORM).count():
                    answer(page)
            silent[0].wait_for_timeout(50)


def has_acted(page):
    """Whether something was done from a page, or the episode has ended meanwhile."""
    return page.locator(".act.mine").count() or page.locator(".state.is-ended").count()


def answer(page):
    """Fill in the form, and send it; it must be taken."""
    key = page.evaluate("document.querySelector('#seat-asked textarea').value")
    fill(page)
    page.locator("#seat-send").click()
    page.wait_for_function(
        """key => document.querySelector('.refusal') || document.querySelector('#seat-form').inert
        || document.querySelector('#seat-asked textarea').value !== key""",
        arg=key,
    )
    assert page.locator(".refusal").all_inner_texts() == []
