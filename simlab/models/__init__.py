"""Language models as agents see them: small values that complete prompts.

Start with `simlab.models.model`, which says what a model is. `scripted` needs no weights,
`in_process` computes with weights in this process, `served` asks replicas that Ray Serve runs, and
`recorded` puts any of them on the record. `engines` makes the one that a run file names.
"""

from simlab.models.model import ChatMessage, Completion, Model, Prompt, Sampling, Usage

__all__ = ["ChatMessage", "Completion", "Model", "Prompt", "Sampling", "Usage"]
