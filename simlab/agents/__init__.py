"""Deciders: whoever takes a seat. Start at `Agent`; `LlmAgent` is the one that models play.

People are in `simlab.agents.human`, judges in `simlab.agents.judge`, and what models may call on
their way to an answer in `simlab.agents.tool`.
"""

from simlab.agents.agent import Agent
from simlab.agents.function import as_agent
from simlab.agents.llm import LlmAgent
from simlab.agents.random import RandomAgent
from simlab.agents.scripted import ScriptedAgent

__all__ = ["Agent", "LlmAgent", "RandomAgent", "ScriptedAgent", "as_agent"]
