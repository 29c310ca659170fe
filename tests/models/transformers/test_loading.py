import pytest

from simlab.errors import ConfigError

pytestmark = pytest.mark.model


def load(folder, **options):
    from simlab.models.transformers.loading import load_weights

    return load_weights(folder, **{"dtype": "float32", "device": "cpu"} | options)


def test_loading_says_nothing_and_leaves_the_settings_of_transformers(own_engine, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()

    own_engine()

    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_an_unknown_dtype_is_refused(own_engine):
    with pytest.raises(ConfigError, match="got 'float8'"):
        own_engine(dtype="float8")


def test_weights_that_cannot_be_loaded_are_refused_with_their_folder(tmp_path):
    from simlab.models.transformers.engine import TransformersEngine

    (tmp_path / "config.json").write_text('{"model_type": "no-such-model"}')
    (tmp_path / "model.safetensors").write_bytes(b"")

    with pytest.raises(ConfigError, match=f"weights in '{tmp_path}' cannot be loaded"):
        TransformersEngine(str(tmp_path))


def test_weights_tell_how_far_they_reach_and_what_ends_a_turn(tiny_weights, tokenizer):
    weights = load(tiny_weights)

    assert (weights.max_tokens, weights.n_logits) == (1024, len(tokenizer))
    assert weights.ends == {tokenizer.eos_token_id}
    assert not weights.model.training


def test_a_device_that_is_none_is_refused(tiny_weights):
    with pytest.raises(ConfigError, match=r"device must be one of \('auto', .*, got 'tpu'"):
        load(tiny_weights, device="tpu")


def test_a_gpu_that_is_not_there_is_refused(tiny_weights, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    with pytest.raises(ConfigError, match="device 'cuda' needs a GPU that torch can use"):
        load(tiny_weights, device="cuda")


@pytest.mark.parametrize(
    ("device", "has_gpu", "place"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cuda", True, "cuda"),
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
    ],
)
def test_weights_go_where_they_are_wanted(tiny_weights, monkeypatch, device, has_gpu, place):
    from transformers import LlamaForCausalLM

    places = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: has_gpu)
    monkeypatch.setattr(LlamaForCausalLM, "to", lambda _, there: places.append(there.type))

    load(tiny_weights, device=device)

    assert places == [place]
