"""Benchmarks: what SimLab costs beside the bars of its design, and beside its peers.

Each runs as ``python -m benchmarks.NAME [--json] [--no-peers]``. README.md in this folder lists
them, and says what is measured and how.
"""
