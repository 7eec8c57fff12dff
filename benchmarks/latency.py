"""From the yield of a record to the end of its commit, and how late the event loop is.

Both are taken inside the worker, by `python -m benchmarks.latency`, which runs beside the runtime.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.worker import connector, lines_file

PLUGIN = Path(__file__).with_name("sources.py")
BEAT = 0.01
WARM_SECONDS = 2.0
"""Left out after the first commit, whose records waited for their schema to be inferred."""


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give p50 and p99 in ms."""
    seconds = "5s" if quick else "10s"
    for rate in (100, 10_000):
        file = connector(folder, f"p{rate}", **{"connector.class": "paced"}, per_second=rate)
        found = inside(file, folder / f"data{rate}", seconds)
        yield f"yield to commit at {rate:,}/s: p50 {found['p50']:.1f} p99 {found['p99']:.1f} ms"
    lines = lines_file(folder, 100_000 if quick else 1_000_000)
    file = connector(
        folder,
        "full",
        **{"connector.class": "file-lines"},
        path=str(lines),
        format="json",
        follow=False,
    )
    found = inside(file, folder / "full", "60s")
    yield f"event loop late under full load: p50 {found['late50']:.1f} p99 {found['late99']:.1f} ms"


def inside(file: Path, data: Path, seconds: str, *kafka: str) -> dict[str, float]:
    """Run a connector in a process of its own, on a cluster if one is named; return percentiles."""
    command = [sys.executable, "-m", "benchmarks.latency", str(file), str(data), seconds, *kafka]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _watch(latencies: list[float], late: list[float]) -> None:
    """Note, in this process, every record's age at its commit and every late beat of the loop."""
    from connectors_core.runtime import plane, task

    accept = task.Run.committed
    begin = plane.Plane._prepare
    commits: list[float] = []

    def committed(self: Any, parcel: Any, offsets: Any) -> None:
        commits.append(time.monotonic())
        ages = [commits[-1] - at for at in _yielded(offsets)]
        if commits[-1] > commits[0] + WARM_SECONDS:
            latencies.extend(ages)
        accept(self, parcel, offsets)

    def prepare(self: Any, ready: threading.Event) -> None:
        begin(self, ready)
        loop = self._loop

        def beat(due: float) -> None:
            late.append(loop.time() - due)
            loop.call_later(BEAT, beat, loop.time() + BEAT)

        loop.call_later(BEAT, beat, loop.time() + BEAT)

    task.Run.committed = committed  # type: ignore[method-assign]
    plane.Plane._prepare = prepare  # type: ignore[method-assign]


_YIELDS: dict[int, float] = {}
_SEEN = [0]


def _yielded(offsets: dict[str, str | None]) -> Iterator[float]:
    for text in offsets.values():
        newest = json.loads(text or "{}").get("n", 0)
        for n in range(_SEEN[0] + 1, newest + 1):
            if n in _YIELDS:
                yield _YIELDS.pop(n)
        _SEEN[0] = max(newest, _SEEN[0])


def _note_yields() -> None:
    """Note when each number is accepted: the first thing that happens after its yield."""
    from connectors_core.runtime import reader

    make = reader.Reader.__init__

    def made(self: Any, *given: Any, **more: Any) -> None:
        make(self, *given, **more)
        take = self.take

        def noting(item: Any) -> bool:
            offset = item.offset
            if offset and "n" in offset:
                _YIELDS[offset["n"]] = time.monotonic()
            return bool(take(item))

        self.take = noting

    reader.Reader.__init__ = made  # type: ignore[method-assign]


def percentile(found: list[float], share: float) -> float:
    """Return in ms what a share of some seconds is not above."""
    ordered = sorted(found)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


def main() -> None:
    """Run one connector and print its percentiles in ms as JSON."""
    from connectors_core.app import Asked, RunOptions, find_place, run

    latencies: list[float] = []
    late: list[float] = []
    _watch(latencies, late)
    _note_yields()
    file, data, seconds, *more = sys.argv[1:]
    place = find_place(Asked(Path(data), kafka=more[0] if more else None))
    run(RunOptions([Path(file)], [PLUGIN], place, float(seconds.removesuffix("s"))))
    found = {
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
        "late50": percentile(late, 0.5),
        "late99": percentile(late, 0.99),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
