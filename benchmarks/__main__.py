"""Runs the benchmarks and prints their figures: `python -m benchmarks [name ...] [--quick]`.

Rates stand beside a bare loop of the same run, because machines differ and are noisy.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import busy, latency, many, memory, start, throughput

ALL = {
    "throughput": throughput.measure,
    "busy": busy.measure,
    "memory": memory.measure,
    "start": start.measure,
    "latency": latency.measure,
    "many": many.measure,
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
            for line in ALL[name](Path(folder), given.quick):
                print(line, flush=True)


if __name__ == "__main__":
    main()
