"""The receiving end of a link: batches once each, in the order of their numbers."""

from collections.abc import Iterator

from simlab.actors.parcel import Batch


class Inbox:
    """Puts batches back into the order in which they were sent, whatever happened on the way."""

    def __init__(self) -> None:
        self._next = 0
        self._early: dict[int, Batch] = {}

    def accept(self, batch: Batch) -> Iterator[Batch]:
        """Take a batch; give those whose turn it is.

        A batch that came before is dropped; one that comes early is held until the gap is filled.
        """
        if batch.number >= self._next:
            self._early[batch.number] = batch
        while (due := self._early.pop(self._next, None)) is not None:
            self._next += 1
            yield due
