"""Models that vLLM computes, on GPUs and CPUs alike."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from simlab.errors import ConfigError
from simlab.models.held import ENGINES_HERE
from simlab.models.model import Completion, Prompt, Sampling, name_with_adapter
from simlab.models.sizes import weights_bytes
from simlab.models.weights import EMBEDDED, resolve

if TYPE_CHECKING:
    from simlab.models.vllm.engine import VllmEngine


@dataclass(frozen=True, slots=True)
class VllmModel:
    """A language model that vLLM computes for the process that asks it; a value that pickles.

    Example::

        model = VllmModel("small", weights="embedded")
        completion = await model.generate([ChatMessage("user", "Hi")], Sampling(seed=1))

    Attributes:
        name: The exact version.
        weights: ``"embedded"``, a folder or a hub id.
        dtype: What to compute in. In float32 a seeded completion has the same tokens whatever is
            computed beside it; in 16 bits it has not.
        max_model_len: The most tokens that prompt and completion may have together.
        max_batch: The most completions drawn at once.
        threads: Cores to use on a CPU; None for all that the process may use but one.
        cache_gib: Room for keys and values on a CPU, in GiB.
        gpu_memory_utilization: Share of a GPU's memory that the engine takes.
        tensor_parallel: How many GPUs one replica is spread over.
        max_adapters: The most adapters in one batch; 0 takes none and is faster.
        max_adapter_rank: The highest rank of an adapter.
        adapter: Folder of an adapter, see `Model.with_adapter`.
    """

    name: str
    weights: str = EMBEDDED
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    max_model_len: int = 2048
    max_batch: int = 64
    threads: int | None = None
    cache_gib: float = 1.0
    gpu_memory_utilization: float = 0.9
    tensor_parallel: int = 1
    max_adapters: int = 0
    max_adapter_rank: int = 16
    adapter: str | None = None

    def __post_init__(self) -> None:
        positive = ("max_model_len", "max_batch", "cache_gib", "tensor_parallel")
        for option in (*positive, "max_adapter_rank"):
            if not getattr(self, option) > 0:
                raise ValueError(f"{option} must be above 0, got {getattr(self, option)!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be at least 1, got {self.threads!r}")
        if not 0 < self.gpu_memory_utilization <= 1:
            raise ValueError(
                f"gpu_memory_utilization must be in (0, 1], got {self.gpu_memory_utilization!r}"
            )
        if self.max_adapters < 0:
            raise ValueError(f"max_adapters must be at least 0, got {self.max_adapters!r}")

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

    def memory_bytes(self) -> int:
        """About how much memory its engine takes."""
        return weights_bytes(self.folder(), self.dtype) + int(self.cache_gib * 2**30)

    def open(self) -> "VllmEngine":
        """The engine behind this model, loaded if it is not yet; blocks for as long as that takes.

        Raises:
            ConfigError: vLLM is not installed, or the weights cannot be had or loaded.
        """
        engine: VllmEngine = ENGINES_HERE.open(self._key, self._make_engine)
        return engine

    async def load(self) -> "VllmEngine":
        """The engine behind this model; see `open`."""
        found = ENGINES_HERE.find(self._key)
        return found if found is not None else await asyncio.to_thread(self.open)

    async def close(self) -> None:
        """End the engine of these options in this process; a later call loads it anew."""
        await ENGINES_HERE.close(self._key)

    def folder(self) -> Path:
        """Where the weights are; see `Held.folder`."""
        return resolve(self.weights)

    @property
    def _key(self) -> Any:
        """What makes two engines the same: all but the name and the adapter."""
        return replace(self, name="", adapter=None)

    def _make_engine(self) -> "VllmEngine":
        folder = self.folder()
        try:
            # Imported here because vLLM takes many seconds, and is not installed everywhere.
            from simlab.models.vllm.engine import VllmEngine
        except ImportError as error:
            raise ConfigError(
                f"engine 'vllm' needs vLLM, which cannot be imported ({error}); run `pip install "
                "vllm==0.29.0` on a machine with a GPU, and see the README for others"
            ) from error
        return VllmEngine(self._key, folder)
