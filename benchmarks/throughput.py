"""file-lines -> Avro -> embedded store against the bare loop, interleaved."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.worker import connector, lines_file, run

PLUGIN = Path(__file__).with_name("sources.py")


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give the rates and their ratios; medians of five interleaved rounds."""
    count, rounds = (50_000, 2) if quick else (1_000_000, 5)
    lines = lines_file(folder, count)
    options = {"path": str(lines), "topic": "lines"}
    files = {
        "file-lines": connector(
            folder, "a", **{"connector.class": "file-lines"}, format="json", follow=False, **options
        ),
        "plain generator": connector(folder, "b", **{"connector.class": "plain-lines"}, **options),
    }
    rates: dict[str, list[float]] = {"bare loop": [], **{name: [] for name in files}}
    for number in range(rounds):
        rates["bare loop"].append(_bare(lines, folder / f"bare{number}.db"))
        for name, file in files.items():
            data = folder / f"{file.stem}{number}"
            totals = run([file], data, "--plugin", str(PLUGIN))[0]["totals"]
            assert totals["records"] == count
            rates[name].append(totals["records"] / totals["seconds"])
    base = median(rates["bare loop"])
    yield f"{count:,} JSON lines of about 200 bytes, {rounds} rounds, records/s: median (min-max)"
    for name, found in rates.items():
        ratio = median(found) / base
        yield f"{name:16} {median(found):9,.0f} ({min(found):,.0f}-{max(found):,.0f})  {ratio:.2f}"


def _bare(lines: Path, database: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.bare", str(lines), str(database)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
