"""A thousand connectors in one worker: 800 growing files and 200 WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.worker import Started, arguments, connector


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give seconds until every connector has a committed record, memory, threads and CPU."""
    files, sockets = (80, 20) if quick else (800, 200)
    logs = [folder / f"log{n}.jsonl" for n in range(files)]
    for log in logs:
        log.write_text('{"n": 0}\n')
    upstream = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.many"], stdout=subprocess.PIPE, text=True
    )
    assert upstream.stdout is not None
    url = upstream.stdout.readline().strip()
    configs = [
        connector(
            folder, f"f{n}", **{"connector.class": "file-lines"}, path=str(log), format="json"
        )
        for n, log in enumerate(logs)
    ] + [
        connector(
            folder,
            f"s{n}",
            **{"connector.class": "stock-websocket"},
            provider="generic",
            symbols=["A"],
            generic={"label": f"feed{n}", "url": url},
        )
        for n in range(sockets)
    ]
    growing = threading.Event()
    threading.Thread(target=_grow, args=(logs, growing), daemon=True).start()
    try:
        with Started(arguments(configs, folder / "data")) as worker:
            seconds = _all_committed(folder / "data", len(configs), worker)
            yield f"{len(configs):,} connectors: all have a committed record after {seconds:.2f} s"
            cpu = worker.cpu(2 if quick else 15)
            yield f"{worker.memory():.0f} MiB, {worker.process.num_threads()} threads, {cpu:.1f} % of a core"
            yield f"{_records(folder / 'data'):,} records so far"
    finally:
        growing.set()
        upstream.terminate()
        upstream.wait(10)


def _grow(logs: list[Path], stop: threading.Event) -> None:
    """Append a line to every file about every ten seconds."""
    n = 0
    while not stop.wait(10 / len(logs)):
        n += 1
        with logs[n % len(logs)].open("a") as file:
            file.write(json.dumps({"n": n}) + "\n")


def _query(data: Path, statement: str) -> int:
    try:
        with sqlite3.connect(f"file:{data / 'log.db'}?mode=ro", uri=True) as connection:
            return int(connection.execute(statement).fetchone()[0] or 0)
    except sqlite3.OperationalError:
        return 0


def _all_committed(data: Path, count: int, worker: Started) -> float:
    while _query(data, "SELECT count(DISTINCT log) FROM batch") < count:
        time.sleep(0.02)
        assert time.monotonic() - worker.at < 120, "not all connectors have committed a record"
    return time.monotonic() - worker.at


def _records(data: Path) -> int:
    return _query(data, "SELECT sum(count) FROM batch")


async def main() -> None:
    """Serve a trade a second to everybody until terminated; the address is the first line."""
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    async def feed(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                now = time.time_ns() // 10**6
                trade = {"symbol": "A", "price": "1.25", "size": "3", "time": now}
                await connection.send(json.dumps(trade))
                await asyncio.sleep(1)

    async with serve(feed, "127.0.0.1", 0) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
