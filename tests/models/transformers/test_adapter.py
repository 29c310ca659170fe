import json
from pathlib import Path

import pytest

from simlab.errors import ModelError
from tests.models.lora import ALL, write_lora, write_settings

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def shapes(plain_model):
    """Of the layers that an adapter of the tiny weights may change."""
    return {
        name: (layer.out_features, layer.in_features)
        for name, layer in plain_model.named_modules()
        if name.endswith(ALL)
    }


@pytest.fixture
def folder(tiny_weights, tmp_path):
    """A right adapter, for a test to spoil."""
    modules = ("q_proj", "up_proj")
    path = write_lora(tmp_path / "agent@1", tiny_weights, seed=0, rank=4, alpha=8, modules=modules)
    return Path(path)


def read(folder, shapes):
    from simlab.models.transformers.adapter import read_adapter

    return read_adapter(str(folder), shapes)


def change_tensors(folder, change):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "adapter_model.safetensors")
    change(tensors)
    save_file(tensors, folder / "adapter_model.safetensors")


LAYER = "base_model.model.model.layers.0.self_attn.q_proj"


def test_an_adapter_knows_its_layers_their_scale_and_its_name(folder, shapes):
    adapter = read(folder, shapes)

    assert adapter.name == "agent@1"
    assert sorted(adapter.layers) == [
        "model.layers.0.mlp.up_proj",
        "model.layers.0.self_attn.q_proj",
        "model.layers.1.mlp.up_proj",
        "model.layers.1.self_attn.q_proj",
    ]
    low_rank = adapter.layers["model.layers.1.mlp.up_proj"]
    assert (low_rank.down.shape, low_rank.up.shape, low_rank.scale) == ((4, 32), (64, 4), 2.0)


def test_an_adapter_outlives_its_folder(folder, shapes):
    adapter = read(folder, shapes)
    before = adapter.layers["model.layers.1.mlp.up_proj"].up.tolist()

    (folder / "adapter_model.safetensors").write_bytes(b"\0" * 10_000)

    assert adapter.layers["model.layers.1.mlp.up_proj"].up.tolist() == before


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_without_one_of_its_files_is_refused_by_its_path(folder, shapes, name):
    (folder / name).unlink()

    with pytest.raises(ModelError, match=rf"adapter '{folder}' must be a folder with.*{name}"):
        read(folder, shapes)


def test_a_file_that_is_cut_short_is_refused(folder, shapes):
    tensors = folder / "adapter_model.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1])

    with pytest.raises(ModelError, match="must be a folder with a whole adapter_model"):
        read(folder, shapes)


def test_weights_for_layers_that_the_model_has_not_are_refused(folder, shapes):
    def rename(tensors):
        for side in ("A", "B"):
            tensors[f"base_model.model.lm_head.lora_{side}.weight"] = tensors.pop(
                f"{LAYER}.lora_{side}.weight"
            )

    change_tensors(folder, rename)

    with pytest.raises(ModelError, match="that every token goes through, got 'lm_head'"):
        read(folder, shapes)


def test_weights_of_another_rank_than_the_settings_say_are_refused(folder, shapes):
    write_settings(folder, r=8, target_modules=["q_proj", "up_proj"])

    with pytest.raises(ModelError, match=r"must have weights of shapes \(\(8, 32\), .* got \(\(4,"):
        read(folder, shapes)


def test_weights_of_another_width_than_the_layers_are_refused(folder, shapes):
    wider = dict.fromkeys(shapes, (32, 48))

    with pytest.raises(ModelError, match=r"\(\(4, 48\), \(32, 4\)\), got \(\(4, 32\), \("):
        read(folder, wider)


def test_half_a_pair_is_refused(folder, shapes):
    change_tensors(folder, lambda tensors: tensors.pop(f"{LAYER}.lora_B.weight"))

    with pytest.raises(ModelError, match=r"come in pairs.* 'model.layers.0.self_attn.q_proj'"):
        read(folder, shapes)


def test_layers_that_the_settings_name_and_the_file_lacks_are_refused(folder, shapes):
    def forget(tensors):
        del tensors[f"{LAYER}.lora_A.weight"], tensors[f"{LAYER}.lora_B.weight"]

    change_tensors(folder, forget)

    with pytest.raises(ModelError, match=r"target_modules name 'model.layers.0.self_attn.q_proj'"):
        read(folder, shapes)

    write_settings(folder, r=4, target_modules=["q_proj", "up_proj"], layers_to_transform=[1])
    assert len(read(folder, shapes).layers) == 3


def test_weights_of_another_kind_are_refused_by_their_name(folder, shapes):
    import torch

    name = f"{LAYER}.lora_magnitude_vector"
    change_tensors(folder, lambda tensors: tensors.update({name: torch.ones(3)}))

    with pytest.raises(ModelError, match=f"lora_A and lora_B weights alone, got '{name}'"):
        read(folder, shapes)


def test_weights_that_are_no_floating_point_are_refused(folder, shapes):
    def quantise(tensors):
        name = f"{LAYER}.lora_A.weight"
        tensors[name] = tensors[name].char()

    change_tensors(folder, quantise)

    with pytest.raises(ModelError, match=r"floating point, got torch.int8"):
        read(folder, shapes)


def test_a_file_without_weights_is_refused(folder, shapes):
    change_tensors(folder, lambda tensors: tensors.clear())
    write_settings(folder, r=4, target_modules=[])

    with pytest.raises(ModelError, match="it holds no weights"):
        read(folder, shapes)


def test_settings_in_words_of_older_versions_are_read(folder, shapes):
    settings = {"peft_type": "LORA", "r": 4, "lora_alpha": 16, "target_modules": ".*(q|up)_proj"}
    (folder / "adapter_config.json").write_text(json.dumps(settings))

    assert read(folder, shapes).layers["model.layers.1.mlp.up_proj"].scale == 4.0
