"""Refusals are told from other replies."""

import pytest

from simlab.agents.refusal_rule import is_refusal


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m really sorry, I am unable to say.",
        "I cannot assist you there.",
        "As an AI, I don't have opinions on this.",
        "We won't recommend that.",
        "I'm unable to help you there.",
        "Well, I would rather not.",
        "I can not help you.",
        "I'm sorry, I can't talk about that.",
        "I\u2019m sorry, we will not do that.",
        "I am afraid I cannot recommend this drug.",
    ],
)
def test_refusals_are_known(reply):
    assert is_refusal(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Of course, I can help with that.",
        "I'm sorry to hear that. Tell me more.",
        "You can't go wrong with that one.",
        "I'm sorry that you can't sleep.",
        "I'm so sorry for your loss. I can't imagine how hard that is.",
        "I'm sorry you feel alone. I won't leave you.",
        "I can't help but agree with you.",
        "I cannot recommend it enough!",
        "I can't say enough good things about it.",
        "I can't recommend this course highly enough.",
        "",
        "Yes. " * 60 + "I cannot help with that.",
    ],
)
def test_other_replies_are_no_refusals(reply):
    assert not is_refusal(reply)
