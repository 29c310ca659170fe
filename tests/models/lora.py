"""Random LoRA folders in PEFT's format, and what they come to as plain weights."""

import json
from pathlib import Path


def write_lora(folder, base, *, seed, rank=8, alpha=16, scale=0.02, modules=("q_proj", "v_proj")):
    """Write a random adapter for the Llama-like weights in `base`; returns its folder as text."""
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
                n_out, n_in = weights.get_slice(key).get_shape()
                for part, shape, size in (("A", (rank, n_in), 0.05), ("B", (n_out, rank), scale)):
                    tensor = torch.randn(shape, generator=generator) * size
                    tensors[f"base_model.model.{name}.lora_{part}.weight"] = tensor
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": [*modules]}
    (folder / "adapter_config.json").write_text(json.dumps({**config, "bias": "none"}))
    return str(folder)


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
                weight += config["lora_alpha"] / config["r"] * (up @ down)
    return model
