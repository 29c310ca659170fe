"""One vLLM engine for all tests: it takes half a minute to start."""

import gc
import importlib.util

import pytest

from simlab.models.vllm_model import VllmModel
from simlab.models.weights import resolve
from tests.models.draws import with_draws
from tests.models.lora import write_lora


def pytest_collection_modifyitems(items):
    """Say so where vLLM is not to be had; its own warnings are no errors of ours."""
    missing = importlib.util.find_spec("vllm") is None
    for item in items:
        if "vllm" in item.keywords:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            if missing:
                item.add_marker(pytest.mark.skip("vLLM is not installed"))


@pytest.fixture(scope="session")
def adapters(tmp_path_factory):
    """Folders of six adapters for the embedded weights, in order."""
    root = tmp_path_factory.mktemp("adapters")
    return [write_lora(root / f"agent@{n}", resolve("embedded"), seed=n) for n in range(1, 7)]


@pytest.fixture(scope="package", autouse=True)
def _no_garbage():
    """Leaves no engine to be collected in other tests, which would blame them for what it says."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """The embedded weights, beside which stands that draws should be tempered and cut."""
    return with_draws(tmp_path_factory.mktemp("weights"), resolve("embedded"))


@pytest.fixture(scope="package")
def model(weights):
    """The embedded weights in float32, in an engine that takes two adapters at once."""
    model = VllmModel(
        "small",
        weights=str(weights),
        dtype="float32",
        max_adapters=2,
        max_adapter_rank=8,
        cache_gib=0.5,
    )
    engine = model.open()
    yield model
    engine.close()
