"""What measures each peer: run under the peer's own Python, with the standard library beside it.

Each prints its figures as one JSON object; `benchmarks.peer` runs them.
"""
