"""Sizes of weights."""

import json

from simlab.models.sizes import weights_bytes


def write(path, **shapes):
    tensors = {name: {"dtype": "F32", "shape": shape} for name, shape in shapes.items()}
    header = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


def test_weights_take_what_their_numbers_take_in_the_dtype_that_is_computed_in(tmp_path):
    write(tmp_path / "model-1.safetensors", first=[10, 20], bias=[20])
    write(tmp_path / "model-2.safetensors", scale=[])

    assert weights_bytes(tmp_path, "float32") == 4 * 221
    assert weights_bytes(tmp_path, "bfloat16") == 2 * 221
