"""What all tests share."""

from collections.abc import Iterator
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def ray_session() -> Iterator[ModuleType]:
    """Ray, started once for all tests that need it; systems join it and leave it running."""
    import ray  # takes half a second, which tests without Ray need not spend

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()
