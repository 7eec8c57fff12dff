"""From the yield of a record to the end of its transaction, beside the transactions of a bare loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from confluent_kafka import Producer

from benchmarks.kafka_brokers import brokers, fresh
from benchmarks.latency import inside, percentile
from benchmarks.worker import connector

LINGER_MS = 50


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give p50 and p99 in ms; medians of three rounds. Ours are taken inside the worker."""
    seconds, rounds = (6, 1) if quick else (15, 3)
    found: dict[int, list[dict[str, float]]] = {0: [], 100: [], 10_000: []}
    with brokers(folder) as cluster:
        for _ in range(rounds):
            for rate, results in found.items():
                take = _inside if rate else _bare
                results.append(take(folder, cluster.bootstrap, rate, seconds))
    for rate, results in found.items():
        what = f"yield to commit at {rate:,}/s" if rate else "begin to commit, bare loop"
        p50, p99 = (median(each[name] for each in results) for name in ("p50", "p99"))
        worst = max(each["p99"] for each in results)
        yield f"{what}: p50 {p50:.1f} p99 {p99:.1f} (worst {worst:.1f}) ms"


def _inside(folder: Path, bootstrap: str, rate: int, seconds: float) -> dict[str, float]:
    with fresh(bootstrap, "paced") as name:
        options = {"connector.class": "paced", "commit.linger.ms": LINGER_MS, "topic": name}
        file = connector(folder, name, per_second=rate, **options)
        return inside(file, folder / name, f"{seconds}s", bootstrap)


def _bare(folder: Path, bootstrap: str, rate: int, seconds: float) -> dict[str, float]:
    """Time transactions of one record, each begun as long after the last one as a worker's."""
    took = []
    with fresh(bootstrap, "bare") as name:
        properties = {"bootstrap.servers": bootstrap, "transactional.id": name, "linger.ms": 5}
        producer = Producer({**properties, "log_level": 0})
        producer.init_transactions(60)
        end = time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            producer.begin_transaction()
            producer.produce(name, b"x", partition=0)
            producer.commit_transaction(60)
            took.append(time.monotonic() - began)
            time.sleep(LINGER_MS / 1000)
    return {"p50": percentile(took, 0.5), "p99": percentile(took, 0.99)}
