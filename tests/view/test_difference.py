"""Two episodes part at the first step of which the record is not the same."""

import pytest
from msgspec import Raw

from simlab.trace.directory import RunDirectory
from simlab.trace.events import Started, Stepped, encode
from simlab.trace.segment import MAGIC, pack
from simlab.view import difference as difference_module
from simlab.view.difference import first_difference
from simlab.view.opened import OpenedRun
from tests.view.browsing import opened
from tests.view.serving import served


def chat(path, *episodes):
    """A run of which the episodes consist of these words."""
    directory = RunDirectory.create(path, {"run": {"name": "chat", "episodes": len(episodes)}})
    with directory.new_segment("driver").path.open("wb") as segment:
        segment.write(MAGIC)
        for episode, words in enumerate(episodes):
            events = [Started(Raw(encode([1, {}])), b"", 0.0)]
            for step, said in enumerate(words):
                core = [step, 0.0, [["ann", said, 1, None, None, False, False]], {}]
                events.append(Stepped(Raw(encode(core)), b"", 1.0))
            segment.write(b"".join(pack(each.KIND, episode, encode(each)) for each in events))
    return path


SAME = ["same"] * 25


@pytest.fixture
def few_at_once(monkeypatch):
    """Ten steps are compared in one call."""
    monkeypatch.setattr(difference_module, "STEPS_AT_ONCE", 10)


def test_a_branch_parts_from_its_parent_where_it_was_made(runs, sale):
    found = first_difference(sale, 0, OpenedRun(runs / "branch"), 0)

    assert found["step"] == 3
    assert found["what"][0] == "what buyer did"
    assert found["other"] == {"buyer": "Let me think."}


def test_an_episode_is_the_same_as_itself(runs, sale):
    found = first_difference(sale, 1, OpenedRun(runs / "sale"), 1)

    assert (found["step"], found["what"], found["complete"]) == (None, [], True)


def test_worlds_that_began_differently_part_before_the_first_step(sale):
    found = first_difference(sale, 0, sale, 1)

    assert (found["step"], found["what"][0]) == (0, "observations of the world")


@pytest.mark.usefixtures("few_at_once")
def test_episodes_are_compared_a_stretch_at_a_time_up_to_the_end_of_the_longer_one(tmp_path):
    run = OpenedRun(chat(tmp_path / "run", SAME[:10], SAME[:11]))

    first = first_difference(run, 0, run, 1)
    second = first_difference(run, 0, run, 1, start=first["next"])

    assert (first["step"], first["complete"], first["next"]) == (None, False, 10)
    assert (second["step"], second["what"]) == (10, ["one of them ends here"])


@pytest.mark.browser
@pytest.mark.usefixtures("few_at_once")
def test_episodes_that_part_late_are_not_told_to_be_the_same(browser, tmp_path):
    path = chat(tmp_path / "run", SAME, [*SAME[:23], "other", "same"])
    with served(path) as address, opened(browser, address) as page:
        page.select_option(".bar .compare", "1")

        page.wait_for_selector(".first-difference")

        assert page.get_attribute(".first-difference", "data-turn") == "23"
        assert page.locator(".notice:visible").count() == 0


@pytest.mark.browser
def test_a_pair_that_grows_is_compared_on_from_where_it_agreed(browser, tmp_path):
    path = chat(tmp_path / "run", SAME, [*SAME, "other"], SAME)
    with served(path) as address, opened(browser, address) as page:
        page.select_option(".bar .compare", "2")
        page.wait_for_selector(".notice:has-text('are the same')")
        with page.expect_request("**/api/difference*") as asked:
            page.evaluate("view.pair.seek()")

        assert "step=25" in asked.value.url
