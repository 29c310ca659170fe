"""An embedder behind Ray Serve: replicas that all hosts and runs of a cluster share."""

from collections.abc import Sequence
from dataclasses import dataclass

from simlab.models.calls import Embed
from simlab.models.embedder import Embedding, Vectors, checked_texts
from simlab.models.meter import charge
from simlab.models.served import courier_to


@dataclass(frozen=True, slots=True)
class ServedEmbedder:
    """An embedder that replicas compute; a value that pickles and works in every process.

    Attributes:
        name: The exact version; embedders of other names may share the replicas.
        app: Of Ray Serve.
        n_replicas: How many replicas the app has; calls take turns.
    """

    name: str
    app: str
    n_replicas: int = 1

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vector of each text; see `Embedder.embed`.

        Raises:
            ModelError: The embedder did not answer, or replica after replica died.
        """
        call = Embed(tuple(checked_texts(texts)))
        carried = await courier_to(self.app, self.n_replicas).carry(call)
        embedding: Embedding = carried.result
        charge(carried.with_attempts(embedding.usage))
        return embedding.vectors
