"""Two episodes part at the first step of which the record is not the same."""

from simlab.view.difference import first_difference
from simlab.view.opened import OpenedRun


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
