"""What the runtime's own tests do not reach, held to the list in docs/reference/coverage.md.

`python -m tests.uncovered` reads what `coverage run` has left, says how much of each part is covered,
and ends with 1 where list and report differ. Functions are named, not lines: those move.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from coverage import Coverage

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/coverage.md"
PARTS = ("runtime", "herder", "stores", "avro")
LISTED = "runtime"
"""The part whose list must be whole."""
HOW_OFTEN = ("never", "sometimes")


def report_of(coverage: Coverage) -> dict[str, Any]:
    """Return coverage's JSON report of everything that was measured."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        coverage.json_report(outfile=str(path), include=["*"])
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def percent(report: Mapping[str, Any], part: str) -> float:
    """Return how many lines and branches of a part are covered, of 100."""
    sums = [each["summary"] for path, each in report["files"].items() if f"_core/{part}/" in path]
    done: int = sum(each["covered_lines"] + each["covered_branches"] for each in sums)
    whole: int = sum(each["num_statements"] + each["num_branches"] for each in sums)
    return 100 * done / whole


def missing_of(report: Mapping[str, Any]) -> dict[str, str]:
    """Return by function what it misses, empty if nothing; `module.Class.method` in the runtime."""
    found = {}
    for path, each in report["files"].items():
        if f"_core/{LISTED}/" in path:
            for name, function in each["functions"].items():
                lines = [str(line) for line in function["missing_lines"]]
                arcs = [f"{start}->{end}" for start, end in function["missing_branches"]]
                found[f"{Path(path).stem}.{name}".rstrip(".")] = ", ".join((*lines, *arcs))
    return found


def listed_in(page: str) -> dict[str, str]:
    """Return the rows of the page: a function, and how often it is reached."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    return {name.strip("`"): often for name, often, *_ in cells}


def differences(missing: Mapping[str, str], listed: Mapping[str, str]) -> Iterator[str]:
    """Say where report and list differ, and what to do about it."""
    for name, what in missing.items():
        if what and name not in listed:
            yield f"{name}: {what} not covered. Write a test, or a row in {PAGE.name} that says why."
    for name, often in listed.items():
        if name not in missing:
            yield f"{name}: there is no such function. Take its row out of {PAGE.name}."
        elif often not in HOW_OFTEN:
            yield f"{name}: {often!r} is neither of {', '.join(HOW_OFTEN)}."
        elif often == "never" and not missing[name]:
            yield f"{name}: covered. Take its row out of {PAGE.name}."


def main() -> int:
    """Print what there is to know; return the exit code."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    report = report_of(coverage)
    for part in PARTS:
        print(f"{part:8} {percent(report, part):5.1f} %")
    found: Sequence[str] = list(differences(missing_of(report), listed_in(PAGE.read_text())))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
