"""Random LoRA adapters in PEFT's format, and what they make of the weights; torch is imported late.

Written with safetensors alone.
"""

import copy
import json
import math
from pathlib import Path

QUERIES = ("q_proj", "v_proj")
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def layers_of(model, targets):
    """The linear layers of a model whose names end so."""
    return {
        name: module for name, module in model.named_modules() if name.rpartition(".")[2] in targets
    }


def write_adapter(folder, model, *, seed=0, targets=ALL, rank=4, ranks=(), **settings):
    """Write a random adapter for a model that transformers loaded.

    Args:
        folder: To be made.
        model: Whose layers it fits.
        seed: Of its numbers.
        targets: Names that its layers end with.
        rank: Of its layers.
        ranks: Other ranks, by the ends of layers' names.
        settings: What ``adapter_config.json`` has besides, or otherwise.
    """
    import torch
    from safetensors.torch import save_file

    numbers = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, layer in layers_of(model, targets).items():
        r = dict(ranks).get(name.rpartition(".")[2], rank)
        key = f"base_model.model.{name}"
        tensors[f"{key}.lora_A.weight"] = 0.3 * torch.randn(r, layer.in_features, generator=numbers)
        tensors[f"{key}.lora_B.weight"] = 0.3 * torch.randn(
            layer.out_features, r, generator=numbers
        )
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    write_config(folder, r=rank, target_modules=list(targets), **settings)
    return folder


def write_config(folder, **settings):
    """Write ``adapter_config.json``, with some of what PEFT writes unasked."""
    usual = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "somewhere",
        "lora_alpha": 8,
        "bias": "none",
        "use_dora": False,
        "modules_to_save": None,
        "megatron_core": "megatron.core",
        "loftq_config": {},
        "init_lora_weights": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(usual | settings))


def merged(model, folder, *, alphas=()):
    """A copy of a model with an adapter's products added into its weights, as PEFT merges them."""
    import torch
    from safetensors.torch import load_file

    folder = Path(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    tensors = load_file(folder / "adapter_model.safetensors")
    twin = copy.deepcopy(model)
    for name, layer in layers_of(twin, config["target_modules"]).items():
        down = tensors[f"base_model.model.{name}.lora_A.weight"]
        up = tensors[f"base_model.model.{name}.lora_B.weight"]
        alpha = dict(alphas).get(name.rpartition(".")[2], config["lora_alpha"])
        rank = down.shape[0]
        scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
        with torch.no_grad():
            layer.weight += scale * up @ down
    return twin
