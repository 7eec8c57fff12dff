"""Peak memory, and whether it grows with what was read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.worker import connector, lines_file, run

EXAMPLES = Path(__file__).parent.parent / "connectors.d"


def measure(folder: Path, quick: bool) -> Iterator[str]:
    """Give peaks in MiB: 1 M lines, 3 M lines, and every plugin at once."""
    million = 20_000 if quick else 1_000_000
    peaks = []
    for times in (1, 3):
        lines = lines_file(folder, million * times)
        file = connector(
            folder,
            f"lines{times}",
            **{"connector.class": "file-lines"},
            path=str(lines),
            format="json",
            follow=False,
        )
        peaks.append(run([file], folder / f"data{times}")[1])
        yield f"file-lines, {million * times:,} lines: peak {peaks[-1]:.1f} MiB"
    yield f"3 x the lines: {peaks[1] / peaks[0]:.3f} of the memory (limit 1.05)"
    lines = lines_file(folder, million)
    _, peak = run(
        [*sorted(EXAMPLES.glob("*.yaml")), folder / "lines1.yaml"],
        folder / "all",
        "--playground",
        "--for",
        "5s" if quick else "20s",
    )
    yield f"all plugins at once, with their fake upstreams in the process: peak {peak:.1f} MiB"
