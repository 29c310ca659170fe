"""Deciders: whoever takes a seat. Start at `Agent`; `LlmAgent` is the one that models play.

People are in `simlab.agents.human`, and what models may call on their way to an answer in
`simlab.agents.tool`. Judges are in `simlab.agents.rating_judge`, `rubric_judge`, `rule_judge` and
`panel`; write one of your own as a `simlab.agents.judge.Judge`.
"""

from simlab.agents.agent import Agent
from simlab.agents.function import as_agent
from simlab.agents.llm import LlmAgent
from simlab.agents.random import RandomAgent
from simlab.agents.scripted import ScriptedAgent

__all__ = ["Agent", "LlmAgent", "RandomAgent", "ScriptedAgent", "as_agent"]
