"""file-lines -> Avro -> Kafka, exactly once, against the bare loop, interleaved."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks.kafka_brokers import brokers, fresh
from benchmarks.worker import connector, lines_file, run
from tests.kafka import topic

PARTS = 10


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give rates, ratios and peak memory for one connector and for ten; medians of five rounds."""
    count, rounds = (50_000, 2) if quick else (1_000_000, 5)
    lines = lines_file(folder, count)
    contestants = {"1 connector": [lines], f"{PARTS} connectors": split(lines, count)}
    rates: dict[str, list[float]] = {"bare loop": [], **{name: [] for name in contestants}}
    peaks: dict[str, list[float]] = {name: [] for name in contestants}
    with brokers(folder) as cluster:
        for number in range(rounds):
            rates["bare loop"].append(_bare(lines, cluster.bootstrap))
            for name, parts in contestants.items():
                data = folder / f"data{len(parts)}-{number}"
                rate, peak = _ours(parts, data, cluster.bootstrap, count)
                rates[name].append(rate)
                peaks[name].append(peak)
    base = median(rates["bare loop"])
    yield f"{count:,} JSON lines of about 200 bytes, {rounds} rounds, records/s: median (min-max)"
    for name, found in rates.items():
        ratio = median(found) / base
        yield f"{name:16} {median(found):9,.0f} ({min(found):,.0f}-{max(found):,.0f})  {ratio:.2f}"
    for name, found in peaks.items():
        yield f"{name:16} peak {median(found):.0f} MiB"


def split(lines: Path, count: int) -> list[Path]:
    """Write a file's lines into ten others, one part after the other."""
    parts = [lines.with_suffix(f".{number}") for number in range(PARTS)]
    size = -(-count // PARTS)
    # Never the whole file at once: Linux counts a parent's peak memory into that of its child.
    with lines.open("rb") as file:
        for part in parts:
            with part.open("wb") as copy:
                copy.writelines(islice(file, size))
    return parts


def _bare(lines: Path, bootstrap: str) -> float:
    with fresh(bootstrap, "bare") as name:
        topic.create(bootstrap, f"{name}-offsets", cleanup_policy="compact")
        command = [sys.executable, "-m", "benchmarks.kafka_bare", str(lines), bootstrap, name]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _ours(parts: list[Path], data: Path, bootstrap: str, count: int) -> tuple[float, float]:
    """Run a connector for each part; their names are new, so that all begin at the start.

    Returns records per second and the peak memory in MiB.
    """
    with fresh(bootstrap, "ours") as name:
        files = [
            connector(
                part.parent,
                f"{name}-{number}",
                **{"connector.class": "file-lines"},
                path=str(part),
                format="json",
                follow=False,
                topic=name,
            )
            for number, part in enumerate(parts)
        ]
        summary, peak = run(files, data, "--kafka", bootstrap)
    totals = summary["totals"]
    assert totals["records"] == count
    return totals["records"] / totals["seconds"], peak
