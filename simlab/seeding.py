"""Seeds: one root seed, and one derived seed for everything below it.

A seed follows from the root and from the path of names that leads to what is seeded, never from the
order in which seeds are drawn, so that episode 7 of a run of 8 equals episode 7 of a run of 800.
"""

import hashlib

SEED_BITS = 63
"""Seeds fit a signed 64-bit integer, which every generator and file format takes."""


def derive(seed: int, *path: str | int) -> int:
    """The seed of whatever lives at ``path`` below ``seed``.

    The first 63 bits of blake2b over the seed and the parts of the path, each with its type and
    length, so that ``("ab",)``, ``("a", "b")`` and ``(1,)``, ``("1",)`` all differ.

    Args:
        seed: The root; any integer.
        path: Names and numbers that lead to what is seeded.

    Returns:
        An integer in ``[0, 2**63)``.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in (seed, *path):
        text = repr(part).encode()
        digest.update(b"%d:%b" % (len(text), text))
    return int.from_bytes(digest.digest()) >> (64 - SEED_BITS)
