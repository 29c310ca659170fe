"""The page of all runs."""

from simlab.apps.pages.wiring import ours


def runs_page() -> None:
    """A list of runs with state, progress and what each came to; our script fills it."""
    ours("<simlab-runs></simlab-runs>")
