"""Contents that a replay brings, kept to be shown where it parts from the record."""

from simlab.trace.contents import Content, Reference, put_back
from simlab.trace.history import History
from simlab.trace.plain import Intern, Plain


class SeenContents:
    """Remembers the contents of what a replay brings, to show them where it parts from the record.

    Args:
        intern: Makes the references.
        history: Of the episode; once it is exhausted, nothing is remembered.
    """

    def __init__(self, intern: Intern, history: History) -> None:
        self.contents: dict[bytes, Content] = {}
        self._intern = intern
        self._history = history

    def __call__(self, content: Content) -> Plain:
        """The reference to a content."""
        reference = self._intern(content)
        if not self._history.exhausted:
            self.contents[bytes(reference.data)] = content
        return reference

    def whole(self, value: Plain) -> Plain:
        """Plain data with its contents in place, as far as they are known."""
        return put_back(value, self._find)

    def _find(self, code: int, data: memoryview) -> Content | Reference:
        known = self.contents.get(bytes(data))
        if known is not None:
            return known
        find = self._history.content
        return Reference(code, bytes(data)) if find is None else find(code, data)
