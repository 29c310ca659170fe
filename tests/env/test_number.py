import math

import numpy as np
import pytest

from simlab.env.number import is_number, is_time


@pytest.mark.parametrize("value", [0, -(2**63), 2.5, np.float32(2.5), np.int64(3)])
def test_a_finite_number_is_a_time(value):
    assert is_number(value)
    assert is_time(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_finite_is_no_time(value):
    assert is_number(value)
    assert not is_time(value)


@pytest.mark.parametrize("value", [None, "3", 3j, 2**63, 10**400, np.zeros(2)])
def test_what_a_log_does_not_keep_as_a_number_is_none(value):
    assert not is_number(value)
    assert not is_time(value)
