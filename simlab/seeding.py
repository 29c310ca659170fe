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
    parts = [repr(part).encode() for part in (seed, *path)]
    told = b"".join([b"%d:%b" % (len(part), part) for part in parts])
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest()) >> (64 - SEED_BITS)
