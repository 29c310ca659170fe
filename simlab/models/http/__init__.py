"""Endpoints that speak OpenAI's API over HTTP: hosted ones, and servers such as ``vllm serve``.

Start with `endpoint`, of which each event loop has one for all models of equal options. It asks
through the `ChatApi`, chats in and words out, or the `TokenApi`, token ids in and out; both ask
through the `Client`, which tries again where that may help.
"""

from simlab.models.http.endpoint import Endpoint
from simlab.models.http.endpoints import endpoint_of

__all__ = ["Endpoint", "endpoint_of"]
