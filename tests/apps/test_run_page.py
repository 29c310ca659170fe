"""The page of a run: people steer it, branch it, interview its agents and label its turns."""

from pathlib import Path

import pytest

from simlab.sim.blocking import run_async
from simlab.sim.replay import replay
from simlab.sim.run import Run
from tests.apps.starting import watching
from tests.apps.steered import (
    DELAY_S,
    N_TURNS,
    change_seat,
    choose,
    live,
    n_turns,
    opened_side,
    page_of,
    played,
    told,
)
from tests.view.browsing import PHONE
from tests.view.conftest import play

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory, unsynced) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("runs")
    play("study_coach", folder / "coach", episodes=2)
    played(folder / "old")
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with watching(folder) as app:
        yield app.link


def test_sim_23_a_live_run_is_steered_from_its_page_and_replays(browser, folder, address):
    path = folder / "live"
    with live(path) as process, page_of(browser, address, "live") as page:
        assert max(page.evaluate(DELAY_S) for _ in range(3)) < 2

        page.locator(".rows").nth(1).press("p")
        opened_side(page, "Steer")
        page.wait_for_selector("simlab-standing :text('stands still')")
        before = n_turns(page)
        page.locator("simlab-standing").get_by_role("button", name="step").click()
        page.wait_for_function(f"{N_TURNS} === {before + 1}")
        page.wait_for_selector("simlab-standing :text('stands still')")
        seat = ("ann", "bob")[(before + 1) % 2]
        choose(page, "Seat", seat)
        page.get_by_label("Says or does", exact=True).fill("Let us talk of <b>boats</b>.")
        page.get_by_role("button", name="Say", exact=True).click()
        told(page, "steer", f"{seat} does that")
        change_seat(page)
        page.get_by_label("Persona").fill("You are bold.")
        page.get_by_role("button", name="Edit").click()
        told(page, "steer", f"{seat} is changed")
        page.get_by_label("Or an entry, as in a run file").fill(
            "{engine: scripted, latency_s: 0.2}"
        )
        page.get_by_role("button", name="Swap").click()
        told(page, "steer", f"{seat} has another model")
        page.locator("simlab-standing").get_by_role("button", name="resume").click()
        page.wait_for_function(f"{N_TURNS} >= {before + 4}")
        page.evaluate(f"document.querySelector('simlab-run').view.show(0, {before + 1})")
        transcript = page.locator("simlab-run")
        transcript.get_by_text("Let us talk of <b>boats</b>.").first.wait_for()
        transcript.locator(".people", has_text=f"{seat} edited: persona").wait_for()
        transcript.locator(".people", has_text=f"{seat} model swapped for scripted-").wait_for()

        stop = page.locator("[data-does=stop]")
        stop.click()
        assert stop.inner_text() == "stop it now?"
        stop.click()
        process.wait(20)

        page.wait_for_selector("simlab-standing :text('can be seen and not steered')")
        assert page.evaluate("document.querySelector('.needs-live').inert")
    run = Run(path)
    assert [turn.acted.edited for turn in run.episode(0).turns()].count(True) == 1
    digest = run.digest
    assert run_async(replay(run)) == 1
    assert Run(path).digest == digest


def test_what_a_run_refuses_is_told_in_words_and_what_was_typed_stays(browser, folder, address):
    with live(folder / "refusing"), page_of(browser, address, "refusing") as page:
        opened_side(page, "Steer")
        change_seat(page)
        page.get_by_label("Other options").fill("tools: []")
        page.get_by_role("button", name="Edit").click()

        told(page, "steer", "'tools' cannot be edited while the run goes on")

        assert page.get_by_label("Other options").input_value() == "tools: []"


def test_a_branch_with_an_edit_grows_beside_its_parent(browser, folder, address):
    played(folder / "parent", models={"small": {"engine": "scripted", "latency_s": 0.3}})
    with page_of(browser, address, "parent", rest="#e=0&t=2") as page:
        opened_side(page, "Branch")
        page.get_by_label("Says or does instead").fill("I say no.")
        page.get_by_role("button", name="Branch", exact=True).click()
        page.wait_for_url("**/run?run=parent-branch-1*")

        page.wait_for_selector(".first-difference")
        assert page.locator(".cells.first-difference").get_attribute("data-turn") == "2"
        assert "what ann did" in page.inner_text(".difference")
        assert page.locator(".cells.two .mark.edited").count() == 1
        page.wait_for_function(f"{N_TURNS} === 6")
        page.wait_for_selector("simlab-run .title .state.finished")
    assert Run(folder / "parent-branch-1").episode(0).turns()[2].acted.action == "I say no."


