"""A model that answers what it was given, for the tests of what asks models."""

import math

from simlab.models.model import Completion, Sampling
from simlab.models.tool_reading import read_spoken


class Replying:
    """Answers with what it was given, in order, and keeps what it was asked."""

    name = "replying"

    def __init__(self, *replies, logprobs=None):
        self.replies = list(replies)
        self.logprobs = logprobs or {}
        self.prompts = []
        self.samplings = []

    async def generate(self, prompt, sampling=Sampling(), *, session=None):  # noqa: ARG002
        self.prompts.append(list(prompt))
        self.samplings.append(sampling)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        spoken = read_spoken(reply, sampling.tools)
        return Completion(spoken.words, calls=spoken.calls)

    async def choice_logprobs(self, prompt, choices):
        self.prompts.append(list(prompt))
        return {choice: self.logprobs.get(choice, -math.inf) for choice in choices}

    def with_adapter(self, path):  # noqa: ARG002
        return self
