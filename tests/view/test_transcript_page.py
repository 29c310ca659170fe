"""The transcript as a person reads it, in a page that opens offline and on a live run."""

import base64
import shutil

import pytest

from simlab.sim.launch import prepare
from simlab.view.opened import OpenedRun
from simlab.view.static_page import write_page
from tests.view.browsing import PHONE, opened
from tests.view.growing import grown
from tests.view.serving import served
from tests.view.test_hostile import ATTACK, PIXEL, attacked, logged

pytestmark = pytest.mark.browser

SMALL = {"width": 900, "height": 340}


def texts(page, selector):
    return [node.inner_text() for node in page.query_selector_all(selector)]


def test_interlab_42_a_page_opens_offline_and_tells_the_whole_episode(browser, pages):
    with opened(browser, pages["sale"]) as page:
        words = texts(page, ".act .words")

        assert words[0] == "I could let it go for $7,750."
        assert page.inner_text(".title h1") == "car_sale"
        assert texts(page, ".episode b") == ["0", "1", "2"]
        colours = {
            seat.inner_text(): seat.evaluate("node => node.style.getPropertyValue('--seat')")
            for seat in page.query_selector_all(".act header .seat")
        }
        assert len(set(colours.values())) == len(colours) == 2


def test_a_turn_is_drilled_into_by_keys_alone(browser, pages):
    with opened(browser, pages["sale"]) as page:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector(".drill .call")

        origins = texts(page, ".drill .legend .origin")
        assert origins == ["role", "persona", "memory", "observation", "request", "schema", "begun"]
        assert "You are Sam" in page.inner_text(".message.system .of-persona")
        assert page.inner_text(".drill h3") == "Turn 2"

        page.keyboard.press("Escape")
        assert not page.is_visible(".drill")


def test_every_turn_has_a_link_that_leads_to_it(browser, pages):
    with opened(browser, pages["sale"] + "#e=1&t=5") as page:
        page.wait_for_selector(".chosen")

        assert page.get_attribute(".chosen", "data-turn") == "5"
        assert page.inner_text(".bar h2") == "Episode 1"
        assert page.get_attribute(".chosen a.step", "href") == "#e=1&t=5"

        page.evaluate("location.hash = '#e=2&t=1'")
        page.wait_for_function("document.querySelector('.bar h2').textContent === 'Episode 2'")


def test_words_are_found_and_marked(browser, pages):
    with opened(browser, pages["sale"]) as page:
        page.keyboard.press("/")
        page.keyboard.type("You have a deal")
        page.keyboard.press("Enter")
        page.wait_for_selector(".hit")

        page.click(".hit >> nth=0")

        page.wait_for_selector(".chosen mark")
        assert page.inner_text(".chosen mark") == "You have a deal"


def found_for(page, typed):
    page.fill(".find", typed)
    page.press(".find", "Enter")
    page.wait_for_selector(".hits .more:not([role])")
    return [tuple(text.split()[:4]) for text in texts(page, ".hit small")]


@pytest.mark.parametrize("offline", [True, False])
def test_turns_are_found_by_seat_and_by_rating(browser, pages, runs, offline):
    with (
        served(runs / "coach") as address,
        opened(browser, pages["coach"] if offline else address) as page,
    ):
        ratings = found_for(page, "seat:preference score>=1")
        low = found_for(page, "score<=1 seat:influence")
        failed = found_for(page, "is:failed")

    assert {seat for _, _, _, seat in ratings} == {"preference"}
    assert {seat for _, _, _, seat in low} == {"influence"}
    assert (len(ratings), failed) == (len(low), [])


def test_two_episodes_stand_side_by_side_with_their_first_difference_marked(browser, pages):
    with opened(browser, pages["sale"]) as page:
        page.select_option(".bar .compare", "1")
        page.wait_for_selector(".first-difference")

        assert page.get_attribute(".first-difference", "data-turn") == "0"
        assert len(page.query_selector_all(".first-difference .turn")) == 2


def test_a_branch_stands_beside_its_parent_and_parts_where_it_was_made(browser, runs):
    with served(runs / "branch") as address, opened(browser, f"{address}?parent=sale") as page:
        page.select_option(".bar .compare", "parent")
        page.wait_for_selector(".first-difference .words")

        assert page.get_attribute(".first-difference", "data-turn") == "3"
        assert "what buyer did" in page.inner_text(".difference")
        own, parents = texts(page, ".first-difference .act .words")
        assert own == "Let me think."
        assert parents != own


