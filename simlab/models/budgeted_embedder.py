"""An embedder whose calls are paid for out of a run's budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from simlab.models.allowance import Allowance
from simlab.models.embedder import Embedder, Embedding, Vectors, embedding_of
from simlab.models.meter import charge


@dataclass(frozen=True, slots=True)
class BudgetedEmbedder:
    """Passes each call to another embedder for as long as the allowance lasts.

    Stands inside a `RecordedEmbedder`: what is read from the record costs nothing.

    Attributes:
        inner: Makes the calls.
        allowance: Pays for them; of the process, so this value stays there.
        priced: Whether calls cost money.
    """

    inner: Embedder
    allowance: Allowance
    priced: bool = False

    @property
    def name(self) -> str:
        """The exact version."""
        return self.inner.name

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vector of each text; see `Embedder.embed`.

        Raises:
            ModelError: The embedder did not answer.
            BudgetSpentError: The run may spend no more; nothing was asked.
        """

        async def call() -> Embedding:
            return await embedding_of(self.inner, texts)

        embedding = await self.allowance.spend(call, priced=self.priced)
        charge(embedding.usage)
        return embedding.vectors
