"""How long to wait before a request is made again."""

import hashlib
from datetime import UTC
from email.utils import parsedate_to_datetime

from simlab.seeding import SEED_BITS, derive

FIRST_S = 0.5
"""Before the second try, in seconds; doubles for each one after."""

LONGEST_S = 60.0
"""No wait is longer, whatever the endpoint asks for."""


def wait_s(request: bytes, *, attempt: int, asked_s: float = 0.0) -> float:
    """How long to wait before a request is made again.

    Between half and all of what doubles with each attempt, so that requests that failed together do
    not come back together; where in between follows from the request, its seed included.

    Args:
        request: The body.
        attempt: How many tries there were so far, at least 1.
        asked_s: Seconds that the endpoint asks to wait.
    """
    digest = hashlib.blake2b(request, digest_size=16).hexdigest()
    share = derive(0, digest, attempt) / 2**SEED_BITS
    own_s: float = FIRST_S * 2 ** (attempt - 1) * (1 + share) / 2
    return min(LONGEST_S, max(own_s, asked_s))


def read_retry_after(header: str | None, *, now: float) -> float:
    """Seconds that a ``Retry-After`` header asks to wait (RFC 9110, section 10.2.3).

    Args:
        header: Its value: seconds, or a date; what is neither asks for nothing.
        now: Seconds since the epoch, from which a date is counted.
    """
    if header is None:
        return 0.0
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now)
