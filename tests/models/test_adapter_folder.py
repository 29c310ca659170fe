"""What can be told of an adapter by its folder alone."""

from pathlib import Path

import pytest

from simlab.errors import ModelError
from simlab.models.adapter_folder import (
    check_adapter,
    check_uniform_adapter,
    write_zero_adapter,
    zero_adapter_beside,
)
from simlab.models.tensor_file import read_shapes
from tests.models.lora import LAYER, write_zeros_lora


@pytest.fixture
def write(tmp_path):
    """Writes an adapter of one layer; gives its folder."""
    return lambda **settings: Path(write_zeros_lora(tmp_path / "agent@1", **settings))


def test_one_of_one_rank_and_strength_is_taken(write):
    assert (
        check_uniform_adapter(write(use_rslora=True, rank_pattern={}, alpha_pattern=None)).rank == 4
    )


def test_one_of_some_layers_is_taken_since_its_tensors_say_which(write):
    assert check_uniform_adapter(write(layers_to_transform=[0], exclude_modules="k_proj")).rank == 4


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        ({"alpha_pattern": {"q_proj": 160}}, r"over alpha_pattern, got {'q_proj': 160}; take eng"),
        ({"rank_pattern": {"q_proj": 2}}, r"which passes over rank_pattern, got {'q_proj': 2}; "),
        ({"r": "8"}, "r must be an integer of at least 1, got '8'"),
        ({"use_dora": True}, "use_dora is not known here, got True"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out is not known here"),
        ({"rank": 64}, r"tensors of its rank 4, got .*lora_A.weight' of shape \(64, 8\)"),
        ({"end": "bias"}, r"lora_A and lora_B weights in pairs, got \['base_model"),
    ],
)
def test_what_vllm_would_take_otherwise_is_refused_by_its_name(write, adapter, message):
    folder = write(**adapter)

    with pytest.raises(ModelError, match=rf"adapter '{folder}' must .*{message}"):
        check_uniform_adapter(folder)


def test_one_without_tensors_is_refused(write):
    folder = write()
    (folder / "adapter_model.safetensors").unlink()

    with pytest.raises(ModelError, match=r"a whole adapter_model.safetensors: .*No such file"):
        check_adapter(folder)


def test_one_of_several_ranks_and_strengths_is_a_fine_adapter(write):
    settings = {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"q_proj": 160}}

    assert check_adapter(write(rank=2, **settings)).ranks == {"q_proj": 2}


def test_a_zero_adapter_is_a_uniform_one(tmp_path):
    write_zero_adapter(tmp_path, "model.layers.0.self_attn.q_proj", (16, 8))

    assert check_uniform_adapter(tmp_path).rank == 1
    assert read_shapes(tmp_path / "adapter_model.safetensors") == {
        f"{LAYER}.lora_A.weight": (1, 8),
        f"{LAYER}.lora_B.weight": (16, 1),
    }


def test_an_adapter_of_zeros_stands_beside_another_and_is_for_the_same_weights(write):
    adapter = write()

    zero = zero_adapter_beside(adapter)

    assert zero.parent == adapter.parent
    assert zero_adapter_beside(adapter) == zero
    assert read_shapes(zero / "adapter_model.safetensors") == {
        f"{LAYER}.lora_A.weight": (1, 8),
        f"{LAYER}.lora_B.weight": (8, 1),
    }
    assert sorted(adapter.parent.iterdir()) == [zero, adapter]


def test_no_room_for_an_adapter_of_zeros_is_told(write, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    folder = write()
    monkeypatch.setattr("simlab.models.adapter_folder.write_zeros", full)

    with pytest.raises(ModelError, match=r"zeros must be written beside .*No space left.*; copy"):
        zero_adapter_beside(folder)
