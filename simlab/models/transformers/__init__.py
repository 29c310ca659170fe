"""The transformers engine: the one place that imports torch and transformers.

Start with `simlab.models.transformers.engine`; `network` computes many sequences in one pass with
the attention of `attention` and the adapters of `adaptation`, and `decode` draws their tokens, such
as the `grammar` of a schema allows.
"""

from simlab.models.transformers.engine import TransformersEngine

__all__ = ["TransformersEngine"]
