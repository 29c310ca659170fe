"""What tests of agents share."""

import pytest

from tests.replying import Replying


@pytest.fixture
def replying():
    """The class of a model that answers what it was given."""
    return Replying
