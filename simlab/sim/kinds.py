"""Kinds of agents and judges: what their names in a run file mean."""

from collections.abc import Mapping
from typing import Any

from simlab.errors import ConfigError
from simlab.find import find, near

AGENTS = {
    "llm": "simlab.agents.llm:LlmAgent",
    "human": "simlab.agents.human:HumanAgent",
    "random": "simlab.agents.random:RandomAgent",
    "scripted": "simlab.agents.scripted:ScriptedAgent",
}
"""Short names of the agents that come with SimLab."""

USUAL = "llm"
"""The agent where none is named."""

JUDGES = {
    "rating": "simlab.agents.rating_judge:RatingJudge",
    "rubric": "simlab.agents.rubric_judge:RubricJudge",
    "rule": "simlab.agents.rule_judge:RuleJudge",
    "panel": "simlab.agents.panel:Panel",
}
"""Short names of the judges that come with SimLab; they take seats as well."""


def find_agent(name: str) -> Any:
    """What a name of an agent in a cast means: a class or a function.

    Raises:
        ConfigError: There is no such agent.
    """
    return _find("agent", name, {**AGENTS, **JUDGES})


def find_judge(name: str) -> Any:
    """What a name of a judge means.

    Raises:
        ConfigError: There is no such judge.
    """
    return _find("judge", name, JUDGES)


def _find(what: str, name: str, known: Mapping[str, str]) -> Any:
    if name not in known and ":" not in name:
        raise ConfigError(
            f"there is no {what} {name!r}; {near(name, [*known])} (for one of your own write "
            "module:name or file.py:name)"
        )
    return find(known.get(name, name))
