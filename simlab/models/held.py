"""Models that a process computes itself, and the engines that do it: one for all of equal options.

An engine is what holds weights: a value such as `TransformersModel` only says which one. It is made
when it is first needed, and shared by all values of the process that say the same.
"""

import asyncio
import atexit
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from simlab.models.model import Completion, Prompt, Sampling


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """What an engine is busy with.

    Attributes:
        running: Completions, or texts to be embedded, that take part in its present step.
        waiting: Requests that are not begun.
        prompt_tokens: How many tokens the prompts or texts had so far.
        cached_tokens: How many of them were not read anew.
        adapters: Names of the adapters that are loaded.
    """

    running: int
    waiting: int
    prompt_tokens: int
    cached_tokens: int
    adapters: tuple[str, ...] = ()


class Engine(Protocol):
    """Holds weights, and computes with them many requests at once."""

    def statistics(self) -> EngineStatistics:
        """What it is busy with."""
        ...

    async def check_health(self) -> None:
        """Raise `EngineDiedError` if it can answer no more."""
        ...

    def close(self) -> None:
        """End it; what is not done fails with ModelError."""
        ...


class CompletionEngine(Engine, Protocol):
    """Computes completions."""

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        *,
        session: str | None = None,
        model: str = "",
        adapter: str | None = None,
    ) -> Completion:
        """Complete a prompt; the completion bears the name `model`."""
        ...

    async def choice_logprobs(
        self, prompt: Prompt, choices: Sequence[str], *, adapter: str | None = None
    ) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""
        ...


@runtime_checkable
class Held(Protocol):
    """Whatever weights the process holds that asks it: a language model or an embedder."""

    def folder(self) -> Path:
        """Where the weights are, made or fetched where need be.

        Raises:
            ConfigError: They are not on this machine and cannot be had.
        """
        ...

    def memory_bytes(self) -> int:
        """About how much memory its engine takes: weights, and what they compute with."""
        ...

    def gpus(self) -> int:
        """How many GPUs its engine computes on, on a machine that has them."""
        ...

    def open(self) -> Engine:
        """The engine behind this value, loaded if it is not yet; blocks."""
        ...


class EngineTable:
    """Engines, by what makes two of them the same.

    Closes them all before the interpreter goes: a thread that computes then would crash it.
    """

    def __init__(self) -> None:
        self._engines: dict[Hashable, Any] = {}
        self._loading = threading.Lock()
        atexit.register(self._close_all)

    def find(self, key: Hashable) -> Any:
        """The engine of a key; None if it is not loaded."""
        return self._engines.get(key)

    def open(self, key: Hashable, load: Callable[[], Engine]) -> Any:
        """The engine of a key, loaded if it is not yet; two first calls load one engine."""
        with self._loading:
            if key not in self._engines:
                self._engines[key] = load()
            return self._engines[key]

    async def close(self, key: Hashable) -> None:
        """End the engine of a key; a later `open` loads it anew."""
        with self._loading:
            engine = self._engines.pop(key, None)
        if engine is not None:
            await asyncio.to_thread(engine.close)

    def _close_all(self) -> None:
        for engine in self._engines.values():
            engine.close()


ENGINES_HERE = EngineTable()
"""The engines of this process."""
