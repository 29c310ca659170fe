"""A model that follows a script: no weights, no Ray, and the same answer to the same request."""

import asyncio
import functools
import hashlib
import inspect
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from simlab.errors import ConfigError, ModelError
from simlab.find import find
from simlab.models.model import (
    ChatMessage,
    ChoiceLogprobs,
    Completion,
    Finish,
    Prompt,
    Sampling,
    Usage,
    name_with_adapter,
)
from simlab.models.tool_reading import read_spoken
from simlab.seeding import SEED_BITS, derive

Script = Callable[..., str]
"""``script(prompt, sampling) -> reply``; the model's name too, if it takes `model`."""

CHARACTERS = 4
"""Of a token, about: what a tokenizer makes of English text."""

_SAID = 0.9
"""Probability of the choice that the script itself would answer with."""


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """Answers with what a function makes of the request.

    A value that pickles, if its script is named or is a function of a module. Its completions are
    exact. What fails or is late follows from the request's seed, so it is the same in every run. A
    script that is offered tools calls one by words such as
    ``<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>``.

    Example::

        model = ScriptedModel("small", script="simlab.models.scripts:sensible", latency_s=0.02)

    Attributes:
        name: The exact version.
        script: ``"module:name"`` or ``"file.py:name"`` of a `Script`, or the function itself.
        latency_s: Each answer takes this long.
        latency_jitter_s: And up to this much more.
        fail_rate: Share of the requests, in ``[0, 1]``, that fail with ModelError.
        calls_log: A file that gets a line of JSON for each call, from all processes that call.

    Raises:
        ConfigError: There is no such script.
        ValueError: A number is out of its range.
    """

    name: str
    script: str | Script = "simlab.models.scripts:sensible"
    latency_s: float = 0.0
    latency_jitter_s: float = 0.0
    fail_rate: float = 0.0
    calls_log: str | None = None

    def __post_init__(self) -> None:
        for name in ("latency_s", "latency_jitter_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name} must be at least 0 and finite, got {getattr(self, name)!r}"
                )
        if not 0 <= self.fail_rate <= 1:
            raise ValueError(f"fail_rate must be in [0, 1], got {self.fail_rate!r}")
        _caller(self.script)

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling = Sampling(),
        *,
        session: str | None = None,  # noqa: ARG002
    ) -> Completion:
        """What the script answers, cut at `sampling`'s stop texts and number of tokens.

        Raises:
            ModelError: The request is one of those that fail, or asks for a schema or logprobs.
        """
        if sampling.schema is not None:
            raise ModelError(
                f"scripted model {self.name!r} cannot hold a completion to a schema; ask without "
                "one and check the answer"
            )
        if sampling.logprobs:
            raise ModelError(
                f"scripted model {self.name!r} draws no tokens, of which logprobs could be told; "
                "leave out logprobs"
            )
        await self._answer_call("generate", prompt, sampling.seed or 0)
        text, finish = _cut(_caller(self.script)(prompt, sampling, self.name), sampling)
        usage = Usage(_count_tokens(prompt), len(text) // CHARACTERS + 1)
        spoken = read_spoken(text, sampling.tools)
        return Completion(
            spoken.words,
            finish=finish,
            model=self.name,
            usage=usage,
            exact=True,
            calls=spoken.calls,
        )

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """Probabilities that follow from the prompt and sum to 1.

        Where the script itself answers with one of the choices, that one has 0.9; else, and for the
        rest, the choices share what there is as a hash of prompt and choice says.
        """
        words = _digest(prompt)
        await self._answer_call("choice_logprobs", prompt, derive(0, words))
        said = _caller(self.script)(prompt, Sampling(seed=0), self.name).strip()
        weights = {choice: 1 + derive(0, words, choice) / 2**SEED_BITS for choice in choices}
        spoken = [choice for choice in choices if choice.strip() == said][:1]
        others = math.fsum(weight for choice, weight in weights.items() if choice not in spoken)
        share = 1 - _SAID if spoken and others else 1.0
        probabilities = {choice: share * weights[choice] / (others or 1) for choice in choices}
        probabilities |= dict.fromkeys(spoken, _SAID if others else 1.0)
        logprobs = {choice: math.log(probabilities[choice]) for choice in choices}
        return ChoiceLogprobs(logprobs, Usage(_count_tokens(prompt)))

    def with_adapter(self, path: str | None) -> Self:
        """This model under a name such as ``"small+agent@7"``; nothing else changes."""
        return replace(self, name=name_with_adapter(self.name, path))

    async def _answer_call(self, call: str, prompt: Prompt, seed: int) -> None:
        """Log the call, then take as long as it takes, then fail if it is to fail."""
        if self.calls_log is not None:
            _append_line(self.calls_log, call=call, model=self.name, seed=seed, prompt=prompt)
        latency_s = self.latency_s
        if self.latency_jitter_s:
            latency_s += self.latency_jitter_s * _share(seed, "latency")
        if latency_s:
            await asyncio.sleep(latency_s)
        if self.fail_rate and _share(seed, "failure") < self.fail_rate:
            raise ModelError(f"scripted model {self.name!r} failed, as its fail_rate asks of it")


@functools.lru_cache(maxsize=64)
def _caller(script: str | Script) -> Callable[[Prompt, Sampling, str], str]:
    """The script as a function of prompt, sampling and the model's name."""
    found = _named(script) if isinstance(script, str) else script
    if "model" in inspect.signature(found).parameters:
        return lambda prompt, sampling, model: found(prompt, sampling, model=model)
    return lambda prompt, sampling, _: found(prompt, sampling)


def _named(script: str) -> Script:
    found: Any = find(script)
    if not callable(found):
        raise ConfigError(f"script {script!r} must be a function, got {found!r}")
    return found  # type: ignore[no-any-return]  # any callable


def _cut(text: str, sampling: Sampling) -> tuple[str, Finish]:
    """The reply as far as an engine would have drawn it, and why it ended there."""
    text = text[: sampling.stop_place(text)]
    longest = sampling.max_tokens * CHARACTERS
    return (text[:longest], "length") if len(text) > longest else (text, "stop")


def _count_tokens(prompt: Prompt) -> int:
    """About how many tokens a prompt has."""
    characters = 0
    for part in prompt:
        characters += len(part.text) if isinstance(part, ChatMessage) else CHARACTERS
    return characters // CHARACTERS + len(prompt)


def _share(seed: int, what: str) -> float:
    """A number in ``[0, 1)`` that follows from the seed."""
    return derive(seed, what) / float(2**SEED_BITS)


def _digest(prompt: Prompt) -> str:
    """16 hex digits that tell a prompt from others."""
    return hashlib.blake2b(repr(list(prompt)).encode(), digest_size=8).hexdigest()


def _append_line(path: str, *, call: str, model: str, seed: int, prompt: Prompt) -> None:
    """Write one line in one call, which processes that append to one file do not mix up."""
    line = {"call": call, "model": model, "seed": seed, "prompt": _digest(prompt)}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)
