"""The tree of a step has its model calls, whose prompts tell where each part comes from."""

import pytest

from simlab.errors import ConfigError
from simlab.trace.tree import read_tree
from simlab.view.steps import Steps


def calls_in(tree):
    found, ahead = [], [tree]
    while ahead:
        node = ahead.pop()
        found += [node["call"]] if "call" in node else []
        ahead += node["children"]
    return found


def parts_in(call):
    return [(part["origin"], part["text"]) for m in call["messages"] for part in m["parts"]]


def test_a_step_tells_what_each_seat_was_asked(sale):
    asked = Steps(sale).read(0, 0)["asked"]

    assert list(asked) == ["seller"]
    assert asked["seller"]["prompt"]


def test_each_part_of_a_prompt_has_its_origin(sale):
    (call,) = calls_in(Steps(sale).read(0, 2)["tree"])

    origins = dict(parts_in(call))

    assert origins["persona"] == "Get as much as you can for the car."
    assert origins["observation"].startswith("buyer: I can offer $4,550.")
    assert origins["request"].startswith("You need at least $5,600.")
    assert origins["schema"].lstrip().startswith("Answer in JSON")
    assert origins["begun"] == '{"say": "'
    assert ("memory", "I could let it go for $7,750.") in parts_in(call)


def test_parts_put_together_are_the_prompt_as_it_was_recorded(sale, coach):
    for run in (sale, coach):
        tree = read_tree(run.log, 0)
        steps = Steps(run)
        for step in tree.children:
            recorded = [
                [text for _, text, *_ in node.inputs["prompt"]]
                for node in step.walk()
                if "prompt" in node.inputs
            ]
            shown = [
                ["".join(part["text"] for part in message["parts"]) for message in call["messages"]]
                for call in calls_in(steps.read(0, step.step)["tree"])
            ]
            assert sorted(shown) == sorted(recorded)


def test_steps_may_be_read_in_any_order(sale):
    steps = Steps(sale)

    forth = [steps.read(0, step) for step in range(7)]
    back = [steps.read(0, step) for step in reversed(range(7))]

    assert forth == back[::-1]


def test_a_briefing_of_the_beginning_is_known_in_later_steps(coach):
    call = calls_in(Steps(coach).read(0, 2)["tree"])[-1]

    assert dict(parts_in(call))["briefing"].startswith("You check what study coaches say.")


def test_choices_that_were_scored_come_with_their_probabilities(coach):
    calls = calls_in(Steps(coach).read(0, 1)["tree"])

    choices = {each["choice"]: each["p"] for each in calls[0]["completion"]["choices"]}

    assert {"yes", "no"} <= set(choices)
    assert all(0 <= p <= 1 for p in choices.values())


def test_a_step_that_is_not_there_is_refused_with_its_number(sale):
    with pytest.raises(ConfigError, match=r"step of episode 0 must be in 0\.\.7, got 8"):
        Steps(sale).read(0, 8)
