"""Calls under way: what an episode waits for, and whose acts are broken off."""

from simlab.trace.call import Call, Caller


class CallsUnderWay:
    """The calls of an episode that have not come back yet.

    An act may be broken off: then all its calls are, also those that it has yet to make.
    """

    __slots__ = ("_broken_off", "_calls")

    def __init__(self) -> None:
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

    def of_turn(self, turn: Caller) -> list[Call]:
        """Those that were made in a turn."""
        return [call for call in self._calls if call.is_of(turn)] if self._calls else []

    def break_off(self, actor: str) -> list[Call]:
        """Break off an actor's act; the calls that it has made."""
        self._broken_off.add(actor)
        return [call for call in self._calls if call.key[0] == actor and call.is_in_act]

    def is_broken_off(self, actor: str) -> bool:
        """Whether an actor's act is broken off."""
        return actor in self._broken_off

    def breaks_off(self, made: Call) -> bool:
        """Whether a call that is about to be made belongs to an act that is broken off."""
        return bool(self._broken_off) and made.key[0] in self._broken_off and made.is_in_act

    def let_act(self, actor: str) -> None:
        """Go on as if nothing had been broken off: the actor's act has ended."""
        self._broken_off.discard(actor)