def test_a_parent_that_cannot_be_read_is_told(browser, runs):
    refused = {"status": 422, "body": '{"error": "its log is damaged"}'}
    given = {"expected": ("status of 422",)}
    with (
        served(runs / "branch") as address,
        opened(browser, f"{address}?parent=sale", **given) as page,
    ):
        page.route("**/turns?run=sale*", lambda route: route.fulfill(**refused))
        page.select_option(".bar .compare", "parent")
        page.wait_for_selector(".notice:text('its log is damaged')")

        assert page.input_value(".bar .compare") == ""


@pytest.mark.parametrize("meanwhile", ["view.blind(true)", "view.turns = view.turnsOf({})"])
def test_no_episode_comes_beside_another_than_it_was_meant_for(browser, runs, meanwhile):
    with served(runs / "branch") as address, opened(browser, f"{address}?parent=sale") as page:
        beside = f"""async () => {{
            const compared = view.compare("parent");
            {meanwhile};
            await compared;
            return [view.others, view.elsewhere ?? null];
        }}"""

        assert page.evaluate(beside) == [None, None]


def test_ratings_are_bars_with_the_probability_of_each_label(browser, pages):
    with opened(browser, pages["coach"]) as page:
        labels = texts(page, ".rating .bar small")

        assert {"no", "yes", "1", "5"} <= set(labels)


def test_interlab_37_what_would_be_html_is_shown_as_text(browser, tmp_path):
    write_page(OpenedRun(attacked(tmp_path / "run")), tmp_path / "page.html")

    with opened(browser, (tmp_path / "page.html").as_uri()) as page:
        page.keyboard.press("Enter")
        page.wait_for_selector(".drill-body")

        assert ATTACK in page.inner_text(".act .words")
        assert page.inner_text(".title h1") == ATTACK
        assert not page.evaluate("window.attacked")


def test_pictures_and_pages_that_were_logged_are_shown_and_can_do_nothing(browser, tmp_path):
    plot = f'<img id=plot src="data:image/png;base64,{base64.b64encode(PIXEL).decode()}">'
    page_source = f"<table><tr><td>cell</td></tr></table>{plot}{ATTACK}"
    write_page(OpenedRun(logged(tmp_path / "run", page_source)), tmp_path / "page.html")

    with opened(browser, (tmp_path / "page.html").as_uri()) as page:
        page.keyboard.press("Enter")
        page.wait_for_selector("iframe.rich")

        frame = page.query_selector("iframe.rich").content_frame()
        assert frame.wait_for_selector("td").inner_text() == "cell"
        frame.wait_for_function("document.querySelector('#plot').naturalWidth === 1")
        width = "document.querySelector('img.rich').naturalWidth"
        page.wait_for_function(f"{width} === 1")
        assert not page.evaluate("window.attacked")
        assert not frame.evaluate("window.attacked")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(browser, pages, scheme):
    with opened(browser, pages["coach"], size=PHONE, scheme=scheme) as page:
        page.click(".turn")
        page.wait_for_selector(".drill .call")

        box = page.query_selector(".drill").bounding_box()
        assert (box["x"], box["width"]) == (0, PHONE["width"])
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        dark = page.evaluate("getComputedStyle(document.querySelector('.simlab')).backgroundColor")
        assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


def test_of_a_long_episode_only_what_is_near_is_in_the_page(browser, tmp_path):
    settings = {"options.max_rounds": 600, "models.all.script": "benchmarks.scripts:hold"}
    prepare(
        "car_sale", out=tmp_path / "run", hosts=0, models={"all": "scripted"}, settings=settings
    ).run()
    with served(tmp_path / "run") as address, opened(browser, address) as page:
        page.keyboard.press("End")
        page.wait_for_function("document.querySelector('.chosen .end')")

        assert len(page.query_selector_all(".turn")) < 60
        page.keyboard.press("Home")
        page.wait_for_selector('[data-turn="0"] .words')


