"""Models of a run: from what its file says to the values that agents are given."""

from collections.abc import Mapping
from typing import Any

Specs = Mapping[str, Mapping[str, Any]]
