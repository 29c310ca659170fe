"""Downloads: whole tables as CSV, however large, read and sent a piece at a time."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import IO, Final, Self

import msgspec
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from simlab.view.table import Table, csv_header, csv_rows

_IN_MEMORY: Final = 1 << 23
"""Bytes of rows that are kept in memory; more of them go to a file."""

_ROWS_AT_ONCE: Final = 1_000


class Download:
    """A table as CSV, whose columns are known once all of its pieces are: it is kept till then.

    Args:
        first: Piece of the table.
        others: In order.
    """

    def __init__(self, first: Table, others: AsyncIterator[Table]) -> None:
        self._first = first
        self._others = others

    @classmethod
    async def begun(cls, pieces: AsyncIterator[Table]) -> Self:
        """One of which the first piece was read: what cannot be read at all is told as an error."""
        return cls(await anext(pieces), pieces)

    async def lines(self) -> AsyncIterator[str]:
        """Comma-separated values with a header, some lines at a time."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as rows:
            columns = await run_in_threadpool(_keep, self._first, rows)
            async for piece in self._others:
                columns |= await run_in_threadpool(_keep, piece, rows)
            rows.seek(0)
            yield csv_header(list(columns))
            async for some in iterate_in_threadpool(_some_lines(rows, list(columns))):
                yield some


def _keep(piece: Table, rows: IO[bytes]) -> dict[str, None]:
    """Write the rows of a piece down; the names of its columns."""
    columns: dict[str, None] = {}
    for row in piece.rows:
        columns.update(dict.fromkeys(row))
        rows.write(msgspec.json.encode(row) + b"\n")
    return columns


def _some_lines(rows: IO[bytes], columns: list[str]) -> Iterator[str]:
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield csv_rows(columns, map(msgspec.json.decode, some))
