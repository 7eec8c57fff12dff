"""What the store still takes while a plugin's thread keeps a core busy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.worker import connector, lines_file, run

PLUGIN = Path(__file__).with_name("sources.py")


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give the rate of file-lines beside a spinning plain generator."""
    count = 30_000 if quick else 300_000
    lines = connector(
        folder,
        "lines",
        **{"connector.class": "file-lines"},
        path=str(lines_file(folder, count)),
        format="json",
        follow=False,
    )
    spin = connector(folder, "spin", **{"connector.class": "spinning"})
    summary, _ = run(
        [lines, spin], folder / "data", "--plugin", str(PLUGIN), "--max-records", str(count)
    )
    totals = summary["totals"]
    rate = totals["records"] / totals["seconds"]
    yield f"file-lines beside a CPU-bound plain generator: {rate:,.0f} records/s (floor: 20,000)"
