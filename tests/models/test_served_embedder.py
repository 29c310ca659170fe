from dataclasses import dataclass

from simlab.models.embedder import embedding_of
from simlab.models.meter import charge
from simlab.models.model import Usage
from simlab.models.scripted_embedder import ScriptedEmbedder
from simlab.models.served_embedder import ServedEmbedder
from tests.models.memory_serve import MemoryLane


@dataclass(frozen=True, slots=True)
class Persistent(ScriptedEmbedder):
    """An embedder that needs three tries, and tells so."""

    async def embed(self, texts):
        charge(Usage(attempts=3, model_s=0.5))
        return await ScriptedEmbedder.embed(self, texts)


async def test_what_a_replica_has_read_is_told_with_the_replicas_that_died(monkeypatch):
    lanes = [MemoryLane(Persistent("near")) for _ in range(2)]
    lanes[0].die()
    monkeypatch.setattr("simlab.models.served._lanes_to", lambda _app, _n: lanes)
    monkeypatch.setattr("simlab.models.courier._BACK_OFF_S", 0.0)

    embedding = await embedding_of(ServedEmbedder("near", "app", 2), ["four", "words"])

    assert embedding.usage == Usage(4, model_s=0.5, attempts=4)
