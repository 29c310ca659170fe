"""Memories from run files: the plain data that names a memory, and the memory it names."""

from collections.abc import Callable, Mapping
from typing import Any

from simlab.agents.memory import ListMemory, Memory, TokenWindow
from simlab.agents.recall import RecallMemory
from simlab.agents.summary import SummarisingMemory, summariser
from simlab.agents.tokens import TokenCounter, token_counter
from simlab.models.embedder import Embedder
from simlab.models.model import Model

MemorySpec = Memory | str | Mapping[str, Any] | None
"""A memory; ``list``, ``window`` or ``summary``; or a mapping with ``kind`` (of ``recall`` too) and
its options."""


def make_memory(spec: MemorySpec, model: Model) -> Memory:
    """The memory that `spec` names; a `TokenWindow` if it is None.

    Args:
        spec: A mapping may have, beside ``kind``, ``count`` (``characters`` or ``words``),
            ``max_tokens``, for ``summary`` ``max_summary_tokens``, and for ``recall`` ``n_recent``,
            ``recency``, ``importance`` and ``model``: the embedder, in a run file by its name under
            ``models``.
        model: Writes the summaries of ``summary``.

    Raises:
        ValueError: There is no such memory, or it has no such option.
    """
    if isinstance(spec, Memory):
        return spec
    if spec is not None and not isinstance(spec, str | Mapping):
        raise ValueError(f"memory must be one of {tuple(_MAKERS)!r} or a mapping, got {spec!r}")
    options = {"kind": spec} if isinstance(spec, str) else dict(spec or {})
    kind = options.pop("kind", "window")
    count = token_counter(options.pop("count", "characters"))
    if kind not in _MAKERS:
        raise ValueError(f"memory must be one of {tuple(_MAKERS)!r}, got {kind!r}")
    try:
        return _MAKERS[kind](model, count, options)
    except TypeError as error:
        raise ValueError(f"memory {kind!r} does not take {options!r}: {error}") from error


_MAKERS: Mapping[str, Callable[[Model, TokenCounter, Mapping[str, Any]], Memory]] = {
    "list": lambda _model, count, options: ListMemory(count=count, **options),
    "window": lambda _model, count, options: TokenWindow(count=count, **options),
    "summary": lambda model, count, options: SummarisingMemory(
        summariser(model, count=count), count=count, **options
    ),
    "recall": lambda _model, count, options: _recall(count, **options),
}


def _recall(count: TokenCounter, *, model: Any = None, **options: Any) -> RecallMemory:
    if not isinstance(model, Embedder):
        raise ValueError(  # noqa: TRY004 - a wrong name in a run file is a wrong value
            "memory 'recall' needs a model that embeds texts, such as {kind: recall, model: near} "
            "where models has near: {engine: embedding, weights: embedded}, "
            f"got {getattr(model, 'name', model)!r}"
        )
    return RecallMemory(model, count=count, **options)
