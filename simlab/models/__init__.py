"""Language models as agents see them: small values that complete prompts.

Start with `simlab.models.model`, which says what a model is. `scripted` needs no weights,
`transformers_model` and `vllm_model` compute with weights that this process holds, `endpoint` asks
a server, `served` asks replicas that Ray Serve runs, and `recorded` puts any of them on the record.
`engines` makes the one that a run file names.

An `embedder` turns texts into vectors; of it too there are those that are scripted, computed in
this process, served and recorded.
"""

from simlab.models.embedder import Embedder
from simlab.models.model import ChatMessage, Completion, Model, Prompt, Sampling, Usage

__all__ = ["ChatMessage", "Completion", "Embedder", "Model", "Prompt", "Sampling", "Usage"]
