"""Models that transformers computes in the process that asks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simlab.models.in_process import InProcessModel
from simlab.models.sizes import weights_bytes

if TYPE_CHECKING:
    from simlab.models.transformers.engine import TransformersEngine


@dataclass(frozen=True, slots=True)
class TransformersModel(InProcessModel["TransformersEngine"]):
    """A language model computed in the process that calls it; a value that pickles.

    Example::

        model = TransformersModel("small", weights="embedded")
        completion = await model.generate([ChatMessage("user", "Hi")], Sampling(seed=1))

    Attributes:
        name: The exact version.
        weights: ``"embedded"``, a folder or a hub id.
        dtype: What to compute in; see `TransformersEngine` for what it costs.
        device: Where to compute; ``"auto"`` takes a GPU if there is one.
        max_batch: The most completions drawn at once.
        max_adapters: The most adapters kept in memory; others are read again when they are asked.
        threads: Cores to use; None for all that the process may use but one.
        cache_tokens: The most prompt tokens kept for requests that begin alike.
        adapter: Folder of an adapter, see `Model.with_adapter`.
    """

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_batch: int = 32
    max_adapters: int = 4
    threads: int | None = None
    cache_tokens: int = 8192

    def __post_init__(self) -> None:
        leasts = {"max_batch": 1, "max_adapters": 1, "threads": 1, "cache_tokens": 0}
        for name, least in leasts.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value!r}")

    def memory_bytes(self) -> int:
        """About how much memory its engine takes."""
        return weights_bytes(self.folder(), self.dtype)

    def gpus(self) -> int:
        """How many GPUs its engine computes on; see `Held.gpus`."""
        return 0 if self.device == "cpu" else 1

    def _make_engine(self) -> "TransformersEngine":
        folder = self.folder()
        # Imported here because torch takes seconds, which neither a run without weights nor the
        # refusal of weights that are missing should pay.
        from simlab.models.transformers.engine import TransformersEngine

        return TransformersEngine(
            str(folder),
            dtype=self.dtype,
            device=self.device,
            max_batch=self.max_batch,
            max_adapters=self.max_adapters,
            threads=self.threads,
            cache_tokens=self.cache_tokens,
        )
