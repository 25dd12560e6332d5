"""What a statement gave, in the form that the caller likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foretell.registry import require
from foretell.results import Pictured
from foretell.series import Series
from foretell.sql.answer import Answer
from foretell.wire.table import Groups

if TYPE_CHECKING:
    import pandas
    import polars


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """A table; `answers` tells how the functions in the statement were answered, inner ones first.

    `affected`: the statement gives no rows, but wrote so many; the table says only that.
    """

    table: pa.Table
    answers: tuple[Answer, ...] = ()
    affected: int | None = None

    @property
    def pictures(self) -> list[tuple[Groups, Pictured, Sequence[Series] | None]]:
        """What a picture can show of what went into it: series, what a model said of them, and `Answer.ahead`."""
        return [(one.history.groups, one.result, one.ahead) for one in self.answers if isinstance(one.result, Pictured)]

    @property
    def columns(self) -> list[str]:
        return list(self.table.column_names)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return f"Result({len(self)} rows: {', '.join(self.columns)})"

    def arrow(self) -> pa.Table:
        return self.table

    def df(self) -> pandas.DataFrame:
        frame: pandas.DataFrame = self.table.to_pandas()
        return frame

    def pl(self) -> polars.DataFrame:
        library: Any = require("polars", "polars")
        frame: polars.DataFrame = library.from_arrow(self.table)
        return frame

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows as tuples of Python values."""
        return list(zip(*(column.to_pylist() for column in self.table.itercolumns()), strict=True))
