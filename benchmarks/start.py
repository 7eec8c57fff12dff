"""Time from exec to the first committed record, of `--help`, and what waiting costs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.worker import COMMAND, Started, arguments, connector, lines_file


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give seconds, medians of seven, and percents of a core."""
    rounds = 2 if quick else 7
    lines = lines_file(folder, 200)
    file = connector(
        folder, "lines", **{"connector.class": "file-lines"}, path=str(lines), format="json"
    )
    warm = [_first_commit(file, folder / f"warm{n}") for n in range(rounds)]
    yield f"exec to first committed record, warm: {median(warm):.2f} s"
    cold = []
    for number in range(rounds):
        if not _drop_page_cache():
            yield "cold page cache: not measured, it takes root to drop it"
            break
        cold.append(_first_commit(file, folder / f"cold{number}"))
    if cold:
        yield f"exec to first committed record, cold page cache: {median(cold):.2f} s"
    helps = [_seconds([*COMMAND, "--help"]) for _ in range(rounds)]
    yield f"--help: {median(helps):.2f} s"
    waiting = [
        connector(
            folder, f"w{n}", **{"connector.class": "file-lines"}, path=str(lines), topic=f"w{n}"
        )
        for n in range(3)
    ]
    with Started(arguments(waiting, folder / "idle")) as worker:
        time.sleep(3)
        yield f"three waiting connectors: {worker.cpu(2 if quick else 20):.2f} % of a core"
        yield f"                          {worker.memory():.1f} MiB"
    with Started(arguments(waiting, folder / "table"), terminal=True) as worker:
        time.sleep(3)
        yield f"the same with the live table: {worker.cpu(2 if quick else 20):.2f} % of a core"


def _first_commit(file: Path, data: Path) -> float:
    """Return seconds from exec until the log is seen to hold a record."""
    import sqlite3

    with Started(arguments([file], data)) as worker:
        while True:
            try:
                with sqlite3.connect(f"file:{data / 'log.db'}?mode=ro", uri=True) as connection:
                    if connection.execute("SELECT count(*) FROM batch").fetchone()[0]:
                        return time.monotonic() - worker.at
            except sqlite3.OperationalError:
                pass
            time.sleep(0.002)


def _drop_page_cache() -> bool:
    try:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began
