"""Tables for charts: columns and rows that plots take, and that are downloaded as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from simlab.view.bounds import Json

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would calculate; texts of a run are never to be run."""


@dataclass(slots=True)
class Table:
    """Rows with named columns; a row may lack some.

    Attributes:
        rows: By column each.
        complete: False: there is more to be read, so that the next call gives more.
    """

    rows: list[Mapping[str, Json]] = field(default_factory=list)
    complete: bool = True

    @property
    def columns(self) -> list[str]:
        """All columns, in the order in which they first come."""
        return list(dict.fromkeys(name for row in self.rows for name in row))


def csv_header(columns: Sequence[str]) -> str:
    """The first line of comma-separated values."""
    return csv_rows(columns, [{name: name for name in columns}])


def csv_rows(columns: Sequence[str], rows: Iterable[Mapping[str, Json]]) -> str:
    """Rows as lines of comma-separated values (RFC 4180), their cells in the order of columns."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def cells_of(values: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    """Numbers by name as cells of columns of their own, such as ``rating:influence``."""
    return {f"{prefix}:{name}": value for name, value in values.items()}


def _cell(value: Json) -> Json:
    """A cell; a text that a spreadsheet would take for a formula is quoted."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if is_formula else value


def sample(numbers: Sequence[int], n_most: int) -> list[int]:
    """So many of some numbers at most, spread evenly over them."""
    if len(numbers) <= n_most:
        return list(numbers)
    return [numbers[i * len(numbers) // n_most] for i in range(n_most)]
