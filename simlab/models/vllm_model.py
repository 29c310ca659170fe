"""Models that vLLM computes, on GPUs and CPUs alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from simlab.errors import ConfigError
from simlab.models.adapter_folder import check_uniform_adapter
from simlab.models.in_process import InProcessModel
from simlab.models.sizes import weights_bytes

if TYPE_CHECKING:
    from simlab.models.vllm.engine import VllmEngine


@dataclass(frozen=True, slots=True)
class VllmModel(InProcessModel["VllmEngine"]):
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

    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    max_model_len: int = 2048
    max_batch: int = 64
    threads: int | None = None
    cache_gib: float = 1.0
    gpu_memory_utilization: float = 0.9
    tensor_parallel: int = 1
    max_adapters: int = 0
    max_adapter_rank: int = 16

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

    def memory_bytes(self) -> int:
        """About how much memory its engine takes."""
        return weights_bytes(self.folder(), self.dtype) + int(self.cache_gib * 2**30)

    def _check_adapter(self, folder: Path) -> None:
        if not self.max_adapters:
            raise ConfigError(
                f"adapter {str(folder)!r} is wanted of an engine without any; set max_adapters, "
                "how many are asked at once"
            )
        check_uniform_adapter(folder, max_rank=self.max_adapter_rank)

    def gpus(self) -> int:
        """How many GPUs its engine computes on; see `Held.gpus`."""
        return self.tensor_parallel

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
        return VllmEngine(self._key(), folder)
