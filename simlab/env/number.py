"""Numbers and times, as worlds give them and agents answer them."""

import math
from typing import Any

import numpy as np


def is_number(value: Any) -> bool:
    """Whether a value is a number that a log keeps as one: real, and no huge integer."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, float | np.floating | np.integer)


def is_time(value: Any) -> bool:
    """Whether a value can be a world time in seconds."""
    return is_number(value) and math.isfinite(value)
