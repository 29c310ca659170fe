"""Training on the embedded weights; what vLLM makes of it stands with the tests of vLLM."""

import pytest

from tests.train.publishing import check_served


@pytest.mark.model
async def test_train_17_the_embedded_weights_learn_and_are_served(tmp_path):
    from simlab.models.transformers.engine import TransformersEngine

    with TransformersEngine(device="cpu") as engine:
        await check_served(
            lambda prompt, sampling, adapter: engine.generate(prompt, sampling, adapter=adapter),
            tmp_path / "agent@1",
        )