def test_why_a_branch_cannot_be_made_is_told(browser, folder, address):
    with page_of(browser, address, "old", rest="#e=0&t=1") as page:
        opened_side(page, "Branch")
        page.get_by_text("Change settings, or draw anew").click()
        page.get_by_label("Settings").fill("options.turns=9")
        page.get_by_role("button", name="Branch", exact=True).click()

        told(page, "branch", "a branch can change cast, judges, models, budget")
    assert not (folder / "old-branch-1").exists()


def test_an_agent_is_interviewed_and_the_run_is_not_touched(browser, folder, address):
    path = folder / "old"
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with page_of(browser, address, "old", rest="#e=0&t=3") as page:
        opened_side(page, "Branch")
        for n, question in enumerate(["Why?", "And <b>now</b>?"], 1):
            page.get_by_label("Question").fill(question)
            page.get_by_role("button", name="Ask").click()
            page.wait_for_function(
                f"document.querySelectorAll('simlab-talk .answer').length === {n}"
            )

        assert page.locator("simlab-talk .question").all_inner_texts() == [
            "Why?",
            "And <b>now</b>?",
        ]
        assert "before turn 4" in page.inner_text("simlab-talk")
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_a_turn_is_labelled_blind_and_compared_with_the_judges(browser, address):
    with page_of(browser, address, "coach", rest="#e=0&t=1") as page:
        assert page.locator(".rating:visible").count() > 0
        opened_side(page, "Label")
        page.get_by_label("Blind: hide ratings").check()
        assert page.locator(".rating:visible, .totals:visible, .seats:visible").count() == 0
        assert page.locator("simlab-run h1:visible, simlab-run .value:visible").count() == 0
        assert page.locator(":root.simlab-blind").count() == 1  # which hides the charts
        page.get_by_label("Your name").fill("eva")
        for turn, rating in ((0, "4"), (1, "2")):
            page.evaluate(f"document.querySelector('simlab-run').view.show(0, {turn})")
            page.get_by_role("button", name="Keep the label").press(rating)
            page.get_by_role("button", name="Keep the label").click()
            told(page, "label", f"turn {turn} of episode 0")
        page.locator("simlab-labels .label").nth(1).wait_for()
        assert page.locator("simlab-labels table").count() == 0

        page.get_by_label("Blind: hide ratings").uncheck()

        assert page.locator(".rating:visible").count() > 0
        assert "influence" in page.inner_text("simlab-labels table")
        assert "eva, blind" in page.inner_text("simlab-labels .label >> nth=0")


def test_an_unknown_run_is_told_and_leads_back_to_all_runs(browser, address):
    context = browser.new_context()
    page = context.new_page()
    base, _, token = address.partition("?")

    page.goto(f"{base}run?run=nowhere&{token}")

    page.wait_for_selector(".notice:has-text(\"there is no run 'nowhere'\")")
    page.locator(".lost a").click()
    page.wait_for_selector("simlab-runs a[href*='run=old']")
    context.close()


def test_a_run_that_vanishes_is_told(browser, folder, address):
    path = folder / "gone"
    context = browser.new_context()
    page = context.new_page()
    base, _, token = address.partition("?")
    with live(path):
        page.goto(f"{base}run?run=gone&{token}")
        page.wait_for_selector("simlab-run .turn:not(.loading)")

        path.rename(folder.parent / "elsewhere")

        page.wait_for_selector(".notice:has-text('cannot be read any more')")
    context.close()


@pytest.mark.parametrize("tab", ["Steer", "Branch", "Label"])
def test_on_a_phone_everything_is_reachable_and_nothing_scrolls_sideways(browser, address, tab):
    with page_of(browser, address, "old", size=PHONE) as page:
        opened_side(page, tab)

        wide = page.evaluate("document.documentElement.scrollWidth")

        assert wide <= PHONE["width"]
        assert page.get_by_role("tab", name=tab).is_visible()
