"""Runs to look at, and the app that shows them."""

import pytest

from tests.apps.serving import served
from tests.view.conftest import browser, copied, runs, unsynced

__all__ = ["browser", "copied", "runs", "unsynced"]


@pytest.fixture(scope="session")
def app(runs):
    """The whole app over some runs, served on the loopback."""
    with served([runs]) as shown:
        yield shown
