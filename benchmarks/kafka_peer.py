"""The same lines through a real Kafka Connect worker and through ours, interleaved.

Both copy lines as text; ours also turns them from JSON into Avro. Rates are seen from outside, in
the same way for both: from the first record written to the last one committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.kafka_brokers import brokers, fresh
from benchmarks.kafka_watch import Watch
from benchmarks.worker import connector, lines_file, run
from tests.kafka.connect import ConnectWorker

REST = 5_000
"""Lines at the end that Connect may keep until its file grows: nobody waits for them."""
BATCH = 2_000
INTERVAL_MS = 1_000
"""With Connect's default of 60 s the whole file would wait for the end of one transaction."""
SECONDS = 900.0
MIB = 1 << 20
Found = tuple[float, float]
"""Records per second, peak memory in MiB."""
Contestant = Callable[[Path, Path, str, int], Found]
ASIDE = [
    ("lines, exactly once", "Connect, poll", 7),
    ("lines, exactly once", "Connect, interval", 3),
    ("lines, at least once", "Connect, at least once", 3.5),
    ("lines, not compressed", "Connect, poll", None),
    ("lines, exactly once", "Connect, poll, lz4", None),
]
"""Ours, the peer's, and the ratio to reach. Connect does not compress by itself, ours does."""


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give rates, ratios and peak memory; medians of three rounds."""
    count, rounds = (50_000, 1) if quick else (1_000_000, 3)
    lines = lines_file(folder, count)
    found: dict[str, list[Found]] = {name: [] for name in CONTESTANTS}
    with brokers(folder) as cluster:
        for number in range(rounds):
            for name, contestant in CONTESTANTS.items():
                place = folder / f"{number}-{name.replace(' ', '-')}"
                place.mkdir()
                found[name].append(contestant(place, lines, cluster.bootstrap, count - REST))
    yield f"{count:,} lines of about 200 bytes, {rounds} rounds: records/s (min-max), peak memory"
    for name, pairs in found.items():
        rates = [rate for rate, _ in pairs]
        spread = f"{median(rates):9,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
        yield f"{name:24} {spread}  {_memory(pairs):.0f} MiB"
    yield from _compared(found)


def _compared(found: dict[str, list[Found]]) -> Iterator[str]:
    for ours, peer, aim in ASIDE:
        ratio = _rate(found[ours]) / _rate(found[peer])
        share = _memory(found[peer]) / _memory(found[ours])
        aimed = "" if aim is None else f" (aim {aim})"
        yield f"{ours} / {peer}: {ratio:.1f} x the rate{aimed}, 1/{share:.1f} of the memory"
    best = max(_rate(found["Connect, poll"]), _rate(found["Connect, interval"]))
    ratio = _rate(found["Avro, exactly once"]) / best
    yield f"Avro, exactly once / the better of poll and interval: {ratio:.1f} x (aim 3)"


def _rate(pairs: list[Found]) -> float:
    return median(rate for rate, _ in pairs)


def _memory(pairs: list[Found]) -> float:
    return median(memory for _, memory in pairs)


def _peer(*, exactly_once: bool, **options: object) -> Contestant:
    def contestant(folder: Path, lines: Path, bootstrap: str, count: int) -> Found:
        with (
            fresh(bootstrap, "connect") as name,
            Watch(bootstrap, name, SECONDS) as watch,
            ConnectWorker(folder, bootstrap, exactly_once=exactly_once) as worker,
            ThreadPoolExecutor(1) as pool,
        ):
            rate = pool.submit(watch.rate, count)
            worker.file_source("lines", lines, name, batch_size=BATCH, **options)
            return rate.result(), worker.memory()[1] / MIB

    return contestant


def _ours(**options: object) -> Contestant:
    def contestant(folder: Path, lines: Path, bootstrap: str, count: int) -> Found:
        with (
            fresh(bootstrap, "ours") as name,
            Watch(bootstrap, name, SECONDS) as watch,
            ThreadPoolExecutor(1) as pool,
        ):
            given = {"connector.class": "file-lines", "path": str(lines), **options}
            file = connector(folder, name, follow=False, topic=name, **given)
            rate = pool.submit(watch.rate, count)
            _, memory = run([file], folder / "data", "--kafka", bootstrap)
            return rate.result(), memory

    return contestant


TEXT = {"format": "lines", "value.converter": "string"}
CONTESTANTS: dict[str, Contestant] = {
    "Connect, poll": _peer(exactly_once=True),
    "lines, exactly once": _ours(**TEXT),
    "Connect, interval": _peer(
        exactly_once=True,
        transaction_boundary="interval",
        transaction_boundary_interval_ms=INTERVAL_MS,
    ),
    "Avro, exactly once": _ours(format="json"),
    "Connect, at least once": _peer(exactly_once=False),
    "lines, at least once": _ours(**TEXT, **{"exactly.once": False}),
    "Connect, poll, lz4": _peer(exactly_once=True, producer_override_compression_type="lz4"),
    "lines, not compressed": _ours(**TEXT, **{"producer.override.compression.type": "none"}),
}
