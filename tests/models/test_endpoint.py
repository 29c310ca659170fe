"""The value that names an endpoint."""

import pickle
import subprocess
import sys
from dataclasses import replace

import pytest

from simlab.errors import ConfigError
from simlab.models.endpoint import EndpointModel
from simlab.models.engines import ModelSpec, build
from simlab.models.held import Held
from simlab.models.model import Model
from tests.models.lora import write_zeros_lora

URL = "http://127.0.0.1:8000/v1"


def test_a_run_file_names_it_by_engine_http(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-one")
    options = {"url": URL, "model": "gpt", "key_env": "MY_KEY", "dollars_per_million_out": 2}

    model = build("large", ModelSpec(engine="http", **options))

    assert model == EndpointModel(
        "large", url=URL, model="gpt", key_env="MY_KEY", dollars_per_million_out=2.0
    )
    assert isinstance(model, Model)
    assert not isinstance(model, Held), "no process holds its weights"


def test_the_key_is_in_no_value_that_travels_or_is_shown(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-one")
    model = EndpointModel("large", url=URL, key_env="MY_KEY")

    assert b"sk-one" not in pickle.dumps(model)
    assert "sk-one" not in repr(model)
    assert pickle.loads(pickle.dumps(model)) == model


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "key 'models.large.url' is missing"),
        ({"url": "127.0.0.1:8000"}, "url must be that of an API, such as .*, got '127.0.0.1:8000'"),
        ({"url": "ftp://x/v1"}, "url must be that of an API"),
        ({"url": URL, "attempts": 0}, "concurrency and attempts must be at least 1, got 64 and 0"),
        (
            {"url": URL, "concurrency": 0},
            "concurrency and attempts must be at least 1, got 0 and 5",
        ),
        ({"url": URL, "timeout_s": 0}, "timeout_s must be above 0, got 0.0"),
        ({"url": URL, "dollars_per_million_in": -1}, r"at least 0, got \(-1.0, 0.0\)"),
        ({"url": URL, "server": "tgi"}, "models.large.server: .*'openai' or 'vllm', got 'tgi'"),
        ({"url": URL, "key_env": "NO_SUCH_KEY"}, "models.large: key_env names .* 'NO_SUCH_KEY'"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_asked(options, message):
    with pytest.raises(ConfigError, match=message):
        build("large", ModelSpec(engine="http", **options))


def test_a_slash_at_the_end_of_a_url_makes_no_difference():
    slashed = build("large", ModelSpec(engine="http", url=f"{URL}/"))

    assert slashed == EndpointModel("large", url=URL)
    assert slashed.with_adapter(None).url == URL


def test_a_key_in_a_url_is_not_shown():
    for url in ("http://me:sk-one@x/v1", f"{URL}?key=sk-one"):
        with pytest.raises(ConfigError, match=r"models.large: url must hold no user") as caught:
            build("large", ModelSpec(engine="http", url=url))
        assert "sk-one" not in caught.value.message


def test_an_adapter_shows_in_the_name_here_and_not_in_the_models_name_there():
    model = EndpointModel("small", url=URL)

    adapted = model.with_adapter("/adapters/agent@7")

    assert (adapted.name, adapted.served) == ("small+agent@7", "small")
    assert adapted.adapter == "/adapters/agent@7"
    assert adapted.with_adapter(None) == model


def test_an_adapter_is_checked_as_far_as_it_is_found_here(tmp_path):
    vllm = EndpointModel("small", url=URL, server="vllm")
    uneven = write_zeros_lora(tmp_path / "agent@1", alpha_pattern={"q_proj": 160})

    vllm.check_adapter()
    vllm.with_adapter("/only/there/agent@7").check_adapter()
    vllm.with_adapter(write_zeros_lora(tmp_path / "agent@2")).check_adapter()
    with pytest.raises(ConfigError, match="passes over alpha_pattern"):
        vllm.with_adapter(uneven).check_adapter()
    with pytest.raises(ConfigError, match="takes no adapters, got '/x'; serve the model with vLLM"):
        EndpointModel("small", url=URL).with_adapter("/x").check_adapter()


def test_tokens_cost_what_the_run_file_says():
    model = EndpointModel("m", url=URL, dollars_per_million_in=2.0, dollars_per_million_out=8.0)

    assert model.dollars(500_000, 250_000) == 3.0
    assert replace(model, dollars_per_million_in=0.0).dollars(500_000, 0) == 0.0


def test_making_one_imports_no_http_library():
    code = (
        "import sys\n"
        "from simlab.models.engines import ModelSpec, build\n"
        f"build('large', ModelSpec(engine='http', url='{URL}', tokenizer='embedded'))\n"
        "assert not {'httpx2', 'jsonschema', 'transformers'} & set(sys.modules), 'heavy'\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
