"""What all values have in common whose weights are held by the process that asks them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from simlab.errors import ConfigError, ModelError
from simlab.models.adapter_folder import check_adapter
from simlab.models.held import ENGINES_HERE, CompletionEngine, Engine
from simlab.models.model import Completion, Prompt, Sampling, name_with_adapter
from simlab.models.weights import EMBEDDED, resolve

E = TypeVar("E", bound=Engine)
M = TypeVar("M", bound=CompletionEngine)


@dataclass(frozen=True, slots=True)
class InProcess(ABC, Generic[E]):
    """A value that names weights and says how to compute with them; it pickles.

    The engine behind it is loaded when it is first needed, in a thread, once for all values of the
    process that say the same.

    Attributes:
        name: The exact version.
        weights: ``"embedded"``, a folder or a hub id.
    """

    name: str
    weights: str = EMBEDDED

    @abstractmethod
    def folder(self) -> Path:
        """Where the weights are; see `Held.folder`."""

    @abstractmethod
    def memory_bytes(self) -> int:
        """About how much memory its engine takes."""

    @abstractmethod
    def gpus(self) -> int:
        """How many GPUs its engine computes on; see `Held.gpus`."""

    def open(self) -> E:
        """The engine behind this value, loaded if it is not yet; blocks for as long as that takes.

        Raises:
            ConfigError: It needs a library that is not installed, or the weights cannot be had or
                loaded.
        """
        engine: E = ENGINES_HERE.open(self._key(), self._make_engine)
        return engine

    async def load(self) -> E:
        """The engine behind this value; see `open`."""
        found: E | None = ENGINES_HERE.find(self._key())
        return found if found is not None else await asyncio.to_thread(self.open)

    async def close(self) -> None:
        """End the engine of these options in this process; a later call loads it anew."""
        await ENGINES_HERE.close(self._key())

    def _key(self) -> Any:
        """What makes two engines the same: all but the name."""
        return replace(self, name="")

    @abstractmethod
    def _make_engine(self) -> E: ...


@dataclass(frozen=True, slots=True)
class InProcessModel(InProcess[M]):
    """A language model whose engine the process holds; see `Model`.

    Attributes:
        adapter: Folder of an adapter, see `Model.with_adapter`.
    """

    adapter: str | None = None

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`.

        Raises:
            ModelError: The engine cannot meet the request, or was closed meanwhile.
            ConfigError: The weights cannot be had or loaded.
        """
        engine = await self.load()
        return await engine.generate(
            prompt, sampling, session=session, model=self.name, adapter=self.adapter
        )

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""
        engine = await self.load()
        return await engine.choice_logprobs(prompt, choices, adapter=self.adapter)

    def with_adapter(self, path: str | None) -> Self:
        """This model with an adapter folder, or without any; see `Model.with_adapter`."""
        return replace(self, name=name_with_adapter(self.name, path), adapter=path)

    def folder(self) -> Path:
        """Where the weights are; see `Held.folder`."""
        return resolve(self.weights)

    def check_adapter(self) -> None:
        """See that the adapter can be had; see `simlab.models.adapted.Adapted`."""
        if self.adapter is not None:
            try:
                self._check_adapter(Path(self.adapter))
            except ModelError as error:
                raise ConfigError(error.message) from error

    def _check_adapter(self, folder: Path) -> None:
        check_adapter(folder)

    def _key(self) -> Any:
        """What makes two engines the same: all but the name and the adapter."""
        return replace(self, name="", adapter=None)
