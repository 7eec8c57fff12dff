"""Runs the benchmarks and prints their figures: `python -m benchmarks [name ...] [--quick]`.

Rates stand beside a bare loop of the same run, because machines differ and are noisy.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import (
    busy,
    kafka_avro,
    kafka_latency,
    kafka_many,
    kafka_peer,
    kafka_recovery,
    kafka_start,
    latency,
    many,
    memory,
    start,
    throughput,
)
from tests.kafka.jars import MissingToolError

ALL = {
    "throughput": throughput.measure,
    "busy": busy.measure,
    "memory": memory.measure,
    "start": start.measure,
    "latency": latency.measure,
    "many": many.measure,
    "kafka-avro": kafka_avro.measure,
    "kafka-peer": kafka_peer.measure,
    "kafka-start": kafka_start.measure,
    "kafka-latency": kafka_latency.measure,
    "kafka-many": kafka_many.measure,
    "kafka-recovery": kafka_recovery.measure,
}


def main() -> None:
    """Run what was named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", choices=[[], *ALL], default=[])
    parser.add_argument("--quick", action="store_true", help="smaller, to see that it works")
    given = parser.parse_args()
    for name in given.names or ALL:
        with tempfile.TemporaryDirectory(prefix="pyconnect-bench-") as folder:
            print(f"\n## {name}", flush=True)
            try:
                for line in ALL[name](Path(folder), given.quick):
                    print(line, flush=True)
            except MissingToolError as missing:
                print(f"not measured: {missing}", flush=True)


if __name__ == "__main__":
    main()
