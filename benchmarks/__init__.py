"""Benchmarks: what SimLab costs beside the bars of its design, and beside its peers.

Each runs as ``python -m benchmarks.NAME [--json] [--no-peers]``: `engine`, `actors`, `log`,
`overlap` and `recovery`. README.md in this folder says what is measured, and how.
"""
