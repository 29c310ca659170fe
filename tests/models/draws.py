"""Weights beside which stands how to draw from them."""

import json


def with_draws(folder, weights):
    """Fill a folder with links to weights, and a generation config that tempers and cuts draws.

    A model that obeys it has other probabilities than its raw logits; the folder is returned.
    """
    for path in weights.iterdir():
        if path.name != "generation_config.json":
            (folder / path.name).symlink_to(path)
    kept = weights / "generation_config.json"
    settings = json.loads(kept.read_text()) if kept.exists() else {}
    settings |= {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 5}
    settings |= {"repetition_penalty": 1.3}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return folder
