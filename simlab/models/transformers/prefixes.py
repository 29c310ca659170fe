"""Keys and values that are kept from one request to the next that begins alike."""

from collections import OrderedDict
from collections.abc import Sequence

from simlab.models.transformers.attention import BLOCK, KeyValues

_Name = tuple[str | None, str | tuple[int, ...]]
"""Folder of the adapter, and the session or what stands for one."""


class PrefixCache:
    """The prompts that were read last, one for each session, up to a number of tokens.

    Reading a prompt takes most of the time on a CPU, and a chat's next prompt begins with its last
    one. Only whole blocks of a *prompt* are reused: these are computed in the same shapes by every
    request that begins with them, so that reuse never changes a result. Drawn tokens are read
    again, since they were computed one at a time. What one adapter has read is of no use to others.

    Args:
        capacity: The most tokens that are kept, over all sessions; 0 keeps none. Each takes a key
            and a value in every layer.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[_Name, tuple[list[int], KeyValues]] = OrderedDict()

    @property
    def tokens(self) -> int:
        """How many tokens are kept now."""
        return sum(cache.capacity for _, cache in self._kept.values())

    def begin(self, ids: Sequence[int], capacity: int, adapter: str | None = None) -> KeyValues:
        """A new cache for a prompt, which begins with what is kept of it.

        Args:
            ids: The whole prompt; at least its last token is left to be read.
            capacity: The most tokens that the new cache can hold.
            adapter: Folder of the adapter that reads it.
        """
        shared = {
            name: _shared_blocks(held, ids)
            for name, (held, _) in self._kept.items()
            if name[0] == adapter
        }
        longest = max(shared, key=shared.__getitem__, default=None)
        if longest is None or not shared[longest]:
            return KeyValues(capacity)
        self._kept.move_to_end(longest)
        return self._kept[longest][1].copy(shared[longest], capacity)

    def keep(
        self,
        session: str | None,
        prompt: Sequence[int],
        cache: KeyValues,
        adapter: str | None = None,
    ) -> None:
        """Keep the whole blocks of a prompt that was read, in place of its session's last.

        What was used longest ago makes room for it. Without a session, prompts whose first block is
        the same count as one's.
        """
        name = (adapter, tuple(prompt[:BLOCK]) if session is None else session)
        length = min(len(prompt), cache.length) // BLOCK * BLOCK
        self._kept.pop(name, None)
        if not 0 < length <= self._capacity:
            return
        self._kept[name] = (list(prompt[:length]), cache.copy(length, length))
        while self.tokens > self._capacity:
            self._kept.popitem(last=False)


def _shared_blocks(held: Sequence[int], ids: Sequence[int]) -> int:
    """How many tokens both begin with, in whole blocks and short of all of `ids`."""
    shared = 0
    while shared + BLOCK <= len(held) and shared + BLOCK < len(ids):
        block = slice(shared, shared + BLOCK)
        if list(held[block]) != list(ids[block]):
            break
        shared += BLOCK
    return shared
