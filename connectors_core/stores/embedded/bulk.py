"""Many rows in one statement.

Every `execute` gives up the GIL; beside a busy Python thread each costs up to the switch interval
(5 ms). Measured: `executemany` fell to 657 rows/s there, one statement kept 57,000. So writes are
multi-VALUES statements, in powers of two, so that few texts are prepared and they stay cached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from connectors_core.stores.embedded.connection import Connection

T = TypeVar("T")
MOST = 128


def spread(connection: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run `sql` for all rows; its one `{rows}` becomes `(?, ?), (?, ?), …`."""
    for some in portions(rows):
        connection.execute(_text(sql, len(some[0]), len(some)), list(chain.from_iterable(some)))


def portions(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of 128, 64, … 1, the large ones first."""
    start = 0
    while left := len(rows) - start:
        size = min(MOST, 1 << left.bit_length() - 1)
        yield rows[start : start + size]
        start += size


@lru_cache(maxsize=256)
def _text(sql: str, width: int, count: int) -> str:
    row = f"({','.join('?' * width)})"
    return sql.replace("{rows}", ",".join([row] * count))
