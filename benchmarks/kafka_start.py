"""Time from exec to the first committed record on Kafka, beside a Kafka Connect worker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.kafka_brokers import brokers, fresh
from benchmarks.kafka_watch import Watch
from benchmarks.worker import Started, arguments, connector, lines_file
from tests.kafka.connect import ConnectWorker

LINES = 200
SECONDS = 120.0
Times = list[tuple[float, float]]
"""Of a first start, and of one that finds all its topics and the connector there."""


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give seconds as a reader of committed records sees them; medians of three rounds."""
    rounds = 1 if quick else 3
    ours: Times = []
    peer: Times = []
    with brokers(folder) as cluster:
        for number in range(rounds):
            place = folder / str(number)
            place.mkdir()
            ours.append(_ours(place, cluster.bootstrap))
            peer.append(_peer(place, cluster.bootstrap))
    for which, what in ((1, "again"), (0, "for the first time")):
        own, other = (median(each[which] for each in times) for times in (ours, peer))
        least, most = (end(each[which] for each in ours) for end in (min, max))
        yield f"exec to first committed record, {what}: {own:.2f} s ({least:.2f}-{most:.2f})"
        yield f"                                Connect: {other:.2f} s, {other / own:.1f} x"


def _ours(folder: Path, bootstrap: str) -> tuple[float, float]:
    with fresh(bootstrap, "started") as name, Watch(bootstrap, name, SECONDS) as watch:
        lines = lines_file(folder, LINES)
        options = {"connector.class": "file-lines", "path": str(lines), "format": "json"}
        file = connector(folder, name, topic=name, **options)
        settings = folder / "worker.yaml"
        internal = ("offsets", "claims", "schemas")
        topics = {f"{each}.storage.topic": f"{name}-{each}" for each in internal}
        settings.write_text(json.dumps(topics))
        more = ("--kafka", bootstrap, "--worker", str(settings))
        found = []
        for _ in range(2):
            with watch.first() as first, Started(arguments([file], folder / "data", *more)) as run:
                found.append(first.result() - run.at)
            _grow(lines)
        return found[0], found[1]


def _peer(folder: Path, bootstrap: str) -> tuple[float, float]:
    with fresh(bootstrap, "started") as name, Watch(bootstrap, name, SECONDS) as watch:
        lines = lines_file(folder, LINES)
        worker = ConnectWorker(folder, bootstrap, exactly_once=True)
        try:
            with watch.first() as first, ThreadPoolExecutor(1) as pool:
                began = time.monotonic()
                worker.launch()
                making = pool.submit(worker.file_source, "lines", lines, name)
                new = first.result() - began
                making.result()
            worker.close()
            _grow(lines)
            with watch.first() as first:
                began = time.monotonic()
                worker.launch()
                return new, first.result() - began
        finally:
            worker.close()


def _grow(lines: Path) -> None:
    """Write the file's first lines once more behind its end."""
    text = lines.read_bytes()
    with lines.open("ab") as file:
        file.write(b"".join(text.splitlines(keepends=True)[:LINES]))
