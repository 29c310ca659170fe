"""What becomes known to vLLM of adapter folders; no engine is started."""

import pytest

from simlab.errors import ModelError
from simlab.models.weights import resolve
from tests.models.lora import write_lora, write_settings

pytestmark = pytest.mark.vllm


@pytest.fixture
def refuses():
    """Errors that the engine raises when it is to load the next adapters."""
    return []


@pytest.fixture
def adapters(refuses, tmp_path):
    from simlab.models.vllm.adapters import Adapters

    async def load(_):
        if refuses:
            raise refuses.pop()

    known = Adapters(load, tmp_path, max_rank=8)
    yield known
    known.close()


@pytest.fixture
def folder(tmp_path):
    return write_lora(tmp_path / "agent@1", resolve("embedded"), seed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha_pattern": {"q_proj": 160}}, "passes over alpha_pattern, got"),
        ({"rank_pattern": {"q_proj": 2}}, "passes over rank_pattern, got"),
        ({"r": "8"}, "r must be an integer of at least 1, got '8'"),
        ({"r": 4}, "tensors of its rank 4, got"),
        ({"use_dora": True}, "use_dora is not known here"),
    ],
)
async def test_an_adapter_that_vllm_would_take_otherwise_is_refused_until_it_is_mended(
    adapters, folder, settings, message
):
    usual = {"r": 8, "target_modules": ["q_proj"]}
    write_settings(folder, **{**usual, **settings})
    with pytest.raises(ModelError, match=message):
        await adapters.request(folder)
    write_settings(folder, **usual)

    assert (await adapters.request(folder)).lora_path == folder


async def test_one_of_too_high_a_rank_is_refused_with_the_remedy(adapters, tmp_path):
    wide = write_lora(tmp_path / "wide", resolve("embedded"), seed=1, rank=16)

    with pytest.raises(ModelError, match="rank 8 at most, got 16; raise max_adapter_rank"):
        await adapters.request(wide)


async def test_one_that_failed_by_a_bug_is_looked_at_anew(adapters, folder, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("simlab.models.vllm.adapters.check_uniform_adapter", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await adapters.request(folder)

    assert (await adapters.request(folder)).lora_path == folder


async def test_one_that_the_engine_refuses_is_told_and_asked_for_anew(adapters, folder, refuses):
    refuses.append(ValueError("no room"))

    with pytest.raises(ModelError, match=f"adapter '{folder}' cannot be loaded: no room"):
        await adapters.request(folder)

    assert (await adapters.request(folder)).lora_path == folder