def test_a_turn_arrives_in_an_open_page_and_the_reader_stays_in_place(browser, runs, tmp_path):
    path = shutil.copytree(runs / "sale", tmp_path / "live")
    segment, data = grown(path, 0.3)
    with (
        served(path) as address,
        opened(browser, address, size=SMALL) as page,
    ):
        n_before = page.evaluate("view.turns.n")
        page.evaluate("view.rows.element.scrollTop = 20")
        top = page.evaluate("view.rows.node(1).getBoundingClientRect().top")

        segment.write_bytes(data)
        page.wait_for_function(f"view.turns.n > {n_before}", timeout=2_000)

        page.wait_for_selector(".newer:visible")
        assert page.evaluate("view.rows.node(1).getBoundingClientRect().top") == top
        page.click(".newer")
        page.wait_for_selector(".end")


def test_a_viewer_whose_server_is_gone_says_so_and_misses_nothing(browser, runs, tmp_path):
    path = shutil.copytree(runs / "sale", tmp_path / "live")
    segment, data = grown(path, 0.3)
    with served(path) as address, opened(browser, address) as page:
        page.route("**/news*", lambda route: route.fulfill(status=200, body='{"error": "gone"'))
        page.wait_for_selector(".notice:visible")
        assert "Not connected" in page.inner_text(".notice")

        segment.write_bytes(data)
        page.unroute("**/news*")

        page.wait_for_function("view.turns.n === 7")
        page.wait_for_selector(".notice", state="hidden")


def test_turns_that_could_not_be_fetched_are_asked_for_again_and_the_note_goes(
    browser, runs, tmp_path
):
    path = shutil.copytree(runs / "sale", tmp_path / "live")
    segment, data = grown(path, 0.3)
    with served(path) as address, opened(browser, address) as page:
        page.route("**/turns*", lambda route: route.fulfill(status=200, body="{"))
        segment.write_bytes(data)
        page.wait_for_selector(".notice:visible")

        page.unroute("**/turns*")

        page.wait_for_function("view.turns.turns.size === 7")
        page.wait_for_selector(".notice", state="hidden")
        assert page.locator(".turn.loading").count() == 0


def test_turns_that_fail_again_and_again_are_asked_for_again_once_a_time(browser, runs):
    with served(runs / "sale") as address, opened(browser, address) as page:
        timers = """() => {
            const [{ setTimeout, clearTimeout }, set] = [window, new Set()];
            let n = 0;
            window.setTimeout = () => (set.add((n += 1)), n);
            window.clearTimeout = (timer) => set.delete(timer);
            for (let time = 0; time < 50; time += 1) view.failed(new Error("lost"));
            Object.assign(window, { setTimeout, clearTimeout });
            return set.size;
        }"""

        assert page.evaluate(timers) == 1


def test_a_button_of_the_head_keeps_its_focus_while_turns_arrive(browser, runs, tmp_path):
    path = shutil.copytree(runs / "sale", tmp_path / "live")
    segment, data = grown(path, 0.3)
    focused = "document.activeElement.className"
    with served(path) as address, opened(browser, address) as page:
        page.focus(".accounts")
        segment.write_bytes(data)
        page.wait_for_selector(".stat-episodes b:text('3 of 3')")

        assert page.evaluate(focused) == "accounts"


def test_keys_at_a_card_leave_the_turns_behind_it_alone(browser, pages):
    with opened(browser, pages["sale"]) as page:
        page.keyboard.press("Enter")
        page.wait_for_selector(".drill h3")
        page.click(".accounts")
        page.wait_for_selector(".card:popover-open")
        page.keyboard.press("End")
        page.keyboard.press("ArrowDown")

        assert page.evaluate("location.hash") == "#e=0&t=0"

        page.keyboard.press("Escape")
        page.wait_for_selector(".card", state="hidden")

        assert page.is_visible(".drill h3")


def test_what_the_reader_has_opened_or_marked_stays_when_the_next_turn_arrives(
    browser, runs, tmp_path
):
    path = shutil.copytree(runs / "coach", tmp_path / "live")
    segment, data = grown(path, 0.45)
    with served(path) as address, opened(browser, address) as page:
        n_before = page.evaluate("view.turns.n")
        page.click(".briefings summary >> nth=0")
        page.evaluate("getSelection().selectAllChildren(document.querySelector('.act .words'))")
        marked = page.evaluate("String(getSelection())")

        segment.write_bytes(data)
        page.wait_for_function(f"view.turns.turns.has({n_before})")

        assert page.locator(".briefings").first.get_attribute("open") == ""
        assert page.evaluate("String(getSelection())") == marked != ""
