from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from simlab.models.http.backoff import FIRST_S, LONGEST_S, read_retry_after, wait_s

NOW = 1_700_000_000.0


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
def test_waits_double_and_lie_between_half_and_all_of_that(attempt):
    waits = [wait_s(b"%d" % n, attempt=attempt) for n in range(200)]

    longest = FIRST_S * 2 ** (attempt - 1)
    assert longest / 2 <= min(waits) < 0.6 * longest
    assert 0.9 * longest < max(waits) <= longest


def test_a_wait_follows_from_the_request():
    assert wait_s(b'{"seed": 1}', attempt=1) == wait_s(b'{"seed": 1}', attempt=1)
    assert wait_s(b'{"seed": 1}', attempt=1) != wait_s(b'{"seed": 2}', attempt=1)


@pytest.mark.parametrize(("asked_s", "waited_s"), [(7.0, 7.0), (LONGEST_S + 1, LONGEST_S)])
def test_what_the_endpoint_asks_for_is_waited_up_to_a_limit(asked_s, waited_s):
    assert wait_s(b"", attempt=1, asked_s=asked_s) == waited_s


def test_no_wait_is_shorter_than_its_own():
    assert wait_s(b"", attempt=3, asked_s=0.001) == wait_s(b"", attempt=3)


def test_no_wait_is_longer_than_the_limit():
    assert wait_s(b"", attempt=30) == LONGEST_S


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("12", 12.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        (format_datetime(datetime.fromtimestamp(NOW + 20, UTC), usegmt=True), 20.0),
        (format_datetime(datetime.fromtimestamp(NOW - 20, UTC), usegmt=True), 0.0),
        ("soon", 0.0),
        ("nan", 0.0),
    ],
)
def test_retry_after_is_in_seconds_or_a_date(header, seconds):
    assert read_retry_after(header, now=NOW) == seconds
