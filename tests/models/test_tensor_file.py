import json

import pytest

from simlab.models.tensor_file import read_shapes, write_zeros

SHAPES = {"a": (2, 3), "b.lora_A.weight": (1, 5)}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "zeros.safetensors"
    write_zeros(path, SHAPES)
    return path


def test_shapes_are_read_as_they_were_written(file):
    assert read_shapes(file) == SHAPES


@pytest.mark.model
def test_the_library_reads_zeros(file):
    from safetensors.torch import load_file

    tensors = load_file(file)

    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == SHAPES
    assert all(not tensor.any() for tensor in tensors.values())


@pytest.mark.model
def test_shapes_of_a_file_of_the_library_are_read(tmp_path):
    import torch
    from safetensors.torch import save_file

    save_file({"half": torch.ones(4, 2, dtype=torch.float16)}, tmp_path / "t", {"format": "pt"})

    assert read_shapes(tmp_path / "t") == {"half": (4, 2)}


@pytest.mark.parametrize("kept", [0, 4, 20, -1])
def test_a_file_that_is_cut_short_is_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])

    with pytest.raises(ValueError, match=r"zeros.safetensors.*cut short|Expecting value"):
        read_shapes(file)


@pytest.mark.parametrize("header", [[], {"a": 1}, {"a": {"shape": [2]}}])
def test_a_header_of_another_kind_is_refused(tmp_path, header):
    text = json.dumps(header).encode()
    (tmp_path / "odd").write_bytes(len(text).to_bytes(8, "little") + text)

    with pytest.raises(ValueError, match="odd is no file of tensors"):
        read_shapes(tmp_path / "odd")
