"""The vLLM engine: the one place that imports vLLM.

Start with `simlab.models.vllm.engine`; `adapters` tells the engine of adapter folders.
"""

from simlab.models.vllm.engine import VllmEngine

__all__ = ["VllmEngine"]
