"""Random LoRA folders in PEFT's format, and what they come to as plain weights."""

import json
import math
from pathlib import Path

from simlab.models.tensor_file import write_zeros

LAYER = "base_model.model.model.layers.0.self_attn.q_proj"
"""How the names of the matrices begin that `write_zeros_lora` writes."""

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Names that the linear layers of a Llama end with, but for the last one."""


def write_lora(
    folder, base, *, seed, rank=8, alpha=16, scale=0.02, modules=("q_proj", "v_proj"), **settings
):
    """Write a random adapter for the Llama-like weights in `base`; returns its folder as text.

    Args:
        folder: To be made.
        base: Folder of weights.
        seed: Of its numbers.
        rank: Of its matrices, but for layers that `rank_pattern` in `settings` names by their end.
        alpha: By which they are scaled.
        scale: How far it leads from the base.
        modules: Names that its layers end with.
        settings: What ``adapter_config.json`` has besides.
    """
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for file in sorted(base.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            for key in sorted(weights.keys()):
                name, _, kind = key.rpartition(".")
                if kind != "weight" or not name.endswith(tuple(modules)):
                    continue
                r = settings.get("rank_pattern", {}).get(name.rpartition(".")[2], rank)
                n_out, n_in = weights.get_slice(key).get_shape()
                for part, shape, size in (("A", (r, n_in), 0.05), ("B", (n_out, r), scale)):
                    tensor = torch.randn(shape, generator=generator) * size
                    tensors[f"base_model.model.{name}.lora_{part}.weight"] = tensor
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    write_settings(folder, r=rank, lora_alpha=alpha, target_modules=[*modules], **settings)
    return str(folder)


def write_zeros_lora(folder, *, rank=4, end="weight", **settings):
    """Write an adapter of one layer and zeros, without torch; returns its folder as text.

    Args:
        folder: To be made.
        rank: Of its matrices.
        end: What the names of its matrices end with.
        settings: What ``adapter_config.json`` has in place of a rank of 4.
    """
    folder.mkdir(parents=True)
    shapes = {f"{LAYER}.lora_A.{end}": (rank, 8), f"{LAYER}.lora_B.{end}": (8, rank)}
    write_zeros(folder / "adapter_model.safetensors", shapes)
    write_settings(folder, **{"r": 4, "target_modules": ["q_proj"], **settings})
    return str(folder)


def write_settings(folder, **settings):
    """Write ``adapter_config.json``, with what cannot be left out."""
    usual = {"peft_type": "LORA", "bias": "none", "lora_alpha": 8}
    (Path(folder) / "adapter_config.json").write_text(json.dumps({**usual, **settings}))


def merged(model, folder):
    """The same transformers model with an adapter added to its weights, in place."""
    import torch
    from safetensors.torch import load_file

    config = json.loads((Path(folder) / "adapter_config.json").read_text())
    tensors = load_file(Path(folder) / "adapter_model.safetensors")
    with torch.no_grad():
        for key, down in tensors.items():
            if key.endswith("lora_A.weight"):
                up = tensors[key.replace("lora_A", "lora_B")]
                name = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
                weight = model.get_submodule(name).weight
                weight += _scale(config, name.rpartition(".")[2], len(down)) * (up @ down)
    return model


def _scale(config, end, rank):
    alpha = config.get("alpha_pattern", {}).get(end, config["lora_alpha"])
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
