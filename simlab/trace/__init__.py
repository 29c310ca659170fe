"""The record of a run: written by `effect`, `span` and `note`, read through `simlab.trace.log`."""

from simlab.trace.tracing import Tag, effect, note, span, traced

__all__ = ["Tag", "effect", "note", "span", "traced"]
