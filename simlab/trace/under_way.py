"""Calls under way: what an episode waits for, and whose acts are broken off."""

from collections.abc import Callable

from simlab.trace.call import Call, Caller


class CallsUnderWay:
    """The calls of an episode that have not come back yet.

    An act may be broken off: then all its calls are cut off, those too that it has yet to make.
    What its code does by itself goes on to the next call, or to its end: so the act ends at the
    same place in a replay, however long anything takes there.

    Args:
        cut: Records that a call is cut off, so that a replay cuts it off as well.
    """

    __slots__ = ("_broken_off", "_calls", "_cut")

    def __init__(self, cut: Callable[[Call], None]) -> None:
        self._cut = cut
        self._calls: set[Call] = set()
        self._broken_off: set[str] = set()

    def add(self, call: Call) -> None:
        """Count a call in."""
        self._calls.add(call)

    def discard(self, call: Call) -> None:
        """Count a call out."""
        self._calls.discard(call)

    def in_words(self) -> list[str]:
        """A line for each, the longest-waiting first."""
        return [str(call) for call in sorted(self._calls, key=lambda call: call.start)]

    def cut_off(self, turn: Caller) -> list[str]:
        """Cut off the calls that a turn has left under way, as it ends.

        Returns:
            Their kinds, sorted.
        """
        if not self._calls:
            return []
        left = [call for call in self._calls if call.is_of(turn)]
        self._cancel(left)
        return sorted(call.kind for call in left)

    def break_off(self, actor: str) -> None:
        """Break off an actor's act, until `let_act`."""
        self._broken_off.add(actor)
        self._cancel([call for call in self._calls if call.key[0] == actor and call.is_in_act])

    def is_broken_off(self, actor: str) -> bool:
        """Whether what an actor's act comes to is wanted no more."""
        return actor in self._broken_off

    def breaks_off(self, made: Call) -> bool:
        """Whether a call that is about to be made belongs to an act that is broken off."""
        return bool(self._broken_off) and made.key[0] in self._broken_off and made.is_in_act

    def let_act(self, actor: str) -> None:
        """Let the calls of an actor be made again, whose act has ended."""
        self._broken_off.discard(actor)

    def _cancel(self, calls: list[Call]) -> None:
        for call in calls:
            self._cut(call)
            call.cancel()
