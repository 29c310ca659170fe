import asyncio
import math
from random import Random
from statistics import fmean, pstdev

import pytest

from benchmarks.replies import SIGMA, Talker, endless_weights, reply_length
from simlab.env.environment import ActionRequest
from simlab.models.model import ChatMessage, Sampling
from simlab.models.scripted import ScriptedModel
from simlab.models.transformers_model import TransformersModel


@pytest.fixture
def lengths_of(monkeypatch):
    """Lets a talker of a seed speak three times; gives the lengths that it asked for."""

    def speak(seed):
        asked = []
        generate = ScriptedModel.generate

        async def kept(model, prompt, sampling=Sampling(), *, session=None):
            asked.append(sampling.max_tokens)
            return await generate(model, prompt, sampling, session=session)

        monkeypatch.setattr(ScriptedModel, "generate", kept)
        talker = Talker(ScriptedModel("small"), seat="assistant", session="0", seed=seed)

        async def talk():
            for _ in range(3):
                await talker.act(ActionRequest(str, prompt="And now?"))

        asyncio.run(talk())
        monkeypatch.undo()
        return asked

    return speak


def test_lengths_have_the_mean_that_is_asked_for_and_vary_as_much():
    rng = Random(0)

    lengths = [reply_length(rng, 80) for _ in range(20_000)]

    assert fmean(lengths) == pytest.approx(80, rel=0.03)
    assert pstdev(lengths) == pytest.approx(80, rel=0.1)
    assert pstdev(map(math.log, lengths)) == pytest.approx(SIGMA, rel=0.03)


def test_replies_may_all_be_equally_long():
    assert {reply_length(Random(seed), 80, sigma=0) for seed in range(9)} == {80}


def test_a_talker_asks_for_lengths_that_follow_from_its_seed(lengths_of):
    first = lengths_of(1)

    assert len(set(first)) == 3
    assert lengths_of(1) == first
    assert lengths_of(2) != first


@pytest.mark.model
def test_endless_weights_draw_as_many_tokens_as_they_are_asked_for(tmp_path):
    model = TransformersModel("small", weights=str(endless_weights(tmp_path / "weights")))
    chat = [ChatMessage("user", "Say yes, and nothing else.")]

    async def draw():
        return await model.generate(chat, Sampling(max_tokens=60, temperature=0))

    completion = asyncio.run(draw())

    assert completion.finish == "length"
    assert len(completion.token_ids) == 60
