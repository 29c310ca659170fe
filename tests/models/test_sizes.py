"""Sizes of weights."""

import pytest

from simlab.errors import ConfigError
from simlab.models.sizes import weights_bytes
from simlab.models.tensor_file import write_zeros


def test_weights_take_what_their_numbers_take_in_the_dtype_that_is_computed_in(tmp_path):
    write_zeros(tmp_path / "model-1.safetensors", {"first": (10, 20), "bias": (20,)})
    write_zeros(tmp_path / "model-2.safetensors", {"scale": ()})

    assert weights_bytes(tmp_path, "float32") == 4 * 221
    assert weights_bytes(tmp_path, "bfloat16") == 2 * 221


def test_weights_that_are_cut_short_are_refused_with_their_file(tmp_path):
    write_zeros(tmp_path / "model.safetensors", {"first": (10, 20)})
    (tmp_path / "model.safetensors").write_bytes(b"\10")

    with pytest.raises(ConfigError, match=r"must hold whole files: model.safetensors is cut short"):
        weights_bytes(tmp_path, "float32")
