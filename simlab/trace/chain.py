"""The chain of an episode's digests: each covers all that was recorded before it."""

import hashlib

from simlab.trace.contents import content_hash
from simlab.trace.history import EffectKey


class Chain:
    """Digests of an episode, each made of the one before and of what has come since."""

    __slots__ = ("_digest", "_effects")

    def __init__(self) -> None:
        self._digest = b""
        self._effects: list[tuple[EffectKey, bytes]] = []

    def add(self, key: EffectKey, core: bytes) -> None:
        """Take in an effect, in whatever order effects come."""
        self._effects.append((key, content_hash(core)))

    def forget_effects(self) -> None:
        """Leave out the effects since the last digest."""
        self._effects.clear()

    def advance(self, core: bytes) -> bytes:
        """The next digest: of the one before, the effects since by key, and the core."""
        digest = hashlib.blake2b(self._digest, digest_size=16)
        for _, effect in sorted(self._effects):
            digest.update(effect)
        digest.update(core)
        self._effects.clear()
        self._digest = digest.digest()
        return self._digest
