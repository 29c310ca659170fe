"""Downloads: whole tables as CSV, however large, read and sent a piece at a time."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Final, Self

import msgspec
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from simlab.view.table import Table, csv_header, csv_rows

_IN_MEMORY: Final = 1 << 23
"""Bytes of rows that are kept in memory; more of them go to a file."""

_ROWS_AT_ONCE: Final = 1_000


class Download:
    """A table as CSV, whose columns are known once all of its pieces are: it is kept till then.

    Args:
        pieces: Of the table, in order.
    """

    def __init__(self, pieces: AsyncIterator[Table]) -> None:
        self._pieces = pieces
        self._columns: dict[str, None] = {}
        self._rows = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed below

    @classmethod
    async def begun(cls, pieces: AsyncIterator[Table]) -> Self:
        """One of which the first piece was read: what cannot be read at all is told as an error."""
        download = cls(pieces)
        async for piece in pieces:
            download._keep(piece)
            break
        return download

    async def lines(self) -> AsyncIterator[str]:
        """Comma-separated values with a header, some lines at a time."""
        with self._rows:
            async for piece in self._pieces:
                await run_in_threadpool(self._keep, piece)
            yield csv_header(list(self._columns))
            async for some in iterate_in_threadpool(self._some_lines()):
                yield some

    def _keep(self, piece: Table) -> None:
        for row in piece.rows:
            self._columns.update(dict.fromkeys(row))
            self._rows.write(msgspec.json.encode(row) + b"\n")

    def _some_lines(self) -> Iterator[str]:
        columns = list(self._columns)
        self._rows.seek(0)
        while some := list(islice(self._rows, _ROWS_AT_ONCE)):
            yield csv_rows(columns, map(msgspec.json.decode, some))
