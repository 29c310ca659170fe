from dataclasses import dataclass, replace

from simlab.models.model import ChatMessage, ChoiceLogprobs, Sampling
from simlab.models.scripted import ScriptedModel
from simlab.models.served import ServedModel
from tests.models.memory_serve import MemoryLane


@dataclass(frozen=True, slots=True)
class Persistent(ScriptedModel):
    """A model that needs three tries at an endpoint, and tells so."""

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        completion = await ScriptedModel.generate(self, prompt, sampling, session=session)
        return replace(completion, usage=replace(completion.usage, attempts=3))

    async def choice_logprobs(self, prompt, choices):
        scored = await ScriptedModel.choice_logprobs(self, prompt, choices)
        return ChoiceLogprobs(scored, replace(scored.usage, attempts=3))


async def test_tries_at_an_endpoint_are_counted_with_the_replicas_that_died(monkeypatch):
    lanes = [MemoryLane(Persistent("small")) for _ in range(2)]
    lanes[0].die()
    monkeypatch.setattr("simlab.models.served._lanes_to", lambda _app, _n: lanes)
    monkeypatch.setattr("simlab.models.courier._BACK_OFF_S", 0.0)

    completion = await ServedModel("small", "app", 2).generate([ChatMessage("user", "hello")])

    assert completion.usage.attempts == 4


async def test_so_are_those_of_scored_choices(monkeypatch):
    lane = MemoryLane(Persistent("small"))
    monkeypatch.setattr("simlab.models.served._lanes_to", lambda _app, _n: [lane])

    scored = await ServedModel("small", "app").choice_logprobs([ChatMessage("user", "?")], ["yes"])

    assert scored.usage.attempts == 3
