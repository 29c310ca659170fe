"""The record of a run."""

from simlab.trace.tracing import effect, note, span

__all__ = ["effect", "note", "span"]
