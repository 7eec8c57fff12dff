"""Writing to stdout: aligned columns for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from connectors_core.cli.escape import cut, one_line, safe_json, width


def print_json(value: Any) -> None:
    """Write one JSON value on a line of its own."""
    click.echo(safe_json(json.dumps(value, ensure_ascii=False)))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under heads, in columns; numbers to the right. Cells may hold anything."""
    click.echo("\n".join(columns(heads, list(rows))))


def columns(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a table."""
    texts = [[one_line(_text(cell)) for cell in row] for row in rows]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(heads))]
    table = [list(heads), *texts]
    widths = [max(width(row[i]) for row in table) for i in range(len(heads))]
    return [_line(row, widths, right) for row in table]


def fitted(line: str) -> str:
    """Return the line cut to the terminal, whole if stdout is none."""
    if not sys.stdout.isatty():
        return line
    return cut(line, shutil.get_terminal_size().columns)


def size(count: int) -> str:
    """Return a number of bytes for people."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = (
        " " * (wide - width(cell)) + cell if end else cell + " " * (wide - width(cell))
        for cell, wide, end in zip(row, widths, right, strict=True)
    )
    return "  ".join(cells).rstrip()


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float)
